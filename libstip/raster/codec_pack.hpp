#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "libstip/raster/codec_vdpfor.hpp"
#include "libstip/raster/codec_words.hpp"

// Bit packing of groups of 256 words, vertical: lane by lane, so that a vector instruction of any
// width up to 256 bits works on neighbouring words. The loops over lanes are written for the
// compiler to vectorise. Internal to vdpfor.

namespace stip::vdpfor {

/// Bytes of a packed row: every lane's next word.
constexpr size_t row_bytes = 32;

/// Value i of a group is number i / lanes of lane i % lanes.
template <class T>
constexpr size_t lanes = row_bytes / sizeof(T);

template <class T>
constexpr T low_mask(size_t width) {
  return width == 0 ? T{0} : static_cast<T>(static_cast<T>(~T{0}) >> (bits_of<T> - width));
}

/// The values of one group, zero beyond the last.
template <class T>
struct alignas(64) group {
  T values[group_values];
};

/// Packed rows of a group of `count` values: enough for the lane with most values.
template <class T>
constexpr size_t packed_rows(size_t count, size_t width) {
  const size_t depth = (count + lanes<T> - 1) / lanes<T>;
  return (depth * width + bits_of<T> - 1) / bits_of<T>;
}

template <class T, size_t Width, size_t I>
[[gnu::always_inline]] inline void pack_step(const T* in, word_at<T>* out, T& word) {
  constexpr size_t bit = I * Width;
  constexpr size_t shift = bit % bits_of<T>;
  constexpr size_t row = bit / bits_of<T>;
  const T value = in[I * lanes<T>] & low_mask<T>(Width);
  word = static_cast<T>(word | static_cast<T>(value << shift));
  if constexpr (shift + Width >= bits_of<T>) {
    out[row * lanes<T>] = word;
    if constexpr (shift + Width > bits_of<T>)
      word = static_cast<T>(value >> (bits_of<T> - shift));
    else
      word = 0;
  }
}

template <class T, size_t Width, size_t... I>
[[gnu::always_inline]] inline void pack_lane(const T* in, word_at<T>* out,
                                             std::index_sequence<I...>) {
  T word = 0;
  (pack_step<T, Width, I>(in, out, word), ...);
}

template <class T, size_t Width>
void pack(const group<T>& in, std::byte* out) {
  if constexpr (Width > 0) {
    auto* __restrict words = words_at<T>(out);
    const T* __restrict values = in.values;
#pragma GCC ivdep
    for (size_t lane = 0; lane < lanes<T>; ++lane)
      pack_lane<T, Width>(values + lane, words + lane, std::make_index_sequence<bits_of<T>>());
  }
}

template <class T, size_t Width, size_t I>
[[gnu::always_inline]] inline void unpack_step(const word_at<T>* in, T* out) {
  constexpr size_t bit = I * Width;
  constexpr size_t shift = bit % bits_of<T>;
  constexpr size_t row = bit / bits_of<T>;
  T value = static_cast<T>(in[row * lanes<T>] >> shift);
  if constexpr (shift + Width > bits_of<T>)
    value =
        static_cast<T>(value | static_cast<T>(in[(row + 1) * lanes<T>] << (bits_of<T> - shift)));
  out[I * lanes<T>] = value & low_mask<T>(Width);
}

template <class T, size_t Width, size_t... I>
[[gnu::always_inline]] inline void unpack_lane(const word_at<T>* in, T* out,
                                               std::index_sequence<I...>) {
  (unpack_step<T, Width, I>(in, out), ...);
}

template <class T, size_t Width>
void unpack(const std::byte* in, group<T>& out) {
  if constexpr (Width == 0) {
    std::fill(std::begin(out.values), std::end(out.values), T{0});
  } else {
    const auto* __restrict words = words_at<T>(in);
    T* __restrict values = out.values;
#pragma GCC ivdep
    for (size_t lane = 0; lane < lanes<T>; ++lane)
      unpack_lane<T, Width>(words + lane, values + lane, std::make_index_sequence<bits_of<T>>());
  }
}

// 64-bit pixels are rare: one loop for all widths instead of 64 unrolled ones.

inline void pack_wide(const group<uint64_t>& in, size_t width, std::byte* out) {
  constexpr size_t n = lanes<uint64_t>;
  uint64_t rows[bits_of<uint64_t> + 1][n] = {};
  const uint64_t mask = low_mask<uint64_t>(width);
  for (size_t i = 0; i < bits_of<uint64_t>; ++i) {
    const size_t row = i * width / bits_of<uint64_t>;
    const size_t shift = i * width % bits_of<uint64_t>;
    for (size_t lane = 0; lane < n; ++lane) {
      const uint64_t value = in.values[i * n + lane] & mask;
      rows[row][lane] |= value << shift;
      if (shift + width > bits_of<uint64_t>)
        rows[row + 1][lane] |= value >> (bits_of<uint64_t> - shift);
    }
  }
  std::memcpy(out, rows, width * row_bytes);
}

inline void unpack_wide(const std::byte* in, size_t width, group<uint64_t>& out) {
  constexpr size_t n = lanes<uint64_t>;
  uint64_t rows[bits_of<uint64_t> + 1][n];
  std::memcpy(rows, in, width * row_bytes);
  std::memset(rows[width], 0, row_bytes);
  const uint64_t mask = low_mask<uint64_t>(width);
  for (size_t i = 0; i < bits_of<uint64_t>; ++i) {
    const size_t row = i * width / bits_of<uint64_t>;
    const size_t shift = i * width % bits_of<uint64_t>;
    for (size_t lane = 0; lane < n; ++lane) {
      uint64_t value = rows[row][lane] >> shift;
      if (shift + width > bits_of<uint64_t>)
        value |= rows[row + 1][lane] << (bits_of<uint64_t> - shift);
      out.values[i * n + lane] = value & mask;
    }
  }
}

template <class T>
using pack_function = void (*)(const group<T>&, std::byte*);
template <class T>
using unpack_function = void (*)(const std::byte*, group<T>&);

template <class T, size_t... Width>
constexpr std::array<pack_function<T>, sizeof...(Width)> make_packers(
    std::index_sequence<Width...>) {
  return {pack<T, Width>...};
}

template <class T, size_t... Width>
constexpr std::array<unpack_function<T>, sizeof...(Width)> make_unpackers(
    std::index_sequence<Width...>) {
  return {unpack<T, Width>...};
}

/// Writes width * row_bytes bytes.
template <class T>
void pack_group(const group<T>& in, size_t width, std::byte* out) {
  if constexpr (sizeof(T) == 8) {
    pack_wide(in, width, out);
  } else {
    static constexpr auto packers = make_packers<T>(std::make_index_sequence<bits_of<T> + 1>());
    packers[width](in, out);
  }
}

/// Reads width * row_bytes bytes.
template <class T>
void unpack_group(const std::byte* in, size_t width, group<T>& out) {
  if constexpr (sizeof(T) == 8) {
    unpack_wide(in, width, out);
  } else {
    static constexpr auto unpackers = make_unpackers<T>(std::make_index_sequence<bits_of<T> + 1>());
    unpackers[width](in, out);
  }
}

}  // namespace stip::vdpfor

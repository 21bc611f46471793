// Bit packing of groups of 256 words by vectors: lane by lane, as docs/data-format.md defines it.
// Compiled once for each target: include it after hwy/foreach_target.h and hwy/highway.h. Internal
// to vdpfor.

#if defined(STIP_CODEC_PACK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STIP_CODEC_PACK_INL
#undef STIP_CODEC_PACK_INL
#else
#define STIP_CODEC_PACK_INL
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <hwy/highway.h>

#include "libstip/raster/codec_differences-inl.hpp"
#include "libstip/raster/codec_group.hpp"

HWY_BEFORE_NAMESPACE();
namespace stip::HWY_NAMESPACE {

namespace vd = ::stip::vdpfor;

#if HWY_TARGET != HWY_SCALAR

template <class T, size_t Width, size_t I>
HWY_INLINE void pack_step(const T* in, word_at<T>* out, row_vector<T>& word) {
  const row_tag<T> d;
  constexpr size_t bit = I * Width;
  constexpr size_t shift = bit % bits_of<T>;
  constexpr size_t row = bit / bits_of<T>;
  const auto value =
      hn::And(hn::Load(d, in + I * vd::lanes<T>), hn::Set(d, vd::low_mask<T>(Width)));
  word = hn::Or(word, hn::ShiftLeft<static_cast<int>(shift)>(value));
  if constexpr (shift + Width >= bits_of<T>) {
    store<T>(word, out + row * vd::lanes<T>);
    if constexpr (shift + Width > bits_of<T>)
      word = hn::ShiftRight<static_cast<int>(bits_of<T> - shift)>(value);
    else
      word = hn::Zero(d);
  }
}

template <class T, size_t Width, size_t... I>
HWY_INLINE void pack_lane(const T* in, word_at<T>* out, std::index_sequence<I...>) {
  auto word = hn::Zero(row_tag<T>{});
  (pack_step<T, Width, I>(in, out, word), ...);
}

template <class T, size_t Width>
void pack(const T* in, std::byte* out) {
  if constexpr (Width > 0)
    for (size_t lane = 0; lane < vd::lanes<T>; lane += vector_words<T>)
      pack_lane<T, Width>(in + lane, words_at<T>(out) + lane,
                          std::make_index_sequence<bits_of<T>>());
}

template <class T, size_t Width, size_t I>
HWY_INLINE void unpack_step(const word_at<T>* in, T* out) {
  const row_tag<T> d;
  constexpr size_t bit = I * Width;
  constexpr size_t shift = bit % bits_of<T>;
  constexpr size_t row = bit / bits_of<T>;
  auto value = hn::ShiftRight<static_cast<int>(shift)>(load(in + row * vd::lanes<T>));
  if constexpr (shift + Width > bits_of<T>)
    value = hn::Or(value, hn::ShiftLeft<static_cast<int>(bits_of<T> - shift)>(
                              load(in + (row + 1) * vd::lanes<T>)));
  hn::Store(hn::And(value, hn::Set(d, vd::low_mask<T>(Width))), d, out + I * vd::lanes<T>);
}

template <class T, size_t Width, size_t... I>
HWY_INLINE void unpack_lane(const word_at<T>* in, T* out, std::index_sequence<I...>) {
  (unpack_step<T, Width, I>(in, out), ...);
}

template <class T, size_t Width>
void unpack(const std::byte* in, T* out) {
  if constexpr (Width == 0)
    std::fill(out, out + vd::group_values, T{0});
  else
    for (size_t lane = 0; lane < vd::lanes<T>; lane += vector_words<T>)
      unpack_lane<T, Width>(words_at<T>(in) + lane, out + lane,
                            std::make_index_sequence<bits_of<T>>());
}

// Words of 32 and 64 bits: one loop for all widths. Unrolled for each it decodes little faster and
// takes a compiler, above all one with sanitizers, many times as long.

template <class T>
void pack_wide(const T* in, size_t width, std::byte* out) {
  const row_tag<T> d;
  if (width == 0) return;
  const auto mask = hn::Set(d, vd::low_mask<T>(width));
  for (size_t lane = 0; lane < vd::lanes<T>; lane += vector_words<T>) {
    auto* row = words_at<T>(out) + lane;
    auto word = hn::Zero(d);
    size_t shift = 0;
    for (size_t i = 0; i < bits_of<T>; ++i) {
      const auto value = hn::And(hn::Load(d, in + i * vd::lanes<T> + lane), mask);
      word = hn::Or(word, hn::ShiftLeftSame(value, static_cast<int>(shift)));
      shift += width;
      if (shift < bits_of<T>) continue;
      store<T>(word, row);
      row += vd::lanes<T>;
      shift -= bits_of<T>;
      // A shift by all bits is undefined.
      word = shift == 0 ? hn::Zero(d) : hn::ShiftRightSame(value, static_cast<int>(width - shift));
    }
  }
}

template <class T>
void unpack_wide(const std::byte* in, size_t width, T* out) {
  const row_tag<T> d;
  if (width == 0) {
    std::fill(out, out + vd::group_values, T{0});
    return;
  }
  const auto mask = hn::Set(d, vd::low_mask<T>(width));
  for (size_t lane = 0; lane < vd::lanes<T>; lane += vector_words<T>) {
    const auto* row = words_at<T>(in) + lane;
    auto word = load(row);
    size_t shift = 0;
    for (size_t i = 0; i < bits_of<T>; ++i) {
      auto value = hn::ShiftRightSame(word, static_cast<int>(shift));
      shift += width;
      if (shift >= bits_of<T> && i + 1 < bits_of<T>) {
        row += vd::lanes<T>;
        word = load(row);
        shift -= bits_of<T>;
        if (shift > 0)
          value = hn::Or(value, hn::ShiftLeftSame(word, static_cast<int>(width - shift)));
      }
      hn::Store(hn::And(value, mask), d, out + i * vd::lanes<T> + lane);
    }
  }
}

/// vd::expand without a branch on the bits of the mask, which nobody foresees.
template <class T>
HWY_INLINE void expand_slices(const T* in, T mask, T* values) {
  const row_tag<T> d;
  alignas(vd::row_bytes) static constexpr T zeros[vd::lanes<T>] = {};
  for (size_t slice = 0; slice < bits_of<T>; ++slice, mask = static_cast<T>(mask >> 1)) {
    const size_t there = mask & 1;
    const T* const from = there != 0 ? in : zeros;
    for (size_t lane = 0; lane < vd::lanes<T>; lane += vector_words<T>)
      hn::Store(hn::Load(d, from + lane), d, values + slice * vd::lanes<T> + lane);
    in += there * vd::lanes<T>;
  }
}

template <class T>
using pack_function = void (*)(const T*, std::byte*);
template <class T>
using unpack_function = void (*)(const std::byte*, T*);

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

/// Writes width * row_bytes bytes of 256 values, which are aligned to 32 bytes.
template <class T>
void pack_group(const T* in, size_t width, std::byte* out) {
  if constexpr (sizeof(T) >= 4) {
    pack_wide<T>(in, width, out);
  } else {
    static constexpr auto packers = make_packers<T>(std::make_index_sequence<bits_of<T> + 1>());
    packers[width](in, out);
  }
}

/// Reads width * row_bytes bytes and writes 256 values, which are aligned to 32 bytes.
template <class T>
void unpack_group(const std::byte* in, size_t width, T* out) {
  if constexpr (sizeof(T) >= 4) {
    unpack_wide<T>(in, width, out);
  } else {
    static constexpr auto unpackers = make_unpackers<T>(std::make_index_sequence<bits_of<T> + 1>());
    unpackers[width](in, out);
  }
}

#endif

}  // namespace stip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "libstip/raster/codec_vdpfor.hpp"
#include "libstip/raster/codec_words.hpp"

// The groups of a vdpfor payload, for any kernels: the scalar ones and those of each vector target
// differ in how they compute, never in what. Internal to vdpfor.

namespace stip::vdpfor {

/// In a group's first byte: exceptions follow. The other bits are the width.
constexpr uint8_t exceptions_flag = 0x80;

/// Added to the width of a sparse group.
constexpr size_t sparse_width = 64;

/// Bytes before the packed rows at most: width, number of exceptions, bytes of each.
constexpr size_t max_control_bytes = 3;

/// An encoder looks for no more: beyond half of the values it would be bits that it keeps aside, at
/// the price of a search through all widths.
constexpr size_t max_sought_exceptions = 128;

/// Bytes of a packed row: every lane's next word.
constexpr size_t row_bytes = 32;

/// Value i of a group is number i / lanes of lane i % lanes.
template <class T>
constexpr size_t lanes = row_bytes / sizeof(T);

template <class T>
constexpr T low_mask(size_t width) {
  return width == 0 ? T{0} : static_cast<T>(static_cast<T>(~T{0}) >> (bits_of<T> - width));
}

/// Packed rows of a group of `count` values: enough for the lane with most values.
template <class T>
constexpr size_t packed_rows(size_t count, size_t width) {
  const size_t depth = (count + lanes<T> - 1) / lanes<T>;
  return (depth * width + bits_of<T> - 1) / bits_of<T>;
}

/// Bit k: one of the values [k * lanes, (k + 1) * lanes) of a group is not 0.
template <class T>
using slice_mask = T;

struct layout {
  size_t width = 0;
  size_t exceptions = 0;
  /// Bytes of the part of an exception above the width; 0 without exceptions.
  size_t exception_bytes = 0;

  bool operator==(const layout&) const = default;
};

/// Bytes of a group of `count` values without its control bytes for the width.
template <class T>
constexpr size_t group_bytes(const layout& how, size_t count) {
  return packed_rows<T>(count, how.width) * row_bytes +
         (how.exceptions > 0 ? max_control_bytes - 1 + how.exceptions * (1 + how.exception_bytes)
                             : 0);
}

/// To an encoder exceptions are dearer than their bytes, because a decoder puts them in their
/// places one by one: so many bytes for having any, and so many halves of their own bytes.
struct charge {
  size_t any = 0;
  size_t halves = 0;
};

/// A byte's exceptions are half of what an exception of the other words moves in the pixels.
constexpr charge of_bytes{0, 0};

constexpr charge of_words{8, 1};

/// Ranks are bytes, but stand for words; and they are small in any case.
constexpr charge of_ranks_of_words{16, 2};

template <class T>
constexpr charge charge_of = sizeof(T) == 1 ? of_bytes : of_words;

/// What exceptions add to the bytes of the packed rows, and their charge.
template <charge Charge>
constexpr size_t exceptions_cost(const layout& how) {
  if (how.exceptions == 0) return 0;
  const size_t bytes = how.exceptions * (1 + how.exception_bytes);
  return max_control_bytes - 1 + bytes + Charge.any + bytes * Charge.halves / 2;
}

/// What an encoder keeps low.
template <class T, charge Charge>
constexpr size_t group_cost(const layout& how, size_t count) {
  return packed_rows<T>(count, how.width) * row_bytes + exceptions_cost<Charge>(how);
}

/// Bytes of an upper part that has more than one, where there is but one choice, else 0.
template <class T>
constexpr size_t wide_exception = sizeof(T) <= 2 ? sizeof(T) : 0;

/// Writes positions and upper parts of the values whose bits are set in `wide`, bit i % 64 of word
/// i / 64 for value i. `Bytes` are those of an upper part, or 0 when the layout says; a constant
/// spares the common sizes a call.
template <class T, size_t Bytes>
void write_exceptions(const T* values, const uint64_t* wide, const layout& how, std::byte* out) {
  constexpr size_t word_bits = 64;
  const size_t size = Bytes > 0 ? Bytes : how.exception_bytes;
  auto* position = reinterpret_cast<uint8_t*>(out);
  auto* upper = out + how.exceptions;
  for (size_t base = 0; base < group_values; base += word_bits)
    for (uint64_t bits = wide[base / word_bits]; bits != 0; bits &= bits - 1) {
      const size_t i = base + static_cast<size_t>(std::countr_zero(bits));
      *position++ = static_cast<uint8_t>(i);
      const T part = static_cast<T>(values[i] >> how.width);
      std::memcpy(upper, &part, size);
      upper += size;
    }
}

/// Adds the upper parts to the values at their positions; false when a position is not below
/// `count`.
template <class T, size_t Bytes>
bool read_exceptions(const std::byte* in, const layout& how, size_t count, T* values) {
  const size_t size = Bytes > 0 ? Bytes : how.exception_bytes;
  const std::byte* upper = in + how.exceptions;
  for (size_t i = 0; i < how.exceptions; ++i) {
    const auto position = static_cast<size_t>(in[i]);
    if (position >= count) return false;
    T part = 0;
    std::memcpy(&part, upper, size);
    upper += size;
    values[position] = static_cast<T>(values[position] | static_cast<T>(part << how.width));
  }
  return true;
}

/// How many of the lowest bits are 0 in every word. Not all words are 0.
template <class T>
size_t common_zeros(const word_at<T>* words, size_t count) {
  T any = 0;
  // Most blocks have an odd word soon.
  for (size_t i = 0; i < count && (any & 1) == 0;) {
    const size_t end = std::min(count, i + group_values);
    for (; i < end; ++i) any = static_cast<T>(any | words[i]);
  }
  return any == 0 ? 0 : static_cast<size_t>(std::countr_zero(any));
}

/// The zig-zagged differences of words whose `shift` lowest bits are 0, without what these bits
/// make of a difference: zeros if it is not negative, else ones.
template <class T>
void drop_zeros(T* values, size_t count, size_t shift) {
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<T>(values[i] >> shift);
}

/// Undoes drop_zeros.
template <class T>
void restore_zeros(T* values, size_t count, size_t shift) {
  const T ones = low_mask<T>(shift);
  for (size_t i = 0; i < count; ++i) {
    const T negative = static_cast<T>(T{0} - static_cast<T>(values[i] & 1));
    values[i] = static_cast<T>(static_cast<T>(values[i] << shift) | (negative & ones));
  }
}

/// Keeps the slices whose bits are set, in front. Returns how many values those are.
template <class T>
size_t compact(const T* values, slice_mask<T> mask, T* out) {
  T* const begin = out;
  for (; mask != 0; mask &= static_cast<T>(mask - 1)) {
    std::memcpy(out, values + static_cast<size_t>(std::countr_zero(mask)) * lanes<T>, row_bytes);
    out += lanes<T>;
  }
  return static_cast<size_t>(out - begin);
}

/// Undoes compact.
template <class T>
void expand(const T* in, slice_mask<T> mask, T* values) {
  for (size_t slice = 0; slice < bits_of<T>; ++slice) {
    T* const to = values + slice * lanes<T>;
    if ((mask >> slice & 1) != 0) {
      std::memcpy(to, in, row_bytes);
      in += lanes<T>;
    } else {
      std::memset(to, 0, row_bytes);
    }
  }
}

/// Writes one group of `count` values (256, zero beyond the last); returns its end. With a mask the
/// group is sparse.
template <class T, class Kernels>
std::byte* encode_group(const T* values, size_t count, const layout& how, const slice_mask<T>* mask,
                        std::byte* out) {
  const size_t width = how.width + (mask ? sparse_width : 0);
  if (how.exceptions == 0) {
    *out++ = static_cast<std::byte>(width);
  } else {
    *out++ = static_cast<std::byte>(width | exceptions_flag);
    *out++ = static_cast<std::byte>(how.exceptions);
    *out++ = static_cast<std::byte>(how.exception_bytes);
  }
  if (mask) {
    std::memcpy(out, mask, sizeof *mask);
    out += sizeof *mask;
  }
  const size_t rows = packed_rows<T>(count, how.width);
  if (rows == how.width) {
    Kernels::pack(values, how.width, out);
  } else {
    // The rows beyond the last value are zeros and stay out.
    std::byte packed[group_values * sizeof(T)];
    Kernels::pack(values, how.width, packed);
    std::memcpy(out, packed, rows * row_bytes);
  }
  out += rows * row_bytes;
  if (how.exceptions == 0) return out;
  uint64_t wide[group_values / 64];
  Kernels::wider(values, how.width, wide);
  if (how.exception_bytes == 1)
    write_exceptions<T, 1>(values, wide, how, out);
  else
    write_exceptions<T, wide_exception<T>>(values, wide, how, out);
  return out + how.exceptions * (1 + how.exception_bytes);
}

/// Ranks of classes have no zeros in common: there is always a 1.
template <class T, class Kernels>
constexpr bool has_shift = std::is_same_v<typename Kernels::relation, difference<T>>;

/// Encodes with the kernels of one target:
/// relation: difference or change, as in codec_words.hpp;
/// take_differences and put_differences as in codec_words.hpp;
/// choose(values, count): of the layouts of at most max_sought_exceptions the one of least cost, of
/// several the widest;
/// nonzero(values): how many of the group's values are not 0;
/// slices(values): the mask of the slices that are not all 0;
/// count_slices(mask): how many bits are set;
/// expand(in, mask, values): undoes compact;
/// wider(values, width, out): four words with a bit set for each value of more than `width` bits;
/// pack(values, width, out) and unpack(in, width, values): width * row_bytes bytes of a full group.
template <class T, class Kernels>
size_t encode_groups(std::span<const std::byte> pixels, size_t columns, std::byte* out) {
  const auto* source = words_at<T>(pixels.data());
  const size_t total = pixels.size() / sizeof(T);
  std::byte* const begin = out;
  size_t shift = 0;
  if constexpr (has_shift<T, Kernels>) {
    shift = common_zeros(source, total);
    *out++ = static_cast<std::byte>(shift);
  }
  alignas(64) T values[group_values];
  alignas(64) T kept[group_values];
  for (size_t at = 0; at < total; at += group_values) {
    const size_t count = std::min(group_values, total - at);
    Kernels::take_differences(source, at, count, columns, values);
    std::fill(values + count, values + group_values, T{0});
    if (shift > 0) drop_zeros(values, count, shift);
    const size_t zeros = group_values - Kernels::nonzero(values);
    const layout dense = Kernels::choose(values, count);
    if (zeros >= lanes<T> && zeros < group_values) {
      const slice_mask<T> mask = Kernels::slices(values);
      if (mask != static_cast<T>(~T{0})) {
        const size_t kept_count = compact(values, mask, kept);
        std::fill(kept + kept_count, kept + group_values, T{0});
        const layout sparse = Kernels::choose(kept, kept_count);
        if (sparse.width > 0 && sparse.width < sparse_width &&
            group_bytes<T>(sparse, kept_count) + sizeof mask < group_bytes<T>(dense, count)) {
          out = encode_group<T, Kernels>(kept, kept_count, sparse, &mask, out);
          continue;
        }
      }
    }
    out = encode_group<T, Kernels>(values, count, dense, nullptr, out);
  }
  return static_cast<size_t>(out - begin);
}

/// Reads one group of `count` values from [in, end) into `values` (256, aligned to 32 bytes);
/// returns its end, or null when it is not well-formed.
template <class T, class Kernels>
const std::byte* decode_group(const std::byte* in, const std::byte* end, size_t count, T* values) {
  const auto left = [&] { return static_cast<size_t>(end - in); };
  if (left() < 1) return nullptr;
  const auto control = static_cast<uint8_t>(*in++);
  layout how{control & ~size_t{exceptions_flag}, 0, 0};
  const bool sparse = how.width > sparse_width;
  if (sparse) how.width -= sparse_width;
  if (how.width > bits_of<T>) return nullptr;
  if ((control & exceptions_flag) != 0) {
    if (left() < max_control_bytes - 1) return nullptr;
    how.exceptions = static_cast<size_t>(*in++);
    how.exception_bytes = static_cast<size_t>(*in++);
    if (how.width == bits_of<T> || how.exceptions == 0 || how.exception_bytes == 0 ||
        how.exception_bytes > sizeof(T))
      return nullptr;
  }
  slice_mask<T> mask = 0;
  alignas(64) T kept[group_values];
  T* const packed_values = sparse ? kept : values;
  if (sparse) {
    if (left() < sizeof mask) return nullptr;
    std::memcpy(&mask, in, sizeof mask);
    in += sizeof mask;
    count = Kernels::count_slices(mask) * lanes<T>;
  }
  const size_t rows = packed_rows<T>(count, how.width);
  if (left() < rows * row_bytes + how.exceptions * (1 + how.exception_bytes)) return nullptr;
  if (left() >= how.width * row_bytes) {
    // Rows that the group does not have become values that nobody reads.
    Kernels::unpack(in, how.width, packed_values);
  } else {
    std::byte packed[group_values * sizeof(T)];
    std::memcpy(packed, in, rows * row_bytes);
    std::memset(packed + rows * row_bytes, 0, (how.width - rows) * row_bytes);
    Kernels::unpack(packed, how.width, packed_values);
  }
  in += rows * row_bytes;
  if (how.exceptions > 0) {
    const bool good = how.exception_bytes == 1
                          ? read_exceptions<T, 1>(in, how, count, packed_values)
                          : read_exceptions<T, wide_exception<T>>(in, how, count, packed_values);
    if (!good) return nullptr;
    in += how.exceptions * (1 + how.exception_bytes);
  }
  if (sparse) Kernels::expand(kept, mask, values);
  return in;
}

/// Decodes with the kernels of one target; see encode_groups.
template <class T, class Kernels>
bool decode_groups(std::span<const std::byte> payload, size_t columns,
                   std::span<std::byte> pixels) {
  // Several groups at a time: vectors that are read while single exceptions in them are on their
  // way to the cache would wait for them.
  constexpr size_t batch_values = 4096 / sizeof(T);
  static_assert(batch_values % group_values == 0);
  // In front of the batch: what was too little for a vector of the last one.
  constexpr size_t max_left = 64 / sizeof(T);
  alignas(64) T buffer[max_left + batch_values];
  T* const values = buffer + max_left;
  auto* target = words_at<T>(pixels.data());
  const size_t total = pixels.size() / sizeof(T);
  const std::byte* in = payload.data();
  const std::byte* const end = in + payload.size();
  size_t shift = 0;
  if constexpr (has_shift<T, Kernels>) {
    if (in == end) return false;
    shift = static_cast<size_t>(*in++);
    if (shift >= bits_of<T>) return false;
  }
  size_t left = 0;
  for (size_t at = 0; at < total; at += batch_values) {
    const size_t count = std::min(batch_values, total - at);
    for (size_t i = 0; i < count; i += group_values) {
      in = decode_group<T, Kernels>(in, end, std::min(group_values, count - i), values + i);
      if (in == nullptr) return false;
    }
    if (shift > 0) restore_zeros(values, count, shift);
    left +=
        count - Kernels::put_differences(values - left, at - left, left + count, columns, target);
    // Of few words these overlap.
    std::memmove(buffer, values + count - max_left, sizeof(T) * max_left);
  }
  // Only where the last row is not whole.
  if (left > 0)
    put_differences<T, typename Kernels::relation>(values - left, total - left, left, columns,
                                                   target);
  return in == end;
}

}  // namespace stip::vdpfor

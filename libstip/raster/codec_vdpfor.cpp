#include "libstip/raster/codec_vdpfor.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "libstip/raster/codec_pack.hpp"
#include "libstip/raster/codec_words.hpp"

namespace stip::vdpfor {

namespace {

/// In a group's first byte: exceptions follow. The other bits are the width.
constexpr uint8_t exceptions_flag = 0x80;

/// Bytes before the packed rows at most: width, number of exceptions, bytes of each.
constexpr size_t max_control_bytes = 3;

/// The number of exceptions is one byte.
constexpr size_t max_exceptions = 255;

// -- choosing the width -------------------------------------------------------

/// Values that do not fit into `width` bits.
template <class T>
size_t count_wider(const group<T>& in, size_t width) {
  T counts[lanes<T>] = {};
  const T mask = static_cast<T>(~low_mask<T>(width));
  for (size_t i = 0; i < group_values; i += lanes<T>)
    for (size_t lane = 0; lane < lanes<T>; ++lane)
      counts[lane] = static_cast<T>(counts[lane] + ((in.values[i + lane] & mask) == 0 ? 1 : 0));
  size_t narrow = 0;
  for (const T count : counts) narrow += count;
  return group_values - narrow;
}

template <class T>
T all_bits(const group<T>& in) {
  T bits[lanes<T>] = {};
  for (size_t i = 0; i < group_values; i += lanes<T>)
    for (size_t lane = 0; lane < lanes<T>; ++lane)
      bits[lane] = static_cast<T>(bits[lane] | in.values[i + lane]);
  T out = 0;
  for (const T b : bits) out = static_cast<T>(out | b);
  return out;
}

struct layout {
  size_t width = 0;
  size_t exceptions = 0;
  /// Bytes of the part of an exception above the width; 0 without exceptions.
  size_t exception_bytes = 0;
};

/// The layout of fewest bytes; of several the widest.
template <class T>
layout choose_layout(const group<T>& in, size_t count) {
  const size_t widest = std::bit_width(all_bits(in));
  layout best{widest, 0, 0};
  size_t best_bytes = packed_rows<T>(count, widest) * row_bytes;
  for (size_t width = widest; width-- > 0;) {
    const size_t exceptions = count_wider(in, width);
    const size_t exception_bytes = (widest - width + 7) / 8;
    const size_t exceptions_total = 2 + exceptions * (1 + exception_bytes);
    // Narrower layouts have at least these exceptions, so nothing better can follow.
    if (exceptions > max_exceptions || exceptions_total >= best_bytes) break;
    const size_t bytes = packed_rows<T>(count, width) * row_bytes + exceptions_total;
    if (bytes < best_bytes) {
      best = {width, exceptions, exception_bytes};
      best_bytes = bytes;
    }
  }
  return best;
}

// -- groups -------------------------------------------------------------------

/// Bytes of an upper part that has more than one, where there is but one choice, else 0.
template <class T>
constexpr size_t wide_exception = sizeof(T) <= 2 ? sizeof(T) : 0;

/// Writes positions and upper parts of the values wider than the layout's width. `Bytes` are those
/// of an upper part, or 0 when the layout says; a constant spares the common sizes a call.
template <class T, size_t Bytes>
void write_exceptions(const group<T>& in, const layout& how, std::byte* out) {
  const size_t size = Bytes > 0 ? Bytes : how.exception_bytes;
  constexpr size_t values_a_word = sizeof(uint64_t) / sizeof(T);
  constexpr size_t words = group_values / values_a_word;
  T masks[values_a_word];
  std::fill(std::begin(masks), std::end(masks), static_cast<T>(~low_mask<T>(how.width)));
  uint64_t mask;
  std::memcpy(&mask, masks, sizeof mask);
  auto* position = reinterpret_cast<uint8_t*>(out);
  auto* upper = out + how.exceptions;
  for (size_t w = 0; w < words; ++w) {
    uint64_t word;
    std::memcpy(&word, in.values + w * values_a_word, sizeof word);
    word &= mask;
    while (word != 0) {
      const size_t in_word = static_cast<size_t>(std::countr_zero(word)) / bits_of<T>;
      const size_t i = w * values_a_word + in_word;
      *position++ = static_cast<uint8_t>(i);
      const T part = static_cast<T>(in.values[i] >> how.width);
      std::memcpy(upper, &part, size);
      upper += size;
      if constexpr (values_a_word == 1)
        word = 0;
      else
        word &= ~(uint64_t{low_mask<T>(bits_of<T>)} << (in_word * bits_of<T>));
    }
  }
}

/// Adds the upper parts to the values at their positions; false when a position is not below
/// `count`.
template <class T, size_t Bytes>
bool read_exceptions(const std::byte* in, const layout& how, size_t count, group<T>& out) {
  const size_t size = Bytes > 0 ? Bytes : how.exception_bytes;
  const std::byte* upper = in + how.exceptions;
  for (size_t i = 0; i < how.exceptions; ++i) {
    const auto position = static_cast<size_t>(in[i]);
    if (position >= count) return false;
    T part = 0;
    std::memcpy(&part, upper, size);
    upper += size;
    out.values[position] = static_cast<T>(out.values[position] | static_cast<T>(part << how.width));
  }
  return true;
}

template <class T>
encoded encode_as(std::span<const std::byte> pixels, size_t columns, std::byte* out) {
  const auto* source = words_at<T>(pixels.data());
  const size_t total = pixels.size() / sizeof(T);
  std::byte* const begin = out;
  encoded done;
  group<T> residuals;
  for (size_t at = 0; at < total; at += group_values) {
    const size_t count = std::min(group_values, total - at);
    take_differences<T>(source, at, count, columns, residuals.values);
    std::fill(residuals.values + count, residuals.values + group_values, T{0});
    done.unchanged += count - count_wider(residuals, 0);
    const layout how = choose_layout(residuals, count);
    if (how.exceptions == 0) {
      *out++ = static_cast<std::byte>(how.width);
    } else {
      *out++ = static_cast<std::byte>(how.width | exceptions_flag);
      *out++ = static_cast<std::byte>(how.exceptions);
      *out++ = static_cast<std::byte>(how.exception_bytes);
    }
    const size_t rows = packed_rows<T>(count, how.width);
    if (rows == how.width) {
      pack_group(residuals, how.width, out);
    } else {
      // The rows beyond the last value are zeros and stay out.
      std::byte packed[sizeof residuals.values];
      pack_group(residuals, how.width, packed);
      std::memcpy(out, packed, rows * row_bytes);
    }
    out += rows * row_bytes;
    if (how.exceptions == 0) continue;
    if (how.exception_bytes == 1)
      write_exceptions<T, 1>(residuals, how, out);
    else
      write_exceptions<T, wide_exception<T>>(residuals, how, out);
    out += how.exceptions * (1 + how.exception_bytes);
  }
  done.bytes = static_cast<size_t>(out - begin);
  return done;
}

template <class T>
bool decode_as(std::span<const std::byte> payload, size_t columns, std::span<std::byte> pixels) {
  auto* target = words_at<T>(pixels.data());
  const size_t total = pixels.size() / sizeof(T);
  const std::byte* in = payload.data();
  const std::byte* const end = in + payload.size();
  const auto left = [&] { return static_cast<size_t>(end - in); };
  group<T> residuals;
  for (size_t at = 0; at < total; at += group_values) {
    const size_t count = std::min(group_values, total - at);
    if (left() < 1) return false;
    const auto control = static_cast<uint8_t>(*in++);
    layout how{control & ~size_t{exceptions_flag}, 0, 0};
    if (how.width > bits_of<T>) return false;
    if ((control & exceptions_flag) != 0) {
      if (left() < max_control_bytes - 1) return false;
      how.exceptions = static_cast<size_t>(*in++);
      how.exception_bytes = static_cast<size_t>(*in++);
      if (how.width == bits_of<T> || how.exceptions == 0 || how.exception_bytes == 0 ||
          how.exception_bytes > sizeof(T))
        return false;
    }
    const size_t rows = packed_rows<T>(count, how.width);
    if (left() < rows * row_bytes + how.exceptions * (1 + how.exception_bytes)) return false;
    if (rows == how.width) {
      unpack_group(in, how.width, residuals);
    } else {
      std::byte packed[sizeof residuals.values];
      std::memcpy(packed, in, rows * row_bytes);
      std::memset(packed + rows * row_bytes, 0, (how.width - rows) * row_bytes);
      unpack_group(packed, how.width, residuals);
    }
    in += rows * row_bytes;
    if (how.exceptions > 0) {
      const bool good = how.exception_bytes == 1
                            ? read_exceptions<T, 1>(in, how, count, residuals)
                            : read_exceptions<T, wide_exception<T>>(in, how, count, residuals);
      if (!good) return false;
      in += how.exceptions * (1 + how.exception_bytes);
    }
    put_differences<T>(residuals.values, at, count, columns, target);
  }
  return in == end;
}

}  // namespace

size_t max_bytes(size_t word_bytes, size_t count) noexcept {
  const size_t groups = (count + group_values - 1) / group_values;
  return groups * (max_control_bytes + group_values * word_bytes);
}

encoded encode(size_t word_bytes, std::span<const std::byte> pixels, size_t columns,
               std::span<std::byte> out) noexcept {
  switch (word_bytes) {
    case 1:
      return encode_as<uint8_t>(pixels, columns, out.data());
    case 2:
      return encode_as<uint16_t>(pixels, columns, out.data());
    case 4:
      return encode_as<uint32_t>(pixels, columns, out.data());
    default:
      return encode_as<uint64_t>(pixels, columns, out.data());
  }
}

bool decode(size_t word_bytes, std::span<const std::byte> payload, size_t columns,
            std::span<std::byte> pixels) noexcept {
  switch (word_bytes) {
    case 1:
      return decode_as<uint8_t>(payload, columns, pixels);
    case 2:
      return decode_as<uint16_t>(payload, columns, pixels);
    case 4:
      return decode_as<uint32_t>(payload, columns, pixels);
    default:
      return decode_as<uint64_t>(payload, columns, pixels);
  }
}

}  // namespace stip::vdpfor

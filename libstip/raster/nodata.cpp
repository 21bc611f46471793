#include "libstip/raster/nodata.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

namespace stip {

namespace {

template <class T>
uint64_t to_pattern(T value) {
  uint64_t out = 0;
  if constexpr (std::is_same_v<T, float>)
    out = std::bit_cast<uint32_t>(value);
  else if constexpr (std::is_same_v<T, double>)
    out = std::bit_cast<uint64_t>(value);
  else
    out = static_cast<std::make_unsigned_t<T>>(value);
  return out;
}

template <class T>
T from_pattern(uint64_t pattern) {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(static_cast<uint32_t>(pattern));
  else if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<double>(pattern);
  else
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(pattern));
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

/// The shortest exact text of a double has at most 24 characters.
constexpr size_t max_number_characters = 32;

/// Texts such as "-3.40282e+38" stand for the type's extreme but lie a little beyond it.
constexpr double extreme_slack = 1e-5;

template <class T>
std::optional<T> to_float(double value) {
  if (std::isnan(value)) return std::numeric_limits<T>::quiet_NaN();
  const auto extreme = static_cast<double>(std::numeric_limits<T>::max());
  if (std::isinf(value) || std::fabs(value) <= extreme) return static_cast<T>(value);
  if (std::fabs(value) / extreme - 1 > extreme_slack) return std::nullopt;
  return value > 0 ? std::numeric_limits<T>::max() : std::numeric_limits<T>::lowest();
}

template <class T>
std::optional<T> to_integer(double value) {
  // Both bounds are exact: the lowest value, and a power of two just beyond the largest.
  constexpr auto low = static_cast<double>(std::numeric_limits<T>::min());
  const double beyond = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (!(value >= low && value < beyond) || std::trunc(value) != value) return std::nullopt;
  return static_cast<T>(value);
}

template <class From>
std::optional<uint64_t> integer_pattern(pixel_type type, From value) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) -> std::optional<uint64_t> {
    if constexpr (std::is_floating_point_v<T>) {
      return to_pattern(static_cast<T>(value));
    } else {
      if (!std::in_range<T>(value)) return std::nullopt;
      return to_pattern(static_cast<T>(value));
    }
  });
}

}  // namespace

std::optional<uint64_t> nodata_pattern(pixel_type type, double value) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) -> std::optional<uint64_t> {
    std::optional<T> own;
    if constexpr (std::is_floating_point_v<T>)
      own = to_float<T>(value);
    else
      own = to_integer<T>(value);
    if (!own) return std::nullopt;
    return to_pattern(*own);
  });
}

std::optional<uint64_t> nodata_pattern(pixel_type type, int64_t value) {
  return integer_pattern(type, value);
}

std::optional<uint64_t> nodata_pattern(pixel_type type, uint64_t value) {
  return integer_pattern(type, value);
}

double nodata_value(pixel_type type, uint64_t pattern) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    return static_cast<double>(from_pattern<T>(pattern));
  });
}

std::string nodata_text(pixel_type type, uint64_t pattern) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    std::array<char, max_number_characters> text{};
    const auto [end, failure] =
        std::to_chars(text.data(), text.data() + text.size(), from_pattern<T>(pattern));
    return failure == std::errc() ? std::string(text.data(), end) : std::string();
  });
}

void mark_valid(pixel_type type, std::span<const std::byte> pixels, uint64_t pattern,
                std::span<std::byte> valid) {
  visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    const T nodata = from_pattern<T>(pattern);
    const auto* from = pixels.data();
    if (nodata != nodata) {
      for (auto& v : valid) {
        const T value = load<T>(from);
        v = std::byte{value == value};
        from += sizeof(T);
      }
    } else {
      for (auto& v : valid) {
        v = std::byte{load<T>(from) != nodata};
        from += sizeof(T);
      }
    }
  });
}

void mark_in_range(pixel_type type, std::span<const std::byte> pixels, double low, double high,
                   std::span<std::byte> valid) {
  visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    const auto* from = pixels.data();
    for (auto& v : valid) {
      const auto value = static_cast<double>(load<T>(from));
      v &= std::byte{value >= low && value <= high};
      from += sizeof(T);
    }
  });
}

void fill_pattern(pixel_type type, std::span<std::byte> pixels, uint64_t pattern) {
  if (pattern == 0) {
    std::memset(pixels.data(), 0, pixels.size());
    return;
  }
  visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    const T value = from_pattern<T>(pattern);
    for (size_t i = 0; i + sizeof(T) <= pixels.size(); i += sizeof(T))
      std::memcpy(pixels.data() + i, &value, sizeof(T));
  });
}

}  // namespace stip

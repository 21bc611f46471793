#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "libstip/core/error.hpp"

namespace stip {

/// The type of a pixel's value. The numbers stand in files and messages: never renumber.
enum class pixel_type : uint8_t {
  uint8 = 1,
  int8 = 2,
  uint16 = 3,
  int16 = 4,
  uint32 = 5,
  int32 = 6,
  uint64 = 7,
  int64 = 8,
  float32 = 9,
  float64 = 10,
  /// A mask: one byte a pixel in memory, 0 or 1; one bit a pixel on disk before compression.
  bit = 32,
};

/// Whether the value is one of the enumerators; what comes from disk or wire may not be.
constexpr bool is_known(pixel_type type) noexcept {
  const auto value = static_cast<uint8_t>(type);
  return (value >= 1 && value <= 10) || type == pixel_type::bit;
}

/// Bytes of a pixel in memory (1 for bit); 0 for an unknown value.
constexpr size_t size_of(pixel_type type) noexcept {
  switch (type) {
    case pixel_type::uint8:
    case pixel_type::int8:
    case pixel_type::bit:
      return 1;
    case pixel_type::uint16:
    case pixel_type::int16:
      return 2;
    case pixel_type::uint32:
    case pixel_type::int32:
    case pixel_type::float32:
      return 4;
    case pixel_type::uint64:
    case pixel_type::int64:
    case pixel_type::float64:
      return 8;
  }
  return 0;
}

/// Whether the type is float32 or float64 (the types that have NaN).
constexpr bool is_float(pixel_type type) noexcept {
  return type == pixel_type::float32 || type == pixel_type::float64;
}

/// The name that NumPy gives the type ("uint8" .. "float64"), or "bit"; "unknown" else.
std::string_view to_string(pixel_type type) noexcept;

/// The type of a name that to_string gives; ec::invalid_argument for any other.
result<pixel_type> parse_pixel_type(std::string_view name);

/// Calls `f(std::type_identity<T>{})` with the C++ type that holds a pixel in memory (uint8_t for
/// bit) and returns what it returns. The type must be known (see is_known).
template <class F>
constexpr decltype(auto) visit_pixel_type(pixel_type type, F&& f) {
  switch (type) {
    case pixel_type::int8:
      return f(std::type_identity<int8_t>{});
    case pixel_type::uint16:
      return f(std::type_identity<uint16_t>{});
    case pixel_type::int16:
      return f(std::type_identity<int16_t>{});
    case pixel_type::uint32:
      return f(std::type_identity<uint32_t>{});
    case pixel_type::int32:
      return f(std::type_identity<int32_t>{});
    case pixel_type::uint64:
      return f(std::type_identity<uint64_t>{});
    case pixel_type::int64:
      return f(std::type_identity<int64_t>{});
    case pixel_type::float32:
      return f(std::type_identity<float>{});
    case pixel_type::float64:
      return f(std::type_identity<double>{});
    case pixel_type::uint8:
    case pixel_type::bit:
      break;
  }
  return f(std::type_identity<uint8_t>{});
}

}  // namespace stip

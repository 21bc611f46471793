#pragma once

#include <caf/test/unit_test.hpp>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "libstip/raster/block.hpp"

/// Blocks of every pixel type with every kind of content.
namespace stip::test {

using bytes = std::vector<std::byte>;

inline constexpr pixel_type all_types[] = {
    pixel_type::uint8,   pixel_type::int8,    pixel_type::uint16, pixel_type::int16,
    pixel_type::uint32,  pixel_type::int32,   pixel_type::uint64, pixel_type::int64,
    pixel_type::float32, pixel_type::float64, pixel_type::bit,
};

struct shape {
  uint16_t rows;
  uint16_t columns;
};

/// One pixel's bit pattern at a row and column.
using content = std::function<uint64_t(pixel_type, size_t, size_t, std::mt19937_64&)>;

/// The bit pattern of a number in the type.
inline uint64_t pattern_of(pixel_type type, double value) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    T pixel;
    if constexpr (std::is_floating_point_v<T>)
      pixel = static_cast<T>(value);
    else
      pixel = static_cast<T>(static_cast<int64_t>(value));
    uint64_t out = 0;
    std::memcpy(&out, &pixel, sizeof pixel);
    return out;
  });
}

/// Bit patterns that are easily lost: NaNs with payloads, both zeros, infinities, denormals.
inline uint64_t odd_pattern(pixel_type type, uint64_t random) {
  const uint64_t of_float[] = {0x7fc00000, 0xffc12345, 0x7f800001, 0x80000000, 0,
                               0x7f800000, 0xff800000, 1,          0x807fffff, 0x3f800000};
  const uint64_t of_double[] = {0x7ff8000000000000,
                                0xfff8000000abcdef,
                                0x7ff0000000000001,
                                0x8000000000000000,
                                0,
                                0x7ff0000000000000,
                                0xfff0000000000000,
                                1,
                                0x800fffffffffffff,
                                0x3ff0000000000000};
  return type == pixel_type::float64 ? of_double[random % 10] : of_float[random % 10];
}

inline const std::map<std::string, content> contents = {
    {"random", [](auto, auto, auto, auto& random) { return random(); }},
    {"smooth",
     [](auto type, size_t row, size_t column, auto& random) {
       return pattern_of(type,
                         40.0 + 0.11 * double(row) + 0.07 * double(column) + double(random() % 3));
     }},
    {"zero", [](auto, auto, auto, auto&) { return uint64_t{0}; }},
    {"constant", [](auto type, auto, auto, auto&) { return pattern_of(type, 1); }},
    {"outliers",
     [](auto type, auto, auto, auto& random) {
       return random() % 97 == 0 ? random() : pattern_of(type, double(random() % 4));
     }},
    {"lonely outlier",
     [](auto type, size_t row, size_t column, auto& random) {
       return row == 0 && column == 0 ? random() : pattern_of(type, 1);
     }},
    {"min and max by turns",
     [](auto type, size_t row, size_t column, auto&) {
       return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
         const T value = (row + column) % 2 == 0 ? std::numeric_limits<T>::lowest()
                                                 : std::numeric_limits<T>::max();
         uint64_t out = 0;
         std::memcpy(&out, &value, sizeof value);
         return out;
       });
     }},
    {"odd patterns",
     [](auto type, auto, auto, auto& random) { return odd_pattern(type, random()); }},
    {"classes", [](auto type, size_t row, size_t column,
                   auto&) { return pattern_of(type, double((row / 7 + column / 9) % 5)); }},
};

inline bytes make_pixels(pixel_type type, shape s, const content& pixel, std::mt19937_64& random) {
  const size_t size = size_of(type);
  bytes out(size_t{s.rows} * s.columns * size);
  for (size_t row = 0; row < s.rows; ++row)
    for (size_t column = 0; column < s.columns; ++column) {
      uint64_t value = pixel(type, row, column, random);
      if (type == pixel_type::bit) value &= 1;
      std::memcpy(&out[(row * s.columns + column) * size], &value, size);
    }
  return out;
}

inline bytes encode(block_encoder& encoder, pixel_type type, shape s, const bytes& pixels) {
  bytes out;
  const auto size = encoder.append_block(type, s.rows, s.columns, pixels, out);
  CAF_REQUIRE(size.has_value());
  CAF_REQUIRE_EQUAL(*size, out.size());
  return out;
}

inline std::string name_of(pixel_type type) {
  return std::string(to_string(type));
}

/// A small record of each type and kind of content, so that every codec is met.
struct sample {
  pixel_type type;
  bytes pixels;
  bytes record;
};

inline std::vector<sample> make_samples(uint64_t seed) {
  std::mt19937_64 random(seed);
  block_encoder encoder;
  std::vector<sample> out;
  for (const auto type : all_types)
    for (const auto& [name, pixel] : contents) {
      const shape s{static_cast<uint16_t>(2 + random() % 20),
                    static_cast<uint16_t>(2 + random() % 20)};
      auto pixels = make_pixels(type, s, pixel, random);
      auto record = encode(encoder, type, s, pixels);
      out.push_back({type, std::move(pixels), std::move(record)});
    }
  return out;
}

}  // namespace stip::test

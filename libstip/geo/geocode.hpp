#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libstip/core/error.hpp"

namespace stip {

/// How cells are named. Values are stored and travel between nodes: append only.
enum class geocode_algorithm : uint8_t {
  /// Cells of EPSG:4326; base 32, the first bit is longitude.
  geohash = 0,
  /// Cells of EPSG:3857, the Bing quadkey: digits 0 NW, 1 NE, 2 SW, 3 SE; length = zoom.
  quadtile = 1,
};

/// "geohash" or "quadtile".
std::string_view to_string(geocode_algorithm algorithm) noexcept;

/// The algorithm of a name as to_string writes it; ec::invalid_argument for any other.
result<geocode_algorithm> parse_geocode_algorithm(std::string_view name);

/// A place: lon, lat in degrees, EPSG:4326.
struct lon_lat {
  double lon = 0;
  double lat = 0;
  bool operator==(const lon_lat&) const = default;
};

/// The half-open box [west, east) x [south, north). Degrees unless the function that
/// gives it says otherwise; a single cell never crosses the antimeridian, so west < east.
struct bounds {
  double west = 0;
  double south = 0;
  double east = 0;
  double north = 0;
  bool operator==(const bounds&) const = default;
};

/// Characters of the longest code: 12 for geohash, 29 for quadtile.
int max_precision(geocode_algorithm algorithm) noexcept;

/// The base of a code's digits: 32 for geohash, 4 for quadtile; so many children a cell has.
int digit_count(geocode_algorithm algorithm) noexcept;

/// The digits in ascending order; it is also their order as characters.
std::string_view alphabet(geocode_algorithm algorithm) noexcept;

/// The value of a digit, or -1 for a character that is none.
int digit_value(geocode_algorithm algorithm, char digit) noexcept;

/// Whether `code` is a code: lower-case digits of the algorithm, 1 to max_precision of them.
result<void> check_geocode(geocode_algorithm algorithm, std::string_view code);

/// Whether `precision` is within 1 to max_precision.
result<void> check_precision(geocode_algorithm algorithm, int precision);

/// A code as one integer whose order is the lexicographic order of the codes: the digits
/// left-aligned (geohash 5 bits each from bit 63 down, quadtile 2 bits each), the length in
/// the low bits (geohash 4, quadtile 5). The code must have passed check_geocode; the empty
/// string packs to 0.
uint64_t pack(geocode_algorithm algorithm, std::string_view code) noexcept;

/// The code of a packed integer. Any integer is safe: a length beyond the longest is cut.
std::string unpack(geocode_algorithm algorithm, uint64_t packed);

/// Writes the code of a packed integer to `to`, where max_precision characters have room, without a
/// terminating zero; returns its end.
char* unpack(geocode_algorithm algorithm, uint64_t packed, char* to) noexcept;

/// The smallest and the largest packed code (both inclusive) of all that begin with `prefix`,
/// the prefix itself included. The empty prefix gives the range of all codes.
std::pair<uint64_t, uint64_t> prefix_range(geocode_algorithm algorithm,
                                           std::string_view prefix) noexcept;

}  // namespace stip

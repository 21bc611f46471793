#pragma once

#include <optional>
#include <string>

#include "libstip/catalog/image.hpp"
#include "libstip/geo/geocode.hpp"

namespace stip {

/// A box in degrees, EPSG:4326; west > east crosses the antimeridian.
struct lon_lat_box {
  double west = -180, south = -90, east = 180, north = 90;

  bool operator==(const lon_lat_box&) const = default;
};

/// Order of a listing; every order is completed by the default one.
enum class sort_field : uint8_t {
  timestamp = 0,
  geocode,
  platform,
  source,
  tile,
  pixel_coverage,
  cloud_coverage,
  key
};

std::string_view to_string(sort_field field);
result<sort_field> parse_sort_field(std::string_view text);

/// Which images are meant: the same filter in every command, message and index.
/// An absent member admits all.
struct filter {
  /// Exact, or a prefix when it ends with '*'.
  std::optional<std::string> platform;
  std::optional<std::string> source;
  /// Exact, or with `recurse` also every code below it.
  std::optional<std::string> geocode;
  bool recurse = false;
  /// Inclusive bounds of the timestamp.
  std::optional<epoch_seconds> start;
  std::optional<epoch_seconds> end;
  /// At most, 0..1; an image whose cloud coverage is unknown does not match.
  std::optional<double> cloud_coverage;
  /// At least, 0..1.
  std::optional<double> pixel_coverage;
  /// The cell intersects the box (half-open cells: a shared edge on the cell's east or north side
  /// does not count).
  std::optional<lon_lat_box> bbox;
  std::optional<std::string> tile;
  /// Exact key of one image.
  std::optional<image_key> key;

  bool operator==(const filter&) const = default;
};

/// Checks ranges and the geocode's alphabet. Errors: invalid_argument.
result<void> check(const filter& f, geocode_algorithm algorithm);

/// The part of an image that a filter and an order look at.
struct image_facts {
  image_key key;
  double pixel_coverage = 0;
  std::optional<double> cloud_coverage;
};

/// Does the image match? The definition that the index is tested against.
bool matches(const filter& f, geocode_algorithm algorithm, const image_facts& image);

/// Is `a` before `b` in the order by `field`? Default: timestamp, geocode, platform, source,
/// tile, key. Unknown cloud coverage comes last. Total: never both before each other.
bool before(sort_field field, const image_facts& a, const image_facts& b);

std::string encode(const filter& f);
result<filter> decode_filter(std::string_view bytes);

}  // namespace stip

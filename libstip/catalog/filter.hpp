#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

/// As users type it: "timestamp", "pixel_coverage", ...
std::string_view to_string(sort_field field);

/// The field of that name ('-' may stand for '_'). Errors: invalid_argument, with the names.
result<sort_field> parse_sort_field(std::string_view text);

/// Which images are meant: the same filter in every command, message and index.
/// An absent member admits all.
///
/// Coverages are compared as float32, which is how the index keeps them: both sides are rounded
/// first, so that an image of 0.1 is "at most 0.1". A coverage that is not a number counts as 0,
/// a negative or not-a-number cloud coverage as unknown.
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
  /// The cell intersects the box. Cells are half-open, the box has its edges: a box that only
  /// touches the cell's east or north edge does not count, one that touches its west or south edge
  /// does. Longitude 180 is -180; the northern end of the algorithm's world belongs to the cells of
  /// its top row.
  std::optional<lon_lat_box> bbox;
  std::optional<std::string> tile;
  /// Exact key of one image.
  std::optional<image_key> key;

  bool operator==(const filter&) const = default;
};

/// Checks ranges, and with an algorithm also the geocode's alphabet. Errors: invalid_argument,
/// limit_exceeded.
result<void> check(const filter& f);
result<void> check(const filter& f, geocode_algorithm algorithm);

/// The part of an image that a filter and an order look at.
struct image_facts {
  image_key key;
  double pixel_coverage = 0;
  std::optional<double> cloud_coverage;
};

/// Coverages as they are compared (see filter): unknown cloud coverage is -1.
float compared_pixel_coverage(double coverage);
float compared_cloud_coverage(const std::optional<double>& coverage);

/// Does the cell intersect the box (see filter::bbox)? False for what is no code.
bool intersects(const lon_lat_box& box, geocode_algorithm algorithm, std::string_view geocode);

/// Does the image match? The definition that the index is tested against.
bool matches(const filter& f, geocode_algorithm algorithm, const image_facts& image);

/// Is `a` before `b` in the order by `field`? Default: timestamp, geocode, platform, source,
/// tile, key. Names compare by their bytes; the order by key is that of its parts (platform,
/// geocode, source, tile, timestamp). Unknown cloud coverage comes last. Total over images of
/// different keys: exactly one of two is before the other.
bool before(sort_field field, const image_facts& a, const image_facts& b);

/// The packed form (core/packed.hpp), for messages. Decoding checks lengths, and ranges as
/// check(filter) does. Errors: malformed.
std::string encode(const filter& f);
result<filter> decode_filter(std::string_view bytes);

}  // namespace stip

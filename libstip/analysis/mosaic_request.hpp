#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/analysis/indices.hpp"
#include "libstip/catalog/filter.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/resample.hpp"

namespace stip {

/// Which of several images a pixel is taken from.
enum class mosaic_pick : uint8_t {
  /// The oldest, the newest, or that with the least cloud coverage (unknown counts most).
  first,
  latest,
  least_cloud,
  /// Per band over all that hold data and are not cloud.
  median,
  mean,
};

/// "first", "latest", "least-cloud", "median", "mean".
std::string_view to_string(mosaic_pick pick) noexcept;
/// Errors: invalid_argument, with the names.
result<mosaic_pick> parse_mosaic_pick(std::string_view name);

/// Whether the pick looks at all images, not at the first that holds data.
constexpr bool is_statistic(mosaic_pick pick) noexcept {
  return pick == mosaic_pick::median || pick == mosaic_pick::mean;
}

/// What picture is wanted.
struct mosaic_request {
  /// W > E crosses the antimeridian.
  lon_lat_box area;
  /// By name or role; none: those of the first measured subdataset of the first scene.
  std::vector<std::string> bands;
  /// Without bands: those that a picture shows as red, green and blue, or one (picture_bands).
  bool natural_colours = false;
  /// Instead of bands: an index or band arithmetic.
  std::optional<index_definition> expression;
  mosaic_pick pick = mosaic_pick::first;
  /// WKT, PROJ string or authority code; empty: that of the images if they have one, else
  /// EPSG:4326.
  std::string crs;
  /// Units of the CRS that a pixel spans; 0: the finest of the bands.
  double resolution = 0;
  /// Not set: nearest for classes and flags, else bilinear.
  std::optional<resampling> kernel;
  /// Pixels over which images of different dates pass into each other; 0: they do not.
  int64_t blend = 0;
};

/// Pixels of `blend` at most: each of a picture's parts is made with so many around it.
inline constexpr int64_t max_mosaic_blend = 256;
/// Bands of a picture at most.
inline constexpr size_t max_mosaic_bands = 256;
/// Bytes that all bands of a pixel take at most: tiles of a picture and of its overviews are held
/// in memory.
inline constexpr size_t max_mosaic_pixel_bytes = 64;
/// Pixels of a picture at most, if nothing else is said.
inline constexpr int64_t default_mosaic_pixels = 4'000'000'000;

/// Errors: invalid_argument, with the option's name.
result<void> check(const mosaic_request& request);

}  // namespace stip

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/geo/footprint.hpp"
#include "libstip/geo/georeference.hpp"

// Swaths (level 2): rows and columns as the instrument saw them, with a longitude and a latitude
// for each pixel or every few. They are laid on an affine grid by nearest neighbour: every pixel of
// the grid that lies between pixels of the swath takes the nearest of them, unchanged.

namespace stip {

/// Pixels of a swath, and of the grid that it is laid on, at most.
inline constexpr int64_t max_swath_pixels = int64_t{128} << 20;

/// Longitudes and latitudes in degrees, rows x columns; NaN where none is known.
struct swath_points {
  int64_t columns = 0;
  int64_t rows = 0;
  std::vector<double> lon;
  std::vector<double> lat;
};

/// Which pixels of an image the points belong to: point (i, j) lies in the middle of the pixel in
/// column pixel_offset + i * pixel_step and row line_offset + j * line_step.
struct swath_steps {
  double pixel_offset = 0;
  double pixel_step = 1;
  double line_offset = 0;
  double line_step = 1;
};

/// An image of a swath and the grid for it.
struct swath_shape {
  int64_t columns = 0;
  int64_t rows = 0;
  swath_steps steps;
  stip::grid grid;
};

/// The points of a swath in the CRS that suits them: degrees (longitudes continuous over the
/// antimeridian), or a polar projection where they lie beyond 60 degrees.
class swath_map {
 public:
  /// Points that are no places on the Earth are taken for unknown. Errors: unsupported, without a
  /// row of points that are known; limit_exceeded.
  static result<swath_map> make(swath_points points);

  /// Sets the grids of the shapes: of one CRS and origin, nested, with pixels of the size that the
  /// finest shape's have under the instrument. Errors: unsupported, when sizes do not fit the
  /// points; limit_exceeded.
  result<void> lay_out(std::vector<swath_shape>& shapes) const;

  /// For every pixel of the shape's grid, row by row, the number (row * columns + column) of the
  /// swath's pixel that it takes, -1 outside of the swath.
  std::vector<int32_t> index(const swath_shape& shape) const;

  /// Longitudes in [-180, 180) and latitudes of the middles of the swath's pixels, which are
  /// numbered as by index; NaN for -1. Errors of coordinate_transform::make.
  result<void> places(const swath_shape& shape, std::span<const int32_t> pixels,
                      std::span<double> lon, std::span<double> lat) const;

  /// The outline of the points.
  footprint outline() const;

  const std::string& crs() const { return crs_; }

 private:
  swath_map() = default;
  /// The points' values at a pixel of the shape: between the four around it, beyond the border in
  /// their direction.
  std::pair<double, double> between(const std::vector<double>& a, const std::vector<double>& b,
                                    const swath_shape& shape, double column, double row) const;
  double spacing_metres() const;

  swath_points points_;
  std::string crs_;
  /// The points in the CRS.
  std::vector<double> x_, y_;
};

}  // namespace stip

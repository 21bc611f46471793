#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "libstip/core/error.hpp"
#include "libstip/geo/cell.hpp"
#include "libstip/geo/projection.hpp"

namespace stip {

/// The pixels of a raster on the ground: an affine transformation (rotation allowed) of pixel
/// coordinates into a CRS. Pixel coordinates are col, row in pixels, (0, 0) is the upper left
/// corner of the first pixel and (0.5, 0.5) its centre.
struct grid {
  /// WKT, PROJ string or authority code; x, y or lon, lat in this order.
  std::string crs_wkt;
  /// GDAL's order: x = t[0] + col * t[1] + row * t[2], y = t[3] + col * t[4] + row * t[5].
  std::array<double, 6> transform{0, 1, 0, 0, 0, -1};
  int64_t width = 0;
  int64_t height = 0;

  bool operator==(const grid&) const = default;

  double x_of(double col, double row) const noexcept {
    return transform[0] + col * transform[1] + row * transform[2];
  }
  double y_of(double col, double row) const noexcept {
    return transform[3] + col * transform[4] + row * transform[5];
  }
};

/// ec::invalid_argument for a transform that is not finite or cannot be inverted, or a size below
/// 1 or beyond GDAL's limit.
result<void> check_grid(const grid& raster);

/// The pixel coordinates (col, row) of a point in the grid's CRS; the grid has passed check_grid.
std::pair<double, double> pixel_of(const grid& raster, double x, double y) noexcept;

/// The columns after which a grid repeats itself: its width when it has a geographic CRS and its
/// columns span 360 degrees within half a pixel.
std::optional<int64_t> period_columns(const grid& raster);

/// Takes pixels of one grid to the CRS of a cell grid (EPSG:4326 or 3857) and back. The result for
/// a point does not depend on the points beside it in a call. Where the grid's CRS already is that
/// of the cells, coordinates are affine and never pass through PROJ. One object per thread.
class pixel_mapper {
 public:
  /// Errors of check_grid and coordinate_transform::make.
  static result<pixel_mapper> make(const grid& raster, const cell_grid& cells);

  /// As make, to the CRS with this EPSG code, 4326 or 3857.
  static result<pixel_mapper> make(const grid& raster, int epsg);

  /// An independent mapper, for another thread.
  result<pixel_mapper> clone() const;

  /// Pixel coordinates (col, row), in place, to x, y of the cells' CRS. ok[i] is 0 for points off
  /// the globe. Columns of periodic grids wrap before they are projected, so that a pixel has one
  /// place whatever number it is asked by. x may be any copy of its meridian.
  void to_cell_crs(std::span<double> col, std::span<double> row, std::span<uint8_t> ok);

  /// to_cell_crs without wrapping columns: continuous over the seam of a periodic grid.
  void to_cell_crs_unwrapped(std::span<double> col, std::span<double> row, std::span<uint8_t> ok);

  /// x, y of the cells' CRS, in place, to pixel coordinates (col, row). Where meridians repeat, the
  /// copy that is nearest to the raster's centre.
  void to_pixel(std::span<double> x, std::span<double> y, std::span<uint8_t> ok);

  const grid& raster() const noexcept { return raster_; }
  int epsg() const noexcept { return epsg_; }
  std::optional<int64_t> period_columns() const noexcept { return period_columns_; }

  /// Pixels (col, row) from a point to its next copy in the east; 0, 0 where x does not repeat.
  std::pair<double, double> period_pixels() const noexcept { return period_pixels_; }

  /// Width of the world in the cells' CRS: 360 or 2 * 20037508.34.
  double cell_period() const noexcept;

  /// Whether pixels reach the cells' CRS without PROJ.
  bool is_affine() const noexcept { return !projection_.has_value(); }

  /// Points that went through PROJ so far, there or back.
  uint64_t transformed_points() const noexcept {
    return projection_ ? projection_->transformed_points() : 0;
  }

 private:
  pixel_mapper() = default;

  grid raster_;
  int epsg_ = 4326;
  std::optional<int64_t> period_columns_;
  std::pair<double, double> period_pixels_{0, 0};
  std::optional<coordinate_transform> projection_;
  /// Tolerances of the round trip in units of the grid's and of the cells' CRS.
  double grid_tolerance_ = 0;
  double cell_tolerance_ = 0;
};

}  // namespace stip

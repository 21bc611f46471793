#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/geo/axis.hpp"
#include "libstip/geo/geocode.hpp"

namespace stip {

/// The place of a cell among those of its precision: columns from west, rows from south.
struct cell_index {
  int64_t column = -1;
  int64_t row = -1;
  auto operator<=>(const cell_index&) const = default;
};

/// The code of the cell that holds a place (see geohash::encode, quadtile::encode).
result<std::string> encode(geocode_algorithm algorithm, lon_lat place, int precision);

/// The cell of a code in degrees, EPSG:4326.
result<bounds> decode(geocode_algorithm algorithm, std::string_view code);

/// The cell of a code in the CRS of its grid: degrees, EPSG:4326, for geohash; metres, EPSG:3857,
/// for quadtile. The same edge is the same double in every cell and precision that has it.
result<bounds> projected_bounds(geocode_algorithm algorithm, std::string_view code);

/// The code without its last character; nullopt for codes of one character.
std::optional<std::string> parent(std::string_view code);

/// The cells inside of a cell, one character longer, in the order of their codes: 32 or 4, none
/// for the longest codes. The code must have passed check_geocode.
std::vector<std::string> children(geocode_algorithm algorithm, std::string_view code);

/// The eight cells around a cell in the order N, NE, E, SE, S, SW, W, NW; empty where there is
/// none (beyond the poles or the square's edge). Longitude wraps, so at the lowest precisions one
/// cell may lie on both sides.
result<std::array<std::string, 8>> neighbours(geocode_algorithm algorithm, std::string_view code);

/// All cells of one precision as integers, for those who ask for millions of points.
/// `code(column_of(x), row_of(y))` of a place's coordinates in the grid's CRS is what encode gives
/// for that place, bit for bit: for geohash x, y are its lon, lat; for quadtile they are
/// quadtile::mercator_x(lon), quadtile::mercator_y(lat).
class cell_grid {
 public:
  /// ec::invalid_argument for a precision out of range.
  static result<cell_grid> make(geocode_algorithm algorithm, int precision);

  /// The grid and the place of a code in it.
  static result<std::pair<cell_grid, cell_index>> of_code(geocode_algorithm algorithm,
                                                          std::string_view code);

  geocode_algorithm algorithm() const noexcept { return algorithm_; }
  int precision() const noexcept { return precision_; }
  int64_t columns() const noexcept { return x_axis_.count(); }
  int64_t rows() const noexcept { return y_axis_.count(); }

  /// 4326 (x, y are lon, lat in degrees) or 3857 (x, y are easting, northing in metres).
  int epsg() const noexcept { return algorithm_ == geocode_algorithm::geohash ? 4326 : 3857; }

  /// Width of the world in units of the CRS: x and x + period() are one meridian.
  double period() const noexcept { return 2 * x_axis_.half; }

  /// The lines that carry columns and rows, in units of the CRS.
  const axis& x_axis() const noexcept { return x_axis_; }
  const axis& y_axis() const noexcept { return y_axis_; }

  /// The column of an x of the CRS; x wraps by whole periods. -1 for values that are not finite.
  int64_t column_of(double x) const noexcept {
    if (!std::isfinite(x)) return -1;
    return x_axis_.unbounded_index(x_axis_.wrap(x));
  }

  /// The row of a y of the CRS, the top edge joins the top row. -1 beyond the poles or the square.
  int64_t row_of(double y) const noexcept {
    if (!(std::abs(y) <= y_axis_.half)) return -1;
    return std::min(y_axis_.unbounded_index(y), rows() - 1);
  }

  /// The cell of a point in the CRS; both members are -1 where there is none.
  cell_index cell_of(double x, double y) const noexcept {
    const cell_index cell{column_of(x), row_of(y)};
    return cell.column < 0 || cell.row < 0 ? cell_index{} : cell;
  }

  /// The west edge of a column and the south edge of a row in units of the CRS;
  /// x_of(columns()) and y_of(rows()) are the east and north end.
  double x_of(int64_t column) const noexcept { return x_axis_.edge(column); }
  double y_of(int64_t row) const noexcept { return y_axis_.edge(row); }

  /// [x_of(column), x_of(column + 1)) x [y_of(row), y_of(row + 1)) in units of the CRS.
  bounds cell_bounds(cell_index cell) const noexcept {
    return {x_of(cell.column), y_of(cell.row), x_of(cell.column + 1), y_of(cell.row + 1)};
  }

  /// Whether the cell is one of the grid's.
  bool contains(cell_index cell) const noexcept {
    return cell.column >= 0 && cell.column < columns() && cell.row >= 0 && cell.row < rows();
  }

  /// The code of a cell, which must be one of the grid's.
  std::string code(cell_index cell) const;
  std::string code(int64_t column, int64_t row) const { return code(cell_index{column, row}); }

  /// The packed code (see stip::pack) of a cell, which must be one of the grid's.
  uint64_t packed(cell_index cell) const noexcept;

  /// The place of a code of this algorithm and precision; ec::invalid_argument for any other.
  result<cell_index> index_of(std::string_view code) const;

 private:
  cell_grid(geocode_algorithm algorithm, int precision) noexcept;

  geocode_algorithm algorithm_;
  int precision_;
  axis x_axis_;
  axis y_axis_;
};

}  // namespace stip

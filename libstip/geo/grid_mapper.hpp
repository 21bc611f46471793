#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/geo/georeference.hpp"
#include "libstip/geo/projection.hpp"

namespace stip {

/// Takes the pixels of one grid to those of another: where a picture's pixels lie in a source.
/// Between points of a lattice that belongs to the first grid it interpolates, as long as that is
/// within `tolerance_pixels` of projecting the pixel's centre, which is measured; elsewhere it
/// projects. What it says of a pixel does not depend on which others are asked. One object per
/// thread.
class grid_mapper {
 public:
  /// Source pixels that an interpolated place may be off.
  static constexpr double tolerance_pixels = 0.125;
  /// Pixels between two points of the lattice.
  static constexpr int64_t lattice_step = 16;
  /// Grids are aligned when all of a picture's pixels meet those of the source within this.
  static constexpr double aligned_pixels = 1e-3;

  /// Errors: those of check_grid and coordinate_transform::make.
  static result<grid_mapper> make(const grid& from, const grid& to);
  /// An independent mapper, for another thread.
  result<grid_mapper> clone() const;

  /// Columns and rows to add to a pixel's place in `from` to have it in `to`, where both grids have
  /// the same CRS, pixels and lattice of pixels: nothing is to be resampled then.
  std::optional<std::pair<int64_t, int64_t>> shift() const noexcept { return shift_; }

  /// Places in `to` (col, row; centres at .5) of the centres of the pixels [column, column + n) of
  /// a row of `from`; ok[i] is 0 where there is none. Rows that ascend are cheapest.
  void row(int64_t column, int64_t row, std::span<double> x, std::span<double> y,
           std::span<uint8_t> ok);

  /// Any points (col, row) of `from`, in place, by projection.
  void exact(std::span<double> x, std::span<double> y, std::span<uint8_t> ok);

  /// Pixels of `to` that a pixel of `from` spans, across and down, measured around the place of
  /// `from` that is meant; 1, 1 where it cannot be told.
  std::pair<double, double> scale_at(double column, double row);

 private:
  static constexpr int64_t cell_edge = 2 * lattice_step;

  /// A square of the lattice: nine points, or nothing where each pixel is projected.
  struct cell {
    bool smooth = false;
    std::array<double, 9> x{};
    std::array<double, 9> y{};
  };

  grid_mapper() = default;
  const cell& cell_at(int64_t column, int64_t row);

  grid from_;
  grid to_;
  std::optional<coordinate_transform> projection_;
  std::optional<std::pair<int64_t, int64_t>> shift_;
  /// Units of from_'s CRS that the way there and back may be off.
  double tolerance_ = 0;
  /// Pixels (col, row) of to_ from a point to its next copy in the east; 0, 0: there is none.
  std::pair<double, double> period_{0, 0};
  /// The cells of the row of cells that was asked last.
  int64_t cell_row_ = INT64_MIN;
  std::unordered_map<int64_t, cell> cells_;
};

}  // namespace stip

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libstip/geo/georeference.hpp"
#include "libstip/geo/patch.hpp"

namespace stip {

/// How a grid lies within a coarser one of the same scene: pixel (c, r) of the coarser one covers
/// exactly the ratio x ratio pixels from (column + c * ratio, row + r * ratio) on.
struct grid_nesting {
  /// The coarser grid; the grid itself where it nests in none.
  size_t base = 0;
  int64_t ratio = 1;
  int64_t column = 0, row = 0;

  /// A window of the base in pixels of the grid.
  pixel_window refine(const pixel_window& base_window) const noexcept;

  /// The smallest window of whole base pixels around a window of the grid.
  pixel_window round_out(const pixel_window& window) const noexcept;
};

/// For each grid the coarsest in which it nests: same CRS, an integer ratio in both directions, and
/// edges that coincide within defaults::window_snap_pixels over the whole raster.
std::vector<grid_nesting> nest_grids(const std::vector<grid>& grids);

}  // namespace stip

#pragma once

#include <optional>
#include <vector>

#include "libstip/geo/cell_runs.hpp"
#include "libstip/raster/plan_nesting.hpp"

namespace stip {

/// Where the chips of cells lie on one grid of a scene. A grid that nests in a coarser one of the
/// scene takes exactly the ground of that one's window. One object per thread.
class chip_windows {
 public:
  /// `nesting` is nest_grids(grids). Errors: those of pixel_mapper::make.
  static result<chip_windows> make(const std::vector<grid>& grids,
                                   const std::vector<grid_nesting>& nesting, size_t subdataset,
                                   const cell_grid& cells);

  /// The window of a cell's chip; empty when the cell has no pixel.
  pixel_window window_of(cell_index cell);

  /// The cells of the grid's own pixels.
  cell_runs& runs() noexcept { return runs_; }
  const cell_grid& cells() const noexcept { return runs_.cells(); }

 private:
  chip_windows(const grid_nesting& nest, cell_runs runs) : nest_(nest), runs_(std::move(runs)) {}

  grid_nesting nest_;
  cell_runs runs_;
  /// Of the coarser grid.
  std::optional<pixel_mapper> base_;
};

}  // namespace stip

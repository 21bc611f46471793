#pragma once

#include "libstip/geo/cell.hpp"
#include "libstip/geo/georeference.hpp"
#include "libstip/geo/patch.hpp"

namespace stip {

/// The smallest window of the pixel grid that covers the whole outline of a cell; it may reach past
/// the raster. Edges within defaults::window_snap_pixels of a pixel's edge snap to it. The window
/// of a parent cell contains those of its children.
///
/// On grids whose meridians repeat the window is that of the copy which overlaps the raster most,
/// unwrapped: col_begin may be negative or col_end beyond the width, and the reader wraps columns
/// by the period.
///
/// A cell whose outline cannot be projected wholly (it reaches off the globe, or over the seam of
/// the raster's projection) has the smallest window around those of the raster's pixels whose
/// centres lie in it, and one pixel more on each side within the raster; the window is empty where
/// there is no such pixel.
pixel_window window_of(pixel_mapper& mapper, const cell_grid& cells, cell_index cell);

}  // namespace stip

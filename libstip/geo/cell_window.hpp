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
/// A cell whose outline cannot be projected wholly has a window within the raster that may be
/// larger than need be. Where it reaches off the globe: all of its pixels, and its projectable part
/// as far as the raster goes. Where the seam of the raster's projection runs through it: the pixels
/// whose centres lie in it and one more on each side. It is empty where there is no such pixel.
pixel_window window_of(pixel_mapper& mapper, const cell_grid& cells, cell_index cell);

}  // namespace stip

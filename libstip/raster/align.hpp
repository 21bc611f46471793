#pragma once

#include <string>

#include "libstip/core/error.hpp"
#include "libstip/geo/geocode.hpp"
#include "libstip/raster/recut.hpp"
#include "libstip/raster/resample.hpp"

namespace stip {

/// The grid of a cell itself: a part of one that many cells share, so that their scene records are
/// one.
struct aligned_cell {
  grid of;
  /// edge x edge pixels.
  pixel_rect window;
};

/// Edge of an aligned chip at most.
inline constexpr int max_aligned_edge = 8192;

/// The grid of a cell at `edge` pixels to each side, north up, in the CRS of the cells. Errors:
/// invalid_argument for an edge out of 1 .. max_aligned_edge, or a wrong geocode.
result<aligned_cell> align_cell(geocode_algorithm algorithm, const std::string& geocode, int edge);

/// A chip's pixels on the grid of its cell: so chips of all sensors stack. Quality bands, and bands
/// with categories, take the nearest pixel whatever `kind` is. What lies outside of the chip has no
/// data. Errors: those of grid_mapper::make, limit_exceeded.
result<placed_chip> align_chip(const chip_image& chip, const aligned_cell& to, resampling kind);

}  // namespace stip

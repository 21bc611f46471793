#pragma once

#include <cstddef>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"
#include "libstip/geo/cell.hpp"
#include "libstip/geo/georeference.hpp"

namespace stip {

/// Every cell that holds the centre of at least one pixel of the raster, sorted by column, then
/// row; beside them at most some whose edge lies within one cell of such a centre. Pixels without
/// a cell (off the globe, beyond +-85.05 degrees for quadtiles) add none, so the answer may be
/// empty.
/// ec::limit_exceeded when there are more than `limit`: found by an estimate before the work where
/// it is far beyond, and never with more memory than a small multiple of the limit.
result<std::vector<cell_index>> covering(pixel_mapper& mapper, const cell_grid& cells,
                                         size_t limit = defaults::max_covering_cells);

/// covering with a mapper of its own; also the errors of pixel_mapper::make.
result<std::vector<cell_index>> covering(const grid& raster, const cell_grid& cells,
                                         size_t limit = defaults::max_covering_cells);

}  // namespace stip

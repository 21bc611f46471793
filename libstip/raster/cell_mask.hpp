#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/geo/geocode.hpp"
#include "libstip/geo/georeference.hpp"
#include "libstip/raster/cut_geometry.hpp"

namespace stip {

/// A byte for each pixel of `window` of `of`, row by row: 1 where the pixel's centre lies in the
/// cell, so that statistics count it once, although the windows of neighbours overlap. Errors:
/// those of decoding the geocode and of projecting the grid.
result<std::vector<uint8_t>> cell_mask(const grid& of, const pixel_rect& window,
                                       geocode_algorithm algorithm, const std::string& geocode);

}  // namespace stip

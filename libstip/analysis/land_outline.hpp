#pragma once

#include <vector>

#include "libstip/geo/geocode.hpp"

namespace stip {

/// The land of the Earth for maps of the whole or a large part of it: rings in lon, lat degrees,
/// EPSG:4326, not closed, without lakes, about half a degree exact. From Natural Earth 4.1.0, land
/// at 1:110 million (public domain, naturalearthdata.com), simplified by the method of Douglas and
/// Peucker with 0.45 degrees; islands below one square degree are left out.
std::vector<std::vector<lon_lat>> land_outline();

}  // namespace stip

#pragma once

#include <span>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/geo/geocode.hpp"
#include "libstip/geo/georeference.hpp"

namespace stip {

/// What a raster covers on the globe: rings in lon, lat degrees, EPSG:4326, each closed (its last
/// point is its first), counter-clockwise, within [-180, 180] x [-90, 90]. A raster over the
/// antimeridian has rings on both sides; one that contains a pole has a ring that runs along it.
/// There are no holes.
struct footprint {
  std::vector<std::vector<lon_lat>> rings;

  /// "MULTIPOLYGON (((lon lat, ...)), ...)", "MULTIPOLYGON EMPTY" without a ring.
  std::string to_wkt() const;
};

/// The densified outline of a raster. Where the outline lies off the globe the last visible point
/// on the way to it from the middle of the visible part stands for it; a raster without a visible
/// point has no ring. It is drawn for records and maps; use covering to choose cells.
/// Errors of pixel_mapper::make.
result<footprint> footprint_of(const grid& raster);

/// What a convex part of a raster covers: its corners in order, in pixel coordinates (columns may
/// lie over the seam of a periodic grid). Drawn as the outline of a raster is.
struct pixel_point {
  double col = 0, row = 0;
};
result<footprint> footprint_of(const grid& raster, std::span<const pixel_point> corners);

/// What lies within a border: points in order, neighbours less than 180 degrees apart (the
/// outermost pixels of a swath). A border that runs around the globe has the nearer pole inside.
footprint footprint_of_border(const std::vector<lon_lat>& border);

}  // namespace stip

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/format/eos_scales.hpp"
#include "libstip/raster/scene.hpp"

// Scenes of swaths that GDAL gives as rasters with geolocation arrays (HDF4-EOS, NetCDF).

namespace stip {

/// Where the longitudes and latitudes of a swath's raster are, by GDAL's names of datasets.
struct swath_source {
  std::string lon;
  std::string lat;
};

/// Whether one of the rasters is a swath's: it has geolocation arrays with two dimensions, or there
/// are rasters named longitude and latitude, and no affine georeference.
bool has_swath(const std::vector<std::string>& rasters, const std::string& input);

/// A scene of all rasters of one swath, each a band of the subdataset of its size and pixel type
/// (in the order of types), laid on a grid by nearest neighbour (swath_grid.hpp); `geolocation` has
/// the latitude and longitude of the pixel that was taken. `description` has everything but
/// subdatasets, footprint, and the properties that say what was done: `resampling`, `source_shape`.
/// Rasters that do not belong to the swath are left out, named in `left_out`. Errors: unsupported,
/// limit_exceeded, those of open_gdal.
result<std::unique_ptr<scene>> make_swath_scene(scene_description description,
                                                const std::vector<std::string>& rasters,
                                                const std::vector<bool>& signed_bytes,
                                                const std::string& short_name,
                                                eos_convention convention);

}  // namespace stip

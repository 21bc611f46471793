#pragma once

#include <map>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/geo/georeference.hpp"
#include "libstip/raster/gdal_dataset.hpp"

namespace stip {

/// gdal_grid, and for a NetCDF raster along longitudes and latitudes (by their units) that names no
/// CRS: EPSG:4326. `assumed` tells whether that was so. Longitudes may run from 0 to 360: a grid
/// that spans 360 degrees is periodic wherever it begins.
result<grid> netcdf_grid(const gdal_dataset& dataset, const std::string& name, bool& assumed);

/// The rasters of a container, as GDAL names them: DRIVER:"INPUT":PART. A file chooses its own
/// metadata, so names of any other form are left out: they could lead anywhere.
std::vector<std::string> contained_rasters(const gdal_dataset& container, const std::string& input);

/// The variable's name in DRIVER:"INPUT":PART.
std::string part_of_name(const std::string& name);

/// All metadata items of a dataset, in full and not cleaned; at most max_scene_list.
std::map<std::string, std::string> raw_metadata(GDALMajorObjectH object);

}  // namespace stip

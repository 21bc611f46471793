#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libstip/raster/gdal_describe.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// What a format puts together before it has a scene: the description, the names of GDAL datasets
/// (files or subdataset names), and for every subdataset of the description its source.
struct gdal_scene_parts {
  scene_description description;
  std::vector<std::string> datasets;
  std::vector<gdal_source> sources;
};

/// A scene whose pixels are read through GDAL. Bands of one subdataset may come from several
/// datasets of the same size. Its readers open a dataset when it is first read, except for the
/// first one, and check that it still has the size, bands and types that were described.
/// Errors: internal, when the parts do not fit together.
result<std::unique_ptr<scene>> make_gdal_scene(gdal_scene_parts parts);

}  // namespace stip

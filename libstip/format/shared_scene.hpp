#pragma once

#include <memory>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/gdal_scene.hpp"

namespace stip {

/// One of several scenes of one file: its description, and as many sources.
struct scene_part {
  scene_description description;
  std::vector<gdal_source> sources;
};

/// Scenes that read through the same datasets: a reader that one has done with goes on with the
/// next, so that a file of 365 days is not opened 365 times. At most as many readers are kept open
/// as were ever in use at the same time. Errors: those of make_gdal_scene.
result<std::vector<std::unique_ptr<scene>>> make_shared_scenes(std::vector<std::string> datasets,
                                                               std::vector<scene_part> parts);

}  // namespace stip

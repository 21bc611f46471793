#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libstip/analysis/band_roles.hpp"
#include "libstip/analysis/mosaic_request.hpp"
#include "libstip/catalog/image.hpp"
#include "libstip/raster/scene.hpp"

// Which scenes go into one picture, and what grid it has.

namespace stip {

/// A scene that matches, and one of its images.
struct mosaic_candidate {
  image_key key;
  std::shared_ptr<const scene_description> scene;
};

/// Is `a` before `b` where times are equal or not: by time, tile, key.
bool before_in_mosaic(const image_key& a, const image_key& b);

/// The bands of the scene that the request means. Errors: not_found with the names of missing ones;
/// unsupported for a scene that has no measured bands.
result<std::vector<band_place>> mosaic_bands(const scene_description& scene,
                                             const mosaic_request& request);

/// Whether two scenes may stand in one picture: processing level, names and units of the bands. An
/// expression takes bands by their roles, whatever they are called. Errors: unsupported, with what
/// differs.
result<void> check_combines(const mosaic_request& request, const scene_description& reference,
                            const std::vector<band_place>& reference_bands,
                            const scene_description& scene, const std::vector<band_place>& bands);

/// The grid of the picture. `scenes` have passed check_combines, the reference is the first.
/// Without a CRS or resolution of the request: the common CRS of the scenes if they have one, else
/// EPSG:4326, and the finest pixels of the bands. Where the CRS and the pixels are a scene's own,
/// the grid is aligned with the first such. Errors: invalid_argument for a CRS that is none or that
/// the area does not reach; limit_exceeded beyond GDAL's limit of columns and rows.
result<grid> mosaic_grid(const mosaic_request& request, const std::vector<mosaic_candidate>& scenes,
                         const std::vector<std::vector<band_place>>& bands);

/// The box in degrees that holds the whole grid and the area.
result<lon_lat_box> mosaic_box(const grid& picture, const lon_lat_box& area);

}  // namespace stip

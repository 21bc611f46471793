#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libstip/analysis/cloud_source.hpp"
#include "libstip/analysis/image_bands.hpp"
#include "libstip/analysis/mask_classes.hpp"
#include "libstip/analysis/probability_mask.hpp"
#include "libstip/analysis/tree_model.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/scene.hpp"

// The cloud mask of an image, from what its scene says and its planes hold: all methods behind one
// function.

namespace stip {

/// How clouds are to be found.
struct cloud_request {
  cloud_method method = cloud_method::automatic;
  /// For cloud_method::model.
  const tree_model* model = nullptr;
  probability_options probability;
  /// The middle of the image, degrees, EPSG:4326: for the sun.
  double longitude = 0;
  double latitude = 0;
};

/// A mask, and how it was made.
struct cloud_mask {
  /// Never automatic.
  cloud_method method = cloud_method::quality;
  /// The mask lies on the grid of this subdataset.
  size_t subdataset = 0;
  plane_size size;
  std::vector<uint8_t> classes;
};

/// Finds the clouds of an image. The grid of the mask is that of the quality band (qa), of the
/// short wave infrared (spectral), of most of the model's bands (model); other bands are brought to
/// it, see fit_plane. With the spectral test shadows and Fmask's margin are found as well, shadows
/// where the sun is high enough. Errors: those of choose_method, find_quality, find_spectral,
/// calibrate, model_bands and find_bands; invalid_argument without a model for the method model, or
/// when planes have not their sizes; what `planes` returns.
result<cloud_mask> find_clouds(const scene_description& scene, const cloud_request& request,
                               const image_planes& planes);

}  // namespace stip

#pragma once

#include <vector>

#include "libstip/catalog/image.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// An image that is stored somewhere in the cluster, without its pixels.
struct stored_image {
  scene_description scene;
  /// In the order of their subdatasets; each agrees with its subdataset of the scene.
  std::vector<chip_description> chips;

  const image_key& key() const { return chips.front().key; }
};

}  // namespace stip

#pragma once

#include <optional>
#include <span>
#include <vector>

#include "libstip/catalog/image.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// An image that is stored somewhere in the cluster, without its pixels.
struct stored_image {
  scene_description scene;
  /// In the order of their subdatasets; each agrees with its subdataset of the scene. The mask of
  /// the image's clouds, where there is one, comes last.
  std::vector<chip_description> chips;
  /// Describes the mask, as its only subdataset.
  std::optional<scene_description> mask_scene;

  const image_key& key() const { return chips.front().key; }

  /// What a chip is.
  const subdataset_description& subdataset(size_t chip) const {
    return chips[chip].clouds ? mask_scene->subdatasets.front()
                              : scene.subdatasets[chips[chip].subdataset_index];
  }

  /// The scene's chips, without the mask.
  std::span<const chip_description> own() const {
    return std::span(chips).first(chips.size() - (mask() ? 1 : 0));
  }
  /// The mask; null if there is none.
  const chip_description* mask() const {
    return !chips.empty() && chips.back().clouds ? &chips.back() : nullptr;
  }
};

}  // namespace stip

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libstip/analysis/mosaic_frame.hpp"
#include "libstip/analysis/mosaic_request.hpp"
#include "libstip/analysis/mosaic_scene.hpp"
#include "libstip/analysis/spectral.hpp"
#include "libstip/catalog/stored_image.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// A subdataset of a scene that a picture reads.
struct mosaic_part {
  std::shared_ptr<const scene_chips> chips;
  std::vector<wanted_band> bands;
  /// Not set: it is resampled.
  std::optional<std::pair<int64_t, int64_t>> shift;
  resampling kernel = resampling::nearest;
  /// Source pixels that a pixel of the picture spans, about.
  double across = 1, down = 1;
};

/// A scene of a picture: what shares platform, tile, time, source and input. Pieces and merges of a
/// scene are the same scene.
struct mosaic_scene {
  image_key key;
  std::vector<mosaic_part> parts;
  /// Of an expression: how the planes that were read become temperatures, where they do.
  std::vector<std::optional<thermal_constants>> thermal;
  /// Its cloud mask (classes of mask_classes.hpp), where its images have one.
  std::optional<mosaic_part> clouds;
};

/// What pixels are picked from: a scene, or what one image has of it.
struct mosaic_layer {
  size_t scene = 0;
  /// For each part of the scene, the window that counts; none: all.
  std::vector<pixel_rect> only;
  /// Pixels of the picture that it may reach.
  pixel_rect bounds;
  /// Days since 1970 (UTC): layers of one day do not blend.
  int64_t day = 0;
};

/// A scene that was left out.
struct mosaic_refusal {
  image_key key;
  error why;
};

/// All that painting needs to know.
struct mosaic_plan {
  /// Grid, type, bands and validity (nodata or mask) of the picture.
  subdataset_description picture;
  bool classes = false;
  mosaic_pick pick = mosaic_pick::first;
  int64_t blend = 0;
  std::optional<index_definition> expression;
  /// Planes that are read of each layer; those of the picture, but for an expression.
  size_t read_bands = 0;
  std::vector<mosaic_scene> scenes;
  /// In the order in which they are picked.
  std::vector<mosaic_layer> layers;
  /// Images that meet the picture, and their stored bytes, about.
  uint64_t images = 0;
  uint64_t bytes = 0;
  std::vector<mosaic_refusal> refused;

  uint64_t pixels() const {
    return static_cast<uint64_t>(picture.grid.width) * static_cast<uint64_t>(picture.grid.height);
  }
};

/// Takes the images that match, one by one, and plans the picture.
class mosaic_planner {
 public:
  /// `picture` is what mosaic_grid gave.
  mosaic_planner(mosaic_request request, grid picture);

  /// Takes one image; `stored_bytes` are those of all of its chips. Errors: malformed.
  result<void> add(const stored_image& image, std::optional<double> cloud_coverage,
                   uint64_t stored_bytes);

  /// The plan of all that was added. Errors: not_found when no scene is left; those of a grid that
  /// cannot be mapped.
  result<mosaic_plan> finish() &&;

 private:
  /// One image of a scene.
  struct image {
    image_key key;
    std::optional<double> cloud_coverage;
    uint64_t bytes = 0;
    /// Windows of its chips, as those of `used`.
    std::vector<pixel_rect> windows;
  };
  struct scene {
    image_key key;
    std::shared_ptr<const scene_description> description;
    std::vector<band_place> bands;
    /// Why it cannot be used.
    std::optional<error> refusal;
    /// Subdatasets that are read, and their chips.
    std::vector<size_t> used;
    std::vector<std::vector<chip_place>> chips;
    std::optional<subdataset_description> cloud_description;
    std::vector<chip_place> cloud_chips;
    std::vector<image> images;
  };

  scene& scene_of(const stored_image& image);
  result<void> describe(const std::vector<scene*>& scenes, mosaic_plan& out) const;
  result<void> calibrate(const scene& from, mosaic_scene& made,
                         std::vector<std::optional<dn_encoding>>& means) const;
  result<void> place(scene& from, size_t number, mosaic_plan& out,
                     std::vector<std::pair<mosaic_layer, image>>& layers);
  mosaic_part part_of(const subdataset_description& d, std::vector<chip_place> chips, bool classes);

  mosaic_request request_;
  grid picture_;
  std::vector<std::unique_ptr<scene>> scenes_;
  std::multimap<std::string, scene*> by_name_;
  uint64_t next_chip_ = 0;
};

}  // namespace stip

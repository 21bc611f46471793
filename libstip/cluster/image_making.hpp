#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "libstip/catalog/stored_image.hpp"
#include "libstip/cluster/load.hpp"
#include "libstip/raster/chip_image.hpp"
#include "libstip/raster/recut.hpp"

// How images that were derived of stored ones come to their owners.

namespace stip {

/// The window of a chip on its subdataset's grid.
inline pixel_rect window_of(const chip_description& chip) {
  return {chip.column, chip.row, chip.width, chip.height};
}

/// The part of an image's chip that can hold data, see part_on_scene; and its bytes in memory.
inline pixel_rect part_of(const stored_image& image, size_t chip) {
  return part_on_scene(window_of(image.chips[chip]), image.subdataset(chip).grid);
}
uint64_t part_bytes(const stored_image& image, size_t chip);

/// The pixels of that part of one of an image's chips, from wherever they are. Blocks.
using read_chip = std::function<result<placed_chip>(const stored_image& image, size_t chip)>;

/// The error of work that is interrupted.
tl::unexpected<error> stopped_work(const std::string& what);

/// Whether all of an image's owners have it of that scene record, or its mask. What a search finds
/// may have too few copies, where a task was interrupted. Errors: those of place_images.
result<bool> is_held(const image_key& key, const hash128& scene, const load_services& services);

/// One image that is to be made.
struct planned_image {
  image_key key;
  /// One for each subdataset of the scene, in order. Shape, window, type, planes, `quality` and
  /// what else is particular to it; image_making knows the rest.
  std::vector<chip_description> chips;
};

/// Brings images that are made of one scene to their owners.
class image_making {
 public:
  /// `scene` describes the images that are made; the references must outlive this.
  image_making(const scene_description& scene, const load_request& request,
               const load_services& services);

  /// Finds out where the images go; each has as many chips. False: all of them are there. Errors:
  /// of a key, and those of place_images.
  result<bool> place(std::vector<planned_image> images);
  /// The same for a mask, of which those who hold the image are not asked whether they have it.
  result<void> place_mask(planned_image mask);

  /// Whether an image is still to be made.
  bool wants(size_t image) const { return wanted_[image * chips_each_]; }
  /// The number of a chip for the sink.
  size_t number(size_t image, size_t chip) const { return image * chips_each_ + chip; }

  /// The outcome where all images are there.
  load_outcome nothing() const;

  /// `cut` hands the chips of all wanted images to the sink; returns when all are durable.
  result<load_outcome> run(const std::function<result<void>(chip_packer&)>& cut);

  /// The pixels of one chip, held in the memory for loads as long as `use` takes.
  result<void> read(const stored_image& image, size_t chip, const read_chip& read,
                    const std::function<result<void>(const placed_chip&)>& use);

 private:
  void take(std::vector<planned_image> images);

  const load_request& request_;
  const load_services& services_;
  scene_part record_;
  std::vector<expected_chip> chips_;
  std::vector<bool> wanted_;
  size_t chips_each_ = 1;
  uint64_t known_ = 0;
  uint64_t bytes_ = 0;
};

/// A chip of which only the part that can hold data is in memory.
struct whole_chip {
  pixel_rect window;
  /// Pixels of the window whose centre lies in the cell.
  uint64_t cell_pixels = 0;
};

/// An image that was derived of others, in memory.
struct derived_image {
  image_key key;
  scene_description scene;
  /// One for each subdataset of the scene, on its grid.
  std::vector<placed_chip> chips;
  /// What each of the chips is a part of, as part_of gives it; empty: they are whole.
  std::vector<whole_chip> whole;
};

/// Brings an image to its owners, unless all of them have it of the same scene. Errors: those of
/// image_making, cell_mask, and of a node that refused chips.
result<load_outcome> store_derived(const derived_image& image, const load_request& request,
                                   const load_services& services);

/// Brings the mask of an image's clouds to the image's owners. The mask is the only subdataset of
/// its scene, validity::nodata; `own` is a byte a pixel, 1 where it lies in the cell.
result<load_outcome> store_mask(const derived_image& mask, const cloud_note& note,
                                std::span<const uint8_t> own, const load_request& request,
                                const load_services& services);

}  // namespace stip

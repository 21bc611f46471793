#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libstip/analysis/chip_blocks.hpp"
#include "libstip/analysis/mosaic_frame.hpp"
#include "libstip/analysis/mosaic_plan.hpp"
#include "libstip/catalog/stored_image.hpp"
#include "tests/libstip/raster/cut_twin.hpp"

/// Scenes in memory, cut into chips as a load cuts them, and what a picture of the whole scenes is,
/// worked out pixel by pixel.
namespace stip::test {

/// A scene with the key that its images have but for the geocode.
struct world_scene {
  std::shared_ptr<memory_scene> pixels;
  image_key key;
  std::optional<double> cloud_coverage;
};

/// All chips of all scenes, in memory; counts what is read.
class world_blocks final : public block_source {
 public:
  result<void> read(const chip_place& chip, uint64_t first, uint64_t end,
                    const take_block& take) override {
    ++reads;
    if (fail_after >= 0 && reads > fail_after)
      return fail(ec::unavailable, "read a block", "the node is away");
    const auto& records = chips.at(*chip.image + "/" + std::to_string(chip.subdataset));
    for (auto at = records.lower_bound(static_cast<uint32_t>(first));
         at != records.end() && at->first < end; ++at)
      if (!at->second.empty()) STIP_TRY(take(at->first, at->second));
    return {};
  }

  std::map<std::string, std::map<uint32_t, std::vector<std::byte>>> chips;
  std::atomic<int> reads{0};
  int fail_after = -1;
};

/// Cuts the scene and adds its images.
inline std::vector<stored_image> cut_images(const world_scene& of, geocode_algorithm algorithm,
                                            int precision, world_blocks& blocks) {
  cut_options options;
  options.algorithm = algorithm;
  options.precision = precision;
  const auto& scene = *of.pixels;
  const auto plan = plan_cut(scene.description(), scene.tilings(), options);
  if (!plan) throw std::runtime_error(to_string(plan.error()));
  const auto& chips = (*plan)->chips();
  keeping_sink sink(chips.size());
  if (auto done = cut(scene, **plan, options, {}, sink, nullptr); !done)
    throw std::runtime_error(to_string(done.error()));
  std::map<std::string, stored_image> images;
  for (size_t i = 0; i < chips.size(); ++i) {
    auto& image = images[chips[i].geocode];
    image.scene = scene.description();
    const auto& d = scene.description().subdatasets[chips[i].subdataset];
    chip_description chip;
    chip.key = of.key;
    chip.key.geocode = chips[i].geocode;
    chip.subdataset = d.id;
    chip.subdataset_index = static_cast<uint16_t>(chips[i].subdataset);
    chip.subdataset_count = static_cast<uint16_t>(scene.description().subdatasets.size());
    chip.type = d.type;
    chip.bands = static_cast<uint16_t>(d.bands.size());
    chip.mask_planes = mask_planes(d.valid, d.bands.size());
    chip.block_edge = (*plan)->block_edge(chips[i].subdataset);
    chip.column = chips[i].column;
    chip.row = chips[i].row;
    chip.width = chips[i].width;
    chip.height = chips[i].height;
    chip.valid_pixels = sink.chips[i].finished.valid_pixels;
    chip.cell_pixels = sink.chips[i].finished.cell_pixels;
    blocks.chips[to_string(chip.key) + "/" + std::to_string(chip.subdataset_index)] =
        std::move(sink.chips[i].records);
    image.chips.push_back(std::move(chip));
  }
  std::vector<stored_image> out;
  for (auto& [code, image] : images) {
    // A cell without a valid pixel is not stored.
    uint64_t valid = 0;
    for (const auto& chip : image.chips) valid += chip.valid_pixels;
    if (valid == 0) continue;
    std::sort(image.chips.begin(), image.chips.end(),
              [](const auto& a, const auto& b) { return a.subdataset_index < b.subdataset_index; });
    out.push_back(std::move(image));
  }
  return out;
}

}  // namespace stip::test

#include "libstip/cluster/image_making.hpp"

#include <algorithm>

#include "libstip/catalog/scene_record.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/raster/cell_mask.hpp"
#include "libstip/ring/ring.hpp"

namespace stip {

namespace {

/// What is to be said of a chip of these pixels before it is encoded.
chip_description describe(const placed_chip& chip, const pixel_rect& window, size_t index,
                          size_t count) {
  const auto& of = chip.image.description;
  chip_description out;
  out.subdataset = of.id;
  out.subdataset_index = static_cast<uint16_t>(index);
  out.subdataset_count = static_cast<uint16_t>(count);
  out.quality = of.quality;
  out.type = of.type;
  out.bands = static_cast<uint16_t>(of.bands.size());
  out.mask_planes = mask_planes(of.valid, of.bands.size());
  out.column = window.column;
  out.row = window.row;
  out.width = static_cast<uint32_t>(window.width);
  out.height = static_cast<uint32_t>(window.height);
  return out;
}

/// Counts the pixels of the cell, which `own` marks, and what holds data of them in a band.
/// `window` is that of the whole chip.
finished_chip count_own(const placed_chip& chip, const pixel_rect& window,
                        std::span<const uint8_t> own) {
  auto valid = chip.image.valid();
  for (size_t i = 0; i < own.size(); ++i) valid[i] &= own[i];
  finished_chip out;
  out.cell_pixels = count_set(own);
  std::vector<row_part> rows;
  for (int64_t row = 0; row < chip.window.height; ++row) {
    const auto width = static_cast<size_t>(chip.window.width);
    const auto found = find_set(std::span(valid).subspan(static_cast<size_t>(row) * width, width));
    out.valid_pixels += found.count;
    const auto column = chip.window.column - window.column;
    if (found.count > 0)
      rows.push_back({static_cast<uint32_t>(chip.window.row - window.row + row),
                      static_cast<uint32_t>(column + static_cast<int64_t>(found.begin)),
                      static_cast<uint32_t>(column + static_cast<int64_t>(found.end))});
  }
  out.outline = outline_of(rows);
  return out;
}

/// `whole` is what the chip is a part of; null: it is whole itself.
result<void> encode_own(const placed_chip& chip, const whole_chip* whole,
                        std::span<const uint8_t> own, size_t number, plane_encoder& encoder,
                        chip_packer& packer) {
  const auto& window = whole ? whole->window : chip.window;
  auto known = count_own(chip, window, own);
  known.chip = number;
  if (whole) known.cell_pixels = whole->cell_pixels;
  if (!known.is_partial()) known.outline.clear();
  return encode_chip(chip, window, static_cast<uint16_t>(defaults::max_block_edge),
                     std::move(known), encoder, packer);
}

/// What chip number `i` of the image is a part of.
const whole_chip* whole_of(const derived_image& image, size_t i) {
  return i < image.whole.size() ? &image.whole[i] : nullptr;
}

}  // namespace

uint64_t part_bytes(const stored_image& image, size_t chip) {
  const auto& of = image.chips[chip];
  return part_of(image, chip).pixels() * (of.bands * size_of(of.type) + of.mask_planes);
}

tl::unexpected<error> stopped_work(const std::string& what) {
  return fail(ec::stopped, what, "the task was asked to stop", "");
}

result<bool> is_held(const image_key& key, const hash128& scene, const load_services& services) {
  STIP_ASSIGN(const auto targets, place_images({key}, scene, services.targets, services.holds));
  return targets.front().empty();
}

image_making::image_making(const scene_description& scene, const load_request& request,
                           const load_services& services)
    : request_(request), services_(services) {
  record_.json = encode(scene);
  record_.id = scene_id(record_.json);
}

void image_making::take(std::vector<planned_image> images) {
  const auto run = services_.unique();
  chips_each_ = images.front().chips.size();
  for (size_t k = 0; k < images.size(); ++k) {
    const auto token = ring_token(dht_key(images[k].key.geocode, request_.target.dht_key_length));
    for (auto& chip : images[k].chips) {
      chip.key = images[k].key;
      chip.scene = record_.id;
      chip.block_edge = static_cast<uint16_t>(defaults::max_block_edge);
      chip.cell_pixels = chip.valid_pixels = 0;
      chip.outline.clear();
      chip.content = {};
      chip.written = request_.written;
      chip.token = token;
      chips_.push_back({std::move(chip), {}, {run, chips_.size()}, k});
    }
  }
}

result<bool> image_making::place(std::vector<planned_image> images) {
  std::vector<image_key> keys;
  for (const auto& image : images) {
    STIP_TRY(check(image.key));
    keys.push_back(image.key);
  }
  take(std::move(images));
  STIP_ASSIGN(const auto targets,
              place_images(keys, record_.id, services_.targets, services_.holds));
  for (auto& chip : chips_) {
    chip.nodes = targets[chip.image];
    wanted_.push_back(!chip.nodes.empty());
  }
  known_ = static_cast<uint64_t>(
      std::count_if(targets.begin(), targets.end(), [](const auto& t) { return t.empty(); }));
  return known_ < keys.size();
}

result<void> image_making::place_mask(planned_image mask) {
  STIP_ASSIGN(const auto nodes, services_.targets(mask.key.geocode));
  take({std::move(mask)});
  chips_.front().nodes = nodes;
  wanted_.push_back(true);
  return {};
}

load_outcome image_making::nothing() const {
  load_outcome out;
  out.images_known = known_;
  return out;
}

result<load_outcome> image_making::run(const std::function<result<void>(chip_packer&)>& cut) {
  chip_packer packer{std::move(chips_), wanted_.size() / chips_each_, record_, services_.ship};
  const auto made = cut(packer);
  const auto flushed = made ? packer.flush() : result<void>{};
  // What is under way is waited for in any case: its answers refer to this.
  const auto settled = services_.settle();
  STIP_TRY(made);
  STIP_TRY(flushed);
  STIP_TRY(settled);
  load_outcome out;
  out.images_known = known_;
  out.images_stored = packer.images_sent();
  out.cells_without_data = packer.images_empty();
  out.decoded_bytes = bytes_;
  return out;
}

result<void> image_making::read(const stored_image& image, size_t chip, const read_chip& read,
                                const std::function<result<void>(const placed_chip&)>& use) {
  const auto bytes = part_bytes(image, chip);
  STIP_ASSIGN(const auto share, budget_share::acquire(*services_.memory, bytes, services_.stopped));
  STIP_ASSIGN(const auto pixels, read(image, chip));
  bytes_ += bytes;
  return use(pixels);
}

result<load_outcome> store_derived(const derived_image& image, const load_request& request,
                                   const load_services& services) {
  planned_image plan{image.key, {}};
  for (size_t i = 0; i < image.chips.size(); ++i) {
    const auto* whole = whole_of(image, i);
    plan.chips.push_back(describe(image.chips[i], whole ? whole->window : image.chips[i].window, i,
                                  image.chips.size()));
  }
  image_making out{image.scene, request, services};
  STIP_ASSIGN(const auto anything, out.place({std::move(plan)}));
  if (!anything) return out.nothing();
  return out.run([&](chip_packer& packer) -> result<void> {
    plane_encoder encoder;
    for (size_t i = 0; i < image.chips.size(); ++i) {
      const auto& chip = image.chips[i];
      STIP_ASSIGN(const auto own, cell_mask(image.scene.subdatasets[i].grid, chip.window,
                                            request.target.algorithm, image.key.geocode));
      STIP_TRY(encode_own(chip, whole_of(image, i), own, out.number(0, i), encoder, packer));
    }
    return {};
  });
}

result<load_outcome> store_mask(const derived_image& mask, const cloud_note& note,
                                std::span<const uint8_t> own, const load_request& request,
                                const load_services& services) {
  const auto& chip = mask.chips.front();
  planned_image plan{mask.key, {describe(chip, chip.window, cloud_mask_index, 0)}};
  plan.chips.front().clouds = note;
  image_making out{mask.scene, request, services};
  STIP_TRY(out.place_mask(std::move(plan)));
  return out.run([&](chip_packer& packer) -> result<void> {
    plane_encoder encoder;
    return encode_own(chip, nullptr, own, out.number(0, 0), encoder, packer);
  });
}

}  // namespace stip

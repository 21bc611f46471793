#include "libstip/cluster/chip_packer.hpp"

#include <utility>

#include "libstip/core/defaults.hpp"

namespace stip {

chip_packer::chip_packer(std::vector<expected_chip> chips, size_t images, scene_part scene,
                         ship_parts ship)
    : chips_(std::move(chips)),
      images_(images),
      pending_(chips_.size()),
      scene_(std::move(scene)),
      ship_(std::move(ship)) {
  for (size_t i = 0; i < chips_.size(); ++i) {
    auto& image = images_.at(chips_[i].image);
    image.chips.push_back(i);
    ++image.unfinished;
  }
}

result<void> chip_packer::block(const cut_block& block) {
  if (block.record.empty()) return {};
  std::vector<message> full;
  {
    const std::lock_guard guard{mutex_};
    auto& waiting = pending_.at(block.chip);
    waiting.blocks.push_back(block.block);
    waiting.records.append(reinterpret_cast<const char*>(block.record.data()), block.record.size());
    pending_bytes_ += block.record.size();
    if (waiting.records.size() >= defaults::max_message_bytes / 2 ||
        pending_bytes_ > defaults::max_pending_chip_bytes)
      move_to_message(block.chip, false, full);
  }
  return ship_all(std::move(full));
}

result<void> chip_packer::finish(const finished_chip& done) {
  std::vector<message> full;
  {
    const std::lock_guard guard{mutex_};
    auto& chip = chips_.at(done.chip);
    chip.description.cell_pixels = done.cell_pixels;
    chip.description.valid_pixels = done.valid_pixels;
    chip.description.outline = done.outline;
    chip.description.content = done.content;
    auto& image = images_.at(chip.image);
    image.has_data |= done.valid_pixels > 0;
    if (--image.unfinished > 0) return {};
    for (const auto c : image.chips) {
      if (image.has_data) {
        move_to_message(c, true, full);
      } else {
        pending_bytes_ -= pending_[c].records.size();
        pending_[c] = {};
      }
    }
    ++(image.has_data ? images_sent_ : images_empty_);
  }
  return ship_all(std::move(full));
}

result<void> chip_packer::flush() {
  std::vector<message> rest;
  {
    const std::lock_guard guard{mutex_};
    for (auto& [node, open] : open_)
      if (!open.parts.parts.empty()) rest.push_back(std::move(open));
    open_.clear();
  }
  return ship_all(std::move(rest));
}

void chip_packer::move_to_message(size_t index, bool last, std::vector<message>& full) {
  const auto& chip = chips_[index];
  auto waiting = std::exchange(pending_[index], {});
  pending_bytes_ -= waiting.records.size();
  chip_part part{chip.upload, std::move(waiting.blocks), std::move(waiting.records),
                 last ? encode(chip.description) : std::string{}};
  const auto bytes = part.records.size() + part.description.size() +
                     part.blocks.size() * sizeof(uint32_t) + sizeof(chip_part);
  for (size_t i = 0; i < chip.nodes.size(); ++i) {
    const auto node = chip.nodes[i];
    auto& open = open_[node];
    open.node = node;
    if (last && open.parts.scenes.empty()) {
      open.parts.scenes.push_back(scene_);
      open.bytes += scene_.json.size();
    }
    open.bytes += bytes;
    const bool is_last = i + 1 == chip.nodes.size();
    open.parts.parts.push_back(is_last ? std::move(part) : part);
    if (open.bytes >= defaults::max_message_bytes) full.push_back(std::exchange(open, {}));
  }
}

result<void> chip_packer::ship_all(std::vector<message> messages) {
  for (auto& m : messages) STIP_TRY(ship_(m.node, std::move(m.parts), m.bytes));
  return {};
}

}  // namespace stip

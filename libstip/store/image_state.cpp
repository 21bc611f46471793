#include "libstip/store/image_state.hpp"

#include <algorithm>
#include <tuple>

namespace stip {

namespace {

/// The same pixels at the same place, whoever wrote them when.
bool same_chip(chip_description a, const chip_description& b) {
  a.written = b.written;
  a.token = b.token;
  return a == b;
}

image_state::set_id set_of(const chip_description& chip) {
  return {chip.scene, chip.subdataset_count};
}

}  // namespace

void image_state::restore(held_chip chip) {
  const auto id = set_of(chip.record.chip);
  const auto index = chip.record.chip.subdataset_index;
  sets_[id].insert_or_assign(index, std::move(chip));
}

put_outcome image_state::put(const put_chip& chip) {
  const auto outcome = take(chip);
  drop_tombstone();
  return outcome;
}

put_outcome image_state::take(const put_chip& chip) {
  const auto& fresh = chip.chip;
  if (tombstone_ && fresh.written < *tombstone_) return put_outcome::superseded;
  const auto id = set_of(fresh);
  if (const auto set = sets_.find(id); set != sets_.end()) {
    if (const auto found = set->second.find(fresh.subdataset_index); found != set->second.end()) {
      auto& held = found->second;
      auto& record = held.record;
      auto outcome = put_outcome::superseded;
      if (same_chip(record.chip, fresh)) {
        // A later store of the same pixels must outlive an earlier deletion that arrives after it.
        if (fresh.written > record.chip.written) record.chip = fresh;
        outcome = put_outcome::unchanged;
        if (held.lost) {
          record.blocks = chip.blocks;
          held.lost = false;
          outcome = put_outcome::stored;
        }
      } else if (std::tie(fresh.written, fresh.content) >
                 std::tie(record.chip.written, record.chip.content)) {
        held = {{fresh, chip.blocks}, false};
        outcome = put_outcome::stored;
      }
      drop_outranked();
      return outcome;
    }
  }
  if (const auto best = image_rank(); best && rank{fresh.written, id} < *best)
    return put_outcome::superseded;
  sets_[id].emplace(fresh.subdataset_index, held_chip{{fresh, chip.blocks}, false});
  drop_outranked();
  return put_outcome::stored;
}

void image_state::hide(const version& when) {
  if (tombstone_ && when <= *tombstone_) return;
  tombstone_ = when;
  for (auto& [id, set] : sets_)
    std::erase_if(set, [&](const auto& entry) { return entry.second.record.chip.written < when; });
  std::erase_if(sets_, [](const auto& entry) { return entry.second.empty(); });
  drop_tombstone();
}

void image_state::drop_tombstone() {
  if (!tombstone_) return;
  if (const auto best = image_rank(); best && *tombstone_ < best->oldest) tombstone_.reset();
}

std::optional<image_state::rank> image_state::image_rank() const {
  std::optional<rank> best;
  for (const auto& [id, set] : sets_) {
    if (set.size() != id.count) continue;
    auto oldest = set.begin()->second.record.chip.written;
    for (const auto& [index, held] : set) oldest = std::min(oldest, held.record.chip.written);
    if (const rank own{oldest, id}; !best || own > *best) best = own;
  }
  return best;
}

const image_state::chip_set* image_state::image() const {
  const auto best = image_rank();
  return best ? &sets_.at(best->set) : nullptr;
}

void image_state::drop_outranked() {
  const auto best = image_rank();
  if (!best) return;
  for (auto& [id, set] : sets_) {
    if (id == best->set) continue;
    std::erase_if(set, [&, &id = id](const auto& entry) {
      return rank{entry.second.record.chip.written, id} < *best;
    });
  }
  std::erase_if(sets_, [](const auto& entry) { return entry.second.empty(); });
}

std::optional<index_entry> image_state::entry() const {
  const auto* set = image();
  if (!set) return {};
  coverage_of_image coverage;
  for (const auto& [index, held] : *set) {
    if (held.lost) return {};
    coverage.add(held.record.chip.quality, held.record.chip.pixel_coverage());
  }
  index_entry entry;
  entry.key = set->begin()->second.record.chip.key;
  entry.pixel_coverage = static_cast<float>(coverage.value());
  return entry;
}

}  // namespace stip

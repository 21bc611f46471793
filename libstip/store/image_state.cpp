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

/// Of two chips at one place of a set, whether `a` is the one that stays. The token does not count:
/// it is not the same on all nodes.
bool stays(const chip_description& a, const chip_description& b) {
  const auto order = std::tie(a.written, a.content) <=> std::tie(b.written, b.content);
  if (order != 0) return order > 0;
  auto left = a, right = b;
  left.token = right.token = 0;
  return encode(left) > encode(right);
}

bool is_mask(const image_state::chip_set& set) {
  return set.begin()->second.record.chip.clouds.has_value();
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
        if (held.lost || held.damaged) {
          record.blocks = chip.blocks;
          held.lost = held.damaged = false;
          outcome = put_outcome::stored;
        }
      } else if (stays(fresh, record.chip)) {
        held = {{fresh, chip.blocks}, false};
        outcome = put_outcome::stored;
      }
      drop_outranked();
      return outcome;
    }
  }
  if (const auto best = image_rank(); best && is_below(fresh, id, *best))
    return put_outcome::superseded;
  if (fresh.clouds && !replace_mask(fresh)) return put_outcome::superseded;
  sets_[id].emplace(fresh.subdataset_index, held_chip{{fresh, chip.blocks}, false});
  drop_outranked();
  return put_outcome::stored;
}

bool image_state::is_below(const chip_description& chip, const set_id& id, const rank& best) {
  return chip.clouds ? chip.written < best.oldest : rank{chip.written, id} < best;
}

bool image_state::replace_mask(const chip_description& fresh) {
  const auto held =
      std::find_if(sets_.begin(), sets_.end(), [](const auto& set) { return is_mask(set.second); });
  if (held == sets_.end()) return true;
  if (!stays(fresh, held->second.begin()->second.record.chip)) return false;
  sets_.erase(held);
  return true;
}

void image_state::hide(const version& when) {
  if (tombstone_ && when <= *tombstone_) return;
  tombstone_ = when;
  for (auto& [id, set] : sets_)
    std::erase_if(set, [&](const auto& entry) { return entry.second.record.chip.written < when; });
  std::erase_if(sets_, [](const auto& entry) { return entry.second.empty(); });
  drop_tombstone();
}

bool image_state::lacks(const chip_description& chip) const {
  auto after = *this;
  switch (after.put({chip, {}})) {
    case put_outcome::stored:
      return true;
    case put_outcome::superseded:
      return false;
    case put_outcome::unchanged:
      break;
  }
  const auto* held = find(set_of(chip), chip.subdataset_index);
  return held && held->record.chip.written < chip.written;
}

bool image_state::lacks(const version& tombstone) const {
  const auto chips = [](const image_state& state) {
    size_t count = 0;
    for (const auto& [id, set] : state.sets_) count += set.size();
    return count;
  };
  auto after = *this;
  after.hide(tombstone);
  return after.tombstone_ != tombstone_ || chips(after) != chips(*this);
}

void image_state::forget(const set_id& set, uint16_t index) {
  const auto at = sets_.find(set);
  if (at == sets_.end()) return;
  at->second.erase(index);
  if (at->second.empty()) sets_.erase(at);
}

const image_state::held_chip* image_state::find(const set_id& set, uint16_t index) const {
  const auto at = sets_.find(set);
  if (at == sets_.end()) return nullptr;
  const auto held = at->second.find(index);
  return held == at->second.end() ? nullptr : &held->second;
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

std::optional<version> image_state::written() const {
  const auto best = image_rank();
  return best ? std::optional{best->oldest} : std::nullopt;
}

const image_state::chip_set* image_state::image() const {
  const auto best = image_rank();
  return best ? &sets_.at(best->set) : nullptr;
}

const image_state::held_chip* image_state::clouds() const {
  const auto* of = image();
  if (!of) return nullptr;
  for (const auto& [id, set] : sets_) {
    if (!is_mask(set)) continue;
    const auto& held = set.begin()->second;
    const auto& scene = of->begin()->second.record.chip.scene;
    return held.record.chip.clouds->of == scene ? &held : nullptr;
  }
  return nullptr;
}

void image_state::drop_outranked() {
  const auto best = image_rank();
  if (!best) return;
  for (auto& [id, set] : sets_) {
    if (id == best->set) continue;
    std::erase_if(set, [&, &id = id](const auto& entry) {
      return is_below(entry.second.record.chip, id, *best);
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
  if (const auto* mask = clouds(); mask && !mask->lost)
    if (const auto& shares = mask->record.chip.clouds->shares)
      entry.cloud_coverage = static_cast<float>(shares->cloud);
  return entry;
}

}  // namespace stip

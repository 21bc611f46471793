#include "tests/support/simulation/stored_album.hpp"

#include <algorithm>
#include <set>

namespace stip::sim {

namespace {

error not_here(const std::string& what) {
  return {ec::not_found, "find " + what, "it is not there, or has changed", {}};
}

}  // namespace

std::vector<replica_fact> stored_album::facts_of(const image& i) {
  std::vector<replica_fact> out;
  for (const auto& [id, set] : i.state.sets())
    for (const auto& [index, held] : set) out.push_back(replica_fact::of(held.record.chip));
  if (i.state.tombstone())
    out.push_back(replica_fact::of(put_tombstone{i.key, *i.state.tombstone()}));
  return out;
}

result<std::vector<uint64_t>> stored_album::digests(const slice_of& slices) const {
  std::vector<uint64_t> sums(ring_slices, 0);
  for (const auto& [geocode, held] : cells_)
    if (const auto slice = slices(geocode))
      for (const auto& [text, i] : held) sums[*slice] += i.digest;
  return sums;
}

result<fact_page> stored_album::facts(const slice_of& slices, const std::string& from,
                                      size_t limit) const {
  // `from` is a geocode, a zero, and the text of a key.
  const auto cut = from.find('\0');
  const auto first = from.substr(0, cut);
  const auto text = cut == std::string::npos ? std::string{} : from.substr(cut + 1);
  fact_page page;
  for (auto cell = cells_.lower_bound(first); cell != cells_.end(); ++cell) {
    if (!slices(cell->first)) continue;
    const auto& held = cell->second;
    auto i = cell->first == first ? held.lower_bound(text) : held.begin();
    for (; i != held.end(); ++i) {
      if (page.facts.size() >= limit) {
        page.next = cell->first + '\0' + i->first;
        return page;
      }
      auto more = facts_of(i->second);
      page.facts.insert(page.facts.end(), std::make_move_iterator(more.begin()),
                        std::make_move_iterator(more.end()));
    }
  }
  return page;
}

result<std::vector<bool>> stored_album::lacks(std::span<const replica_fact> facts) const {
  const image_state nothing;
  std::vector<bool> out;
  for (const auto& fact : facts) {
    const auto* i = find(fact.key);
    const auto& state = i == nullptr ? nothing : i->state;
    out.push_back(fact.chip ? state.lacks(*fact.chip) : state.lacks(fact.hidden));
  }
  return out;
}

result<chip_record> stored_album::chip(const chip_description& chip) const {
  if (const auto* i = find(chip.key))
    if (const auto* held = i->state.find(image_state::set_of(chip), chip.subdataset_index);
        held != nullptr && held->record.chip.content == chip.content)
      return held->record;
  return fail(not_here("chip " + to_string(chip.key)));
}

result<void> stored_album::read(std::span<const block_location> locations,
                                std::vector<std::byte>& out) const {
  for (const auto& place : locations) {
    const auto found = blocks_.find(place.offset);
    if (found == blocks_.end()) return fail(not_here("a block"));
    const auto bytes = std::as_bytes(std::span{found->second});
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return {};
}

result<std::string> stored_album::scene(const hash128& id) const {
  const auto found = scenes_.find(id);
  if (found == scenes_.end()) return fail(not_here("a scene"));
  return found->second;
}

put_outcome stored_album::put(const chip_description& chip, const std::string& bytes) {
  auto& i = at(chip.key);
  const block_location place{++last_block_, 0, static_cast<uint32_t>(bytes.size())};
  const auto outcome = i.state.put({chip, {place}});
  if (outcome == put_outcome::stored) blocks_.emplace(place.offset, bytes);
  changed(i);
  return outcome;
}

void stored_album::hide(const put_tombstone& tombstone) {
  auto& i = at(tombstone.key);
  i.state.hide(tombstone.when);
  changed(i);
}

size_t stored_album::forget(const std::vector<replica_fact>& facts) {
  std::map<std::string, std::multiset<uint64_t>> wanted;
  std::map<std::string, image_key> keys;
  for (const auto& fact : facts) {
    const auto text = to_string(fact.key);
    wanted[text].insert(digest_of(fact));
    keys.emplace(text, fact.key);
  }
  size_t gone = 0;
  for (const auto& [text, digests] : wanted) {
    const auto* i = find(keys.at(text));
    if (i == nullptr) continue;
    std::multiset<uint64_t> held;
    for (const auto& fact : facts_of(*i)) held.insert(digest_of(fact));
    if (!std::includes(digests.begin(), digests.end(), held.begin(), held.end())) continue;
    remove(keys.at(text));
    ++gone;
  }
  return gone;
}

void stored_album::remove(const image_key& key) {
  const auto cell = cells_.find(key.geocode);
  if (cell == cells_.end()) return;
  cell->second.erase(to_string(key));
  if (cell->second.empty()) cells_.erase(cell);
}

void stored_album::remove_cells(const std::function<bool(const std::string& geocode)>& wrong) {
  std::erase_if(cells_, [&](const auto& cell) { return wrong(cell.first); });
}

void stored_album::drop_tombstones(int64_t before_ms) {
  for (auto& [geocode, held] : cells_)
    for (auto& [text, i] : held)
      if (i.state.tombstone() && i.state.tombstone()->wall_ms < before_ms) {
        i.state.forget_tombstone();
        changed(i);
      }
}

const stored_album::image* stored_album::find(const image_key& key) const {
  const auto cell = cells_.find(key.geocode);
  if (cell == cells_.end()) return nullptr;
  const auto found = cell->second.find(to_string(key));
  return found == cell->second.end() ? nullptr : &found->second;
}

const std::string& stored_album::bytes(const chip_record& chip) const {
  return blocks_.at(chip.blocks.front().offset);
}

version stored_album::newest() const {
  version out;
  for (const auto& [geocode, held] : cells_)
    for (const auto& [text, i] : held)
      for (const auto& fact : facts_of(i))
        out = std::max(out, fact.chip ? fact.chip->written : fact.hidden);
  return out;
}

stored_album::image& stored_album::at(const image_key& key) {
  auto& i = cells_[key.geocode][to_string(key)];
  if (i.key.geocode.empty()) i.key = key;
  return i;
}

void stored_album::changed(image& i) {
  i.digest = 0;
  i.facts = 0;
  for (const auto& fact : facts_of(i)) {
    i.digest += digest_of(fact);
    ++i.facts;
  }
}

}  // namespace stip::sim

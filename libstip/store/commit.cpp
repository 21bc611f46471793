#include "libstip/store/commit.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace stip {

namespace {

/// The key of a chip: in table::chips if its set is the image, else in table::pending.
std::string key_of(std::string_view prefix, const chip_description& chip, bool of_the_image) {
  return of_the_image
             ? chip_key(prefix, chip.subdataset_index)
             : pending_key(prefix, chip.scene, chip.subdataset_count, chip.subdataset_index);
}

bool is_chip_key(std::string_view key) {
  return key.size() == image_prefix_bytes + sizeof(uint16_t);
}

/// Calls `f(held_chip, of_the_image)` for every chip; the mask of the image's clouds is of it.
template <class F>
void for_each_chip(const image_state& state, F&& f) {
  const auto* image = state.image();
  const auto* mask = state.clouds();
  for (const auto& [id, set] : state.sets())
    for (const auto& [index, held] : set) f(held, &set == image || &held == mask);
}

/// What listings show of the image's mask.
const image_state::held_chip* listed_mask(const image_state& state) {
  const auto* mask = state.clouds();
  return mask && !mask->lost ? mask : nullptr;
}

/// Whether listings show the same of both.
bool same_listing(const image_state& a, const image_state& b) {
  const auto* left = a.image();
  const auto* right = b.image();
  if (!left || !right) return left == right;
  if (a.written() != b.written()) return false;
  const auto same = [](const image_state::held_chip& x, const image_state::held_chip& y) {
    return x.record.chip.content == y.record.chip.content &&
           x.record.chip.scene == y.record.chip.scene && x.record.blocks == y.record.blocks;
  };
  const auto* mask = listed_mask(a);
  const auto* other = listed_mask(b);
  if (!mask || !other ? mask != other : !same(*mask, *other)) return false;
  return std::equal(left->begin(), left->end(), right->begin(), right->end(),
                    [&](const auto& x, const auto& y) { return same(x.second, y.second); });
}

/// `before` without these facts; nothing if one is not as given, or others are left.
std::optional<image_state> without(const image_state& before,
                                   std::span<const replica_fact* const> facts) {
  auto image = before;
  for (const auto* fact : facts) {
    if (!fact->chip) {
      if (before.tombstone() != fact->hidden) return {};
      image.forget_tombstone();
      continue;
    }
    const auto& chip = *fact->chip;
    const auto set = image_state::set_of(chip);
    const auto* held = before.find(set, chip.subdataset_index);
    if (!held || held->record.chip.content != chip.content ||
        held->record.chip.written != chip.written)
      return {};
    image.forget(set, chip.subdataset_index);
  }
  bool only_flawed = !image.tombstone();
  for_each_chip(image, [&](const image_state::held_chip& held, bool) {
    only_flawed = only_flawed && (held.lost || held.damaged);
  });
  if (!only_flawed) return {};
  return image;
}

}  // namespace

result<image_state> load_image(const transaction& txn, stored_names& names, std::string_view prefix,
                               const image_key& key, const flawed_keys& flawed) {
  image_state state;
  for (const auto db : {table::chips, table::pending}) {
    STIP_ASSIGN(auto at, cursor::open(txn, db));
    STIP_ASSIGN(bool more, at.seek(prefix));
    while (more && at.key().starts_with(prefix)) {
      STIP_ASSIGN(auto record, decode_chip(key, at.key(), at.value(), names));
      state.restore(
          {std::move(record), flawed.lost.contains(at.key()), flawed.damaged.contains(at.key())});
      STIP_ASSIGN(more, at.next());
    }
  }
  STIP_ASSIGN(const auto tombstone, txn.get(table::tombstones, prefix));
  if (tombstone) {
    STIP_ASSIGN(const auto when, decode_version(*tombstone));
    state.restore(when);
  }
  return state;
}

result<void> commit_writer::write(const commit_request& request) {
  outcome.chips.assign(request.chips.size(), put_outcome::stored);
  STIP_TRY(write_scenes(request));
  std::map<std::string, image_request> images;
  std::vector<std::pair<const std::string, image_request>*> order;
  const auto image_of = [&](const image_key& key) -> result<image_request*> {
    STIP_ASSIGN(auto prefix, make_prefix(numbers_, algorithm_, key));
    const auto [at, is_new] = images.try_emplace(std::move(prefix));
    if (is_new) {
      at->second.key = &key;
      order.push_back(&*at);
    }
    return &at->second;
  };
  for (size_t i = 0; i < request.chips.size(); ++i) {
    STIP_ASSIGN(auto* const image, image_of(request.chips[i].chip.key));
    image->chips.push_back(i);
  }
  for (size_t i = 0; i < request.tombstones.size(); ++i) {
    STIP_ASSIGN(auto* const image, image_of(request.tombstones[i].key));
    image->tombstones.push_back(i);
  }
  for (const auto* image : order) STIP_TRY(write_image(request, image->first, image->second));
  STIP_TRY(write_segments());
  return write_totals();
}

result<void> commit_writer::write_scenes(const commit_request& request) {
  const auto key_of_scene = [](const hash128& id) { return to_string(id); };
  std::set<hash128> known;
  for (const auto& scene : request.scenes) {
    if (!known.insert(scene.id).second) continue;
    const auto key = key_of_scene(scene.id);
    STIP_ASSIGN(const auto there, txn_->get(table::scenes, key));
    if (!there) STIP_TRY(txn_->put(table::scenes, key, scene.json));
  }
  for (const auto& [chip, blocks] : request.chips) {
    if (known.contains(chip.scene)) continue;
    STIP_ASSIGN(const auto there, txn_->get(table::scenes, key_of_scene(chip.scene)));
    if (!there)
      return fail(ec::invalid_argument, "store chip " + to_string(chip.key) + "/" + chip.subdataset,
                  "its scene record " + to_string(chip.scene) + " is not there",
                  "send the scene record with the chip");
    known.insert(chip.scene);
  }
  return {};
}

result<void> commit_writer::write_image(const commit_request& request, std::string_view prefix,
                                        const image_request& changes) {
  STIP_ASSIGN(const auto before, load_image(*txn_, names_, prefix, *changes.key, *flawed_));
  auto after = before;
  for (const auto i : changes.tombstones) after.hide(request.tombstones[i].when);
  for (const auto i : changes.chips) outcome.chips[i] = after.put(request.chips[i]);
  return write_change(before, after, prefix);
}

result<void> commit_writer::forget(std::span<const replica_fact> facts) {
  std::map<std::string, std::vector<const replica_fact*>> images;
  for (const auto& fact : facts) {
    STIP_ASSIGN(const auto prefix, find_prefix(names_, algorithm_, fact.key));
    if (prefix) images[*prefix].push_back(&fact);
  }
  for (const auto& [prefix, given] : images) {
    STIP_ASSIGN(const auto before, load_image(*txn_, names_, prefix, given.front()->key, *flawed_));
    if (const auto after = without(before, given)) STIP_TRY(write_change(before, *after, prefix));
  }
  STIP_TRY(write_segments());
  return write_totals();
}

result<void> commit_writer::write_change(const image_state& before, const image_state& after,
                                         std::string_view prefix) {
  STIP_ASSIGN(const auto old_records, encode_chips(before, prefix));
  STIP_ASSIGN(const auto new_records, encode_chips(after, prefix));
  STIP_TRY(write_chips(old_records, new_records));
  if (after.tombstone() != before.tombstone()) {
    if (after.tombstone())
      STIP_TRY(txn_->put(table::tombstones, prefix, encode(*after.tombstone())));
    else
      STIP_TRY(txn_->erase(table::tombstones, prefix));
  }
  count_blocks(before, -1);
  count_blocks(after, +1);
  for (const auto& [id, set] : after.sets()) effects.scenes.insert(id.scene);
  note_flaws(before, after, prefix);
  effects.chips +=
      static_cast<int64_t>(new_records.size()) - static_cast<int64_t>(old_records.size());
  complete_images_ += (after.image() ? 1 : 0) - (before.image() ? 1 : 0);

  const auto old_entry = before.entry();
  auto new_entry = after.entry();
  effects.images += (new_entry ? 1 : 0) - (old_entry ? 1 : 0);
  if (new_entry && (new_entry != old_entry || !same_listing(before, after))) {
    STIP_TRY(list(after, *new_entry));
    outcome.changes.push_back({index_change::kind::put, *std::move(new_entry)});
  } else if (old_entry && !new_entry)
    outcome.changes.push_back({index_change::kind::erase, *old_entry});
  return {};
}

result<void> commit_writer::list(const image_state& state, index_entry& entry) {
  std::string form;
  const auto append = [&](const auto& number) {
    form.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  const auto& set = *state.image();
  const auto& scene = set.begin()->second.record.chip.scene;
  const auto written = *state.written();
  append(written.wall_ms);
  append(written.logical);
  append(written.node);
  std::vector<scene_records::shape> shapes;
  const auto add = [&](const image_state::held_chip& held) {
    const auto& chip = held.record.chip;
    entry.chips.push_back(
        {chip.width, chip.height, chip.pixel_coverage(), held.record.bytes(), chip.content});
    shapes.push_back({chip.subdataset, chip.type, chip.bands, chip.quality, chip.scene});
    append(chip.scene);
    append(chip.type);
    append(chip.bands);
    append(chip.quality);
    append(chip.subdataset.size());
    form += chip.subdataset;
  };
  for (const auto& [index, held] : set) add(held);
  if (const auto* mask = listed_mask(state)) add(*mask);
  auto& layout = layouts_[form];
  if (!layout) {
    STIP_ASSIGN(layout, scene_records_.layout(scene, written, shapes));
  }
  entry.layout = layout;
  return {};
}

result<commit_writer::records> commit_writer::encode_chips(const image_state& state,
                                                           std::string_view prefix) {
  records encoded;
  result<void> done;
  for_each_chip(state, [&](const image_state::held_chip& held, bool of_the_image) {
    if (!done) return;
    const auto& chip = held.record.chip;
    const auto subdataset = numbers_.number(name_kind::subdataset, chip.subdataset);
    if (!subdataset) {
      done = fail(subdataset.error());
      return;
    }
    encoded.emplace(key_of(prefix, chip, of_the_image), encode_chip(held.record, *subdataset));
  });
  if (!done) return fail(std::move(done).error());
  return encoded;
}

result<void> commit_writer::write_chips(const records& before, const records& after) {
  const auto table_of = [](std::string_view key) {
    return is_chip_key(key) ? table::chips : table::pending;
  };
  for (const auto& [key, value] : before)
    if (!after.contains(key)) STIP_TRY(txn_->erase(table_of(key), key));
  for (const auto& [key, value] : after) {
    const auto old = before.find(key);
    if (old == before.end() || old->second != value) STIP_TRY(txn_->put(table_of(key), key, value));
  }
  return {};
}

void commit_writer::count_blocks(const image_state& state, int sign) {
  for_each_chip(state, [&](const image_state::held_chip& held, bool) {
    for (const auto& block : held.record.blocks) {
      if (block.bytes == 0) continue;
      auto& change = segments_[block.segment];
      change.live_bytes += sign * int64_t{block.bytes};
      change.end = std::max(change.end, block.offset + block.bytes);
    }
  });
}

void commit_writer::note_flaws(const image_state& before, const image_state& after,
                               std::string_view prefix) {
  if (flawed_->lost.empty() && flawed_->damaged.empty()) return;
  for_each_chip(before, [&](const image_state::held_chip& held, bool of_the_image) {
    if (held.lost || held.damaged)
      effects.sound.push_back(key_of(prefix, held.record.chip, of_the_image));
  });
  for_each_chip(after, [&](const image_state::held_chip& held, bool of_the_image) {
    if (held.lost) effects.lost.push_back(key_of(prefix, held.record.chip, of_the_image));
    if (held.damaged) effects.damaged.push_back(key_of(prefix, held.record.chip, of_the_image));
  });
}

result<void> commit_writer::write_segments() {
  STIP_ASSIGN(const auto next_before, get_number(*txn_, meta_word::next_segment));
  auto next = next_before;
  for (const auto& [id, change] : segments_) {
    STIP_ASSIGN(const auto value, txn_->get(table::segments, big_endian(id)));
    segment_record segment;
    if (value) {
      STIP_ASSIGN(segment, decode_segment_record(*value));
    }
    const auto end = std::max(segment.end, change.end);
    effects.segment_bytes += static_cast<int64_t>(end - segment.end);
    effects.live_bytes += change.live_bytes;
    if (value && end == segment.end && change.live_bytes == 0) continue;
    segment.end = end;
    segment.live_bytes += static_cast<uint64_t>(change.live_bytes);
    STIP_TRY(txn_->put(table::segments, big_endian(id), encode(segment)));
    next = std::max<uint64_t>(next, uint64_t{id} + 1);
  }
  // Ids are never used again: a reader may still have the place of a block of a removed segment.
  if (next != next_before) STIP_TRY(put_number(*txn_, meta_word::next_segment, next));
  return {};
}

result<void> commit_writer::write_totals() {
  const auto add = [&](std::string_view word, int64_t change) -> result<void> {
    if (change == 0) return {};
    STIP_ASSIGN(const auto number, get_number(*txn_, word));
    return put_number(*txn_, word, number + static_cast<uint64_t>(change));
  };
  STIP_TRY(add(meta_word::images, complete_images_));
  return add(meta_word::chips, effects.chips);
}

}  // namespace stip

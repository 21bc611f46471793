#include "libstip/store/compaction.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "libstip/raster/block.hpp"

namespace stip {

namespace {

/// What a chip's row in a table costs to look at, for the throttle.
constexpr uint64_t row_cost = 256;

segment_writer::options output_options(const compaction::parts& parts) {
  segment_writer::options o;
  o.directory = parts.directory;
  o.store = parts.store;
  o.first_id = parts.first_id;
  o.end_id = parts.end_id;
  o.most_bytes = parts.most_segment_bytes;
  o.exact = true;
  return o;
}

result<void> verify_records(std::span<const std::byte> bytes, std::span<const uint32_t> sizes) {
  for (const auto size : sizes) {
    const auto record = bytes.first(size);
    STIP_TRY(verify_block(record));
    STIP_ASSIGN(const auto header, parse_block(record));
    if (record_bytes(header) != size)
      return fail(ec::corrupt, "read a block", "the record has another length");
    bytes = bytes.subspan(size);
  }
  return {};
}

}  // namespace

compaction::compaction(parts p, const compaction_options& options)
    : parts_(std::move(p)), options_(options), output_(output_options(parts_), *parts_.files) {
  publish_due_ = parts_.some_are_dead;
  retired_ = parts_.unnamed;
}

compaction::~compaction() {
  if (in_doubt_) return;
  // What stays is removed by the next opening.
  if (phase_ != phase::done) (void)remove_retired();
  for (auto id = parts_.first_id; id < parts_.end_id; ++id) {
    std::error_code unknown;
    if (!named_.contains(id) &&
        std::filesystem::exists(parts_.directory + "/" + segment_name(id), unknown))
      (void)remove_file(id);
  }
}

compaction_turn compaction::turn() const {
  if (phase_ == phase::done) return compaction_turn::done;
  return publish_due_ ? compaction_turn::publish : compaction_turn::step;
}

result<uint64_t> compaction::step(const lost_keys& lost) {
  uint64_t cost = 0;
  if (!found_.empty()) {
    STIP_TRY(copy(cost));
    return cost;
  }
  switch (phase_) {
    case phase::begin:
      phase_ = phase::chips;
      break;
    case phase::chips:
      STIP_TRY(look_for_chips(table::chips, phase::pending, lost, cost));
      break;
    case phase::pending:
      STIP_TRY(look_for_chips(table::pending, phase::scenes, lost, cost));
      break;
    case phase::scenes:
      // The last of the copies are swapped first: memory, and the disk, get room.
      if (!copied_.empty())
        STIP_TRY(ask_for_publication());
      else
        STIP_TRY(look_for_scenes(cost));
      break;
    case phase::tombstones:
      STIP_TRY(look_for_tombstones(cost));
      break;
    case phase::end:
      publish_due_ = !unused_scenes_.empty() || !old_tombstones_.empty();
      phase_ = phase::files;
      break;
    case phase::files:
      STIP_TRY(remove_retired());
      phase_ = phase::done;
      break;
    case phase::done:
      break;
  }
  return cost;
}

result<void> compaction::look_for_chips(database db, phase after, const lost_keys& lost,
                                        uint64_t& cost) {
  bool more = true;
  STIP_TRY(parts_.env->read([&](const transaction& txn) -> result<void> {
    STIP_ASSIGN(auto at, cursor::open(txn, db));
    STIP_ASSIGN(more, at.seek(after_key_.empty() ? std::string_view{"\0", 1} : after_key_));
    if (more && at.key() == after_key_) {
      STIP_ASSIGN(more, at.next());
    }
    uint64_t bytes = 0;
    for (size_t seen = 0; more && seen < options_.step_chips && bytes < options_.step_bytes;
         ++seen) {
      STIP_ASSIGN(auto places, decode_chip_places(at.value()));
      scenes_in_use_.insert(places.scene);
      after_key_ = at.key();
      cost += row_cost;
      const bool moves = std::any_of(places.blocks.begin(), places.blocks.end(),
                                     [&](const block_location& block) { return is_victim(block); });
      if (moves && !lost.contains(at.key())) {
        for (const auto& block : places.blocks)
          if (is_victim(block)) bytes += block.bytes;
        auto to = places.blocks;
        found_.push_back({db, std::string(at.key()), std::string(at.value()),
                          std::move(places.blocks), std::move(to), 0});
      }
      STIP_ASSIGN(more, at.next());
    }
    return {};
  }));
  if (!more) {
    after_key_.clear();
    phase_ = after;
  }
  return {};
}

result<void> compaction::copy(uint64_t& cost) {
  while (!found_.empty() && cost < options_.step_bytes) {
    auto& chip = found_.front();
    while (chip.next < chip.from.size() && !is_victim(chip.from[chip.next])) ++chip.next;
    if (chip.next < chip.from.size()) {
      STIP_ASSIGN(const auto blocks, copy_run(chip, cost));
      if (blocks > 0) {
        chip.next += blocks;
        continue;
      }
      // It cannot be read: it stays as it is, for whoever can still make something of it.
      ++report_.chips_unreadable;
      for (const auto& block : chip.from)
        if (is_victim(block)) unreadable_.insert(block.segment);
    } else {
      copied_blocks_ += chip.from.size();
      copied_.push_back(std::move(chip));
    }
    found_.pop_front();
    if (copied_.size() >= options_.publish_chips || copied_bytes_ >= options_.publish_bytes ||
        copied_blocks_ >= defaults::max_chip_blocks)
      return ask_for_publication();
  }
  return {};
}

/// Copies blocks that follow each other in their segment; how many, or 0 where they cannot be read.
result<size_t> compaction::copy_run(moving& chip, uint64_t& cost) {
  const auto& first = chip.from[chip.next];
  std::vector<uint32_t> sizes;
  uint64_t bytes = 0;
  for (auto i = chip.next; i < chip.from.size(); ++i) {
    const auto& block = chip.from[i];
    if (block.segment != first.segment || block.offset != first.offset + bytes ||
        block.bytes == 0 || (bytes > 0 && bytes + block.bytes > options_.step_bytes))
      break;
    sizes.push_back(block.bytes);
    bytes += block.bytes;
  }
  if (first.bytes >
      max_record_bytes(pixel_type::float64, defaults::max_block_edge, defaults::max_block_edge))
    return size_t{0};
  buffer_.resize(bytes);
  auto sound = parts_.reader->read(first.segment, first.offset, buffer_);
  if (sound) sound = verify_records(buffer_, sizes);
  if (!sound) return size_t{0};
  STIP_ASSIGN(const auto places, output_.append(buffer_, sizes));
  std::copy(places.begin(), places.end(), chip.to.begin() + static_cast<std::ptrdiff_t>(chip.next));
  cost += 2 * bytes;
  copied_bytes_ += bytes;
  report_.bytes_copied += bytes;
  return sizes.size();
}

result<void> compaction::ask_for_publication() {
  STIP_TRY(output_.sync());
  // A segment that was full was synced when the next one was begun, which may have failed too.
  for (const auto& chip : copied_)
    for (size_t i = 0; i < chip.to.size(); ++i)
      if (chip.to[i] != chip.from[i] && !output_.holds(chip.to[i]))
        return fail(ec::io_error, "compact " + parts_.directory, "a sync of the copies failed",
                    "check the disk");
  publish_due_ = true;
  return {};
}

result<void> compaction::look_for_scenes(uint64_t& cost) {
  bool more = true;
  STIP_TRY(parts_.env->read([&](const transaction& txn) -> result<void> {
    STIP_ASSIGN(auto at, cursor::open(txn, table::scenes));
    STIP_ASSIGN(more, at.seek(after_key_.empty() ? std::string_view{"\0", 1} : after_key_));
    if (more && at.key() == after_key_) {
      STIP_ASSIGN(more, at.next());
    }
    for (size_t seen = 0; more && seen < options_.step_chips; ++seen) {
      const auto id = parse_hash128(at.key());
      if (id && !scenes_in_use_.contains(*id)) unused_scenes_.emplace_back(at.key());
      after_key_ = at.key();
      cost += row_cost;
      STIP_ASSIGN(more, at.next());
    }
    return {};
  }));
  publish_due_ = unused_scenes_.size() >= options_.publish_chips;
  if (!more) {
    after_key_.clear();
    phase_ = options_.drop_tombstones_before_ms ? phase::tombstones : phase::end;
  }
  return {};
}

result<void> compaction::look_for_tombstones(uint64_t& cost) {
  bool more = true;
  STIP_TRY(parts_.env->read([&](const transaction& txn) -> result<void> {
    STIP_ASSIGN(auto at, cursor::open(txn, table::tombstones));
    STIP_ASSIGN(more, at.seek(after_key_.empty() ? std::string_view{"\0", 1} : after_key_));
    if (more && at.key() == after_key_) {
      STIP_ASSIGN(more, at.next());
    }
    for (size_t seen = 0; more && seen < options_.step_chips; ++seen) {
      STIP_ASSIGN(const auto when, decode_version(at.value()));
      if (when.wall_ms < *options_.drop_tombstones_before_ms)
        old_tombstones_.emplace_back(at.key(), at.value());
      after_key_ = at.key();
      cost += row_cost;
      STIP_ASSIGN(more, at.next());
    }
    return {};
  }));
  publish_due_ = old_tombstones_.size() >= options_.publish_chips;
  if (!more) {
    after_key_.clear();
    phase_ = phase::end;
  }
  return {};
}

result<compaction::effects> compaction::publish(write_transaction& txn,
                                                const std::set<hash128>& in_use) const {
  struct change {
    uint64_t end = 0;
    int64_t live_bytes = 0;
  };
  effects done;
  std::map<uint32_t, change> changes;
  for (const auto& chip : copied_) {
    STIP_ASSIGN(const auto now, txn.get(chip.table, chip.key));
    if (!now || *now != chip.value) {
      ++done.changed;
      continue;
    }
    STIP_ASSIGN(const auto value, with_places(chip.value, chip.to));
    STIP_TRY(txn.put(chip.table, chip.key, value));
    ++done.moved;
    for (size_t i = 0; i < chip.from.size(); ++i) {
      const auto &from = chip.from[i], &to = chip.to[i];
      if (from == to) continue;
      changes[from.segment].live_bytes -= from.bytes;
      auto& fresh = changes[to.segment];
      fresh.live_bytes += to.bytes;
      fresh.end = std::max(fresh.end, to.offset + to.bytes);
    }
  }
  for (const auto& [id, bytes] : parts_.victims)
    if (!retired_.contains(id)) changes[id];
  STIP_ASSIGN(const auto next_before, get_number(txn, meta_word::next_segment));
  auto next = next_before;
  for (const auto& [id, change] : changes) {
    const auto key = big_endian(id);
    STIP_ASSIGN(const auto value, txn.get(table::segments, key));
    segment_record segment;
    if (value) {
      STIP_ASSIGN(segment, decode_segment_record(*value));
    }
    const auto end = std::max(segment.end, change.end);
    const auto live = static_cast<int64_t>(segment.live_bytes) + change.live_bytes;
    if (live < 0)
      return fail(ec::corrupt, "compact segment " + segment_name(id),
                  "more of it is named than its record says", "look at the node's log");
    next = std::max<uint64_t>(next, uint64_t{id} + 1);
    if (live == 0 && parts_.victims.contains(id)) {
      if (value) STIP_TRY(txn.erase(table::segments, key));
      done.segment_bytes -= static_cast<int64_t>(segment.end);
      done.retired.push_back(id);
      continue;
    }
    if (change.live_bytes == 0) continue;
    done.segment_bytes += static_cast<int64_t>(end - segment.end);
    STIP_TRY(
        txn.put(table::segments, key, encode(segment_record{end, static_cast<uint64_t>(live)})));
    if (!parts_.victims.contains(id)) done.named.push_back(id);
  }
  if (next != next_before) STIP_TRY(put_number(txn, meta_word::next_segment, next));
  for (const auto& key : unused_scenes_) {
    const auto id = parse_hash128(key);
    if (!id || in_use.contains(*id)) continue;
    STIP_TRY(txn.erase(table::scenes, key));
    ++done.scenes;
  }
  for (const auto& [key, value] : old_tombstones_) {
    STIP_ASSIGN(const auto now, txn.get(table::tombstones, key));
    if (!now || *now != value) continue;
    STIP_TRY(txn.erase(table::tombstones, key));
    ++done.tombstones;
  }
  return done;
}

void compaction::published(const effects& done) {
  publish_due_ = false;
  report_.chips_moved += done.moved;
  report_.chips_changed += done.changed;
  report_.scenes_dropped += done.scenes;
  report_.tombstones_dropped += done.tombstones;
  retired_.insert(done.retired.begin(), done.retired.end());
  named_.insert(done.named.begin(), done.named.end());
  copied_.clear();
  copied_bytes_ = copied_blocks_ = 0;
  unused_scenes_.clear();
  old_tombstones_.clear();
}

result<void> compaction::remove_file(uint32_t id) {
  parts_.reader->forget(id);
  auto removed = parts_.files->remove(parts_.directory + "/" + segment_name(id));
  if (!removed && removed.error().code != ec::not_found) return removed;
  return {};
}

result<void> compaction::remove_retired() {
  // A reader that looked its blocks up before the swap looks them up again.
  for (const auto id : retired_) {
    STIP_TRY(remove_file(id));
    ++report_.segments_removed;
    report_.bytes_freed += static_cast<int64_t>(parts_.victims.at(id));
  }
  report_.bytes_freed -= static_cast<int64_t>(report_.bytes_copied);
  return {};
}

}  // namespace stip

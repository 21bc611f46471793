#include "tests/support/simulation/node_writer.hpp"

#include <utility>

#include "libstip/core/packed.hpp"

namespace stip::sim {

namespace {

constexpr size_t max_text = size_t{1} << 30;
constexpr size_t max_count = 1'000'000;
/// How long the bug tombstone_dropped_early keeps them.
constexpr int64_t short_grace_ms = 60'000;

}  // namespace

void node_writer::put(chip_parts content, done then) {
  if (broken_ == bug::ack_before_sync) std::exchange(then, [](auto) {})(uint64_t{0});
  waiting_.push_back({std::move(content), {}, std::move(then)});
  begin();
}

void node_writer::forget(std::vector<replica_fact> facts, done then) {
  waiting_.push_back({{}, std::move(facts), std::move(then)});
  begin();
}

void node_writer::erase(std::vector<put_tombstone> tombstones, done then) {
  chip_parts content;
  content.tombstones = std::move(tombstones);
  put(std::move(content), std::move(then));
}

void node_writer::begin() {
  if (due_ms_ != INT64_MAX || waiting_.empty()) return;
  under_way_.assign(std::make_move_iterator(waiting_.begin()),
                    std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  const auto sync_ms = uint64_t(host_->files().sync_ms);
  due_ms_ = host_->now_ms() + 1 + int64_t(host_->random() % sync_ms);
}

void node_writer::tick() {
  if (host_->now_ms() < due_ms_) return;
  due_ms_ = INT64_MAX;
  const auto jobs = std::exchange(under_way_, {});
  for (const auto& j : jobs) j.then(carry_out(j));
  if (broken_ == bug::tombstone_dropped_early)
    store_->drop_tombstones(host_->wall_ms() - short_grace_ms);
  begin();
}

void node_writer::killed() {
  if (host_->random() % 2 == 0) return;
  for (const auto& j : under_way_) (void)carry_out(j);
}

result<uint64_t> node_writer::carry_out(const job& j) {
  if (!j.forgotten.empty()) {
    for (const auto& f : j.forgotten)
      if (trace) trace("forgets " + to_string(f.key));
    return store_->forget(j.forgotten);
  }
  if (!j.content.parts.empty() && host_->files().is_full)
    return fail(ec::no_space, "store chips", "the disk is full");
  for (const auto& s : j.content.scenes) store_->add_scene(s.id, s.json);
  for (const auto& p : j.content.parts)
    if (auto chip = decode_chip_description(p.description)) {
      took(chip->key, false);
      const auto outcome = store_->put(*chip, p.records);
      if (trace)
        trace("takes " + to_string(chip->key) + "/" + chip->subdataset + " as " +
              to_string(chip->written) + ": " + std::to_string(int(outcome)));
    }
  for (const auto& t : j.content.tombstones) {
    took(t.key, true);
    if (trace) trace("hides " + to_string(t.key) + " before " + to_string(t.when));
    if (broken_ == bug::no_tombstone)
      store_->remove(t.key);
    else
      store_->hide(t);
  }
  return uint64_t{0};
}

std::string encode(const chip_parts& content) {
  packed_writer out;
  out.varint(content.scenes.size());
  for (const auto& s : content.scenes) out.hash(s.id).text(s.json);
  out.varint(content.parts.size());
  // A chip of the simulator is one block.
  for (const auto& p : content.parts) out.hash(p.upload).text(p.records).text(p.description);
  out.text(stip::encode(content.tombstones));
  return out.take();
}

chip_parts decode_chip_parts(std::string_view bytes) {
  packed_reader in{"chips", bytes};
  chip_parts out;
  out.scenes.resize(in.count(max_count, 1));
  for (auto& s : out.scenes) {
    s.id = in.hash();
    s.json = in.text(max_text);
  }
  out.parts.resize(in.count(max_count, 1));
  for (auto& p : out.parts) {
    p.upload = in.hash();
    p.records = in.text(max_text);
    p.description = in.text(max_text);
  }
  if (auto tombstones = decode_tombstones(in.text(max_text)))
    out.tombstones = std::move(*tombstones);
  return out;
}

}  // namespace stip::sim

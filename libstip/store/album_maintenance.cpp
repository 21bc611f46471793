#include <algorithm>
#include <filesystem>
#include <limits>
#include <system_error>

#include "libstip/store/album_store_impl.hpp"
#include "libstip/store/records.hpp"
#include "libstip/store/recovery.hpp"
#include "libstip/store/scrub.hpp"

namespace stip {

result<void> album_store::impl::choose_victims(const compaction_options& options,
                                               const std::set<uint32_t>& in_use,
                                               compaction::parts& parts) const {
  struct candidate {
    uint32_t id = 0;
    uint64_t file_bytes = 0;
    uint64_t live_bytes = 0;
  };
  STIP_ASSIGN(const auto named,
              env_->read([](const transaction& txn) { return read_segments(txn); }));
  const auto own = writer_->segments();
  std::vector<candidate> chosen, small;
  const auto look_at = [&](uint32_t id, uint64_t live, uint64_t end) {
    if (in_use.contains(id) || unreadable_.contains(id)) return;
    std::error_code why;
    const uint64_t size = std::filesystem::file_size(directory_ + "/" + segment_name(id), why);
    // What is lost is not made better by moving what is left of it.
    if (live > 0 && (why || size < end)) return;
    const candidate c{id, why ? 0 : size, live};
    // Of the segment that is written only what lies behind counts: it has room ahead of it.
    const auto used = writer_->is_active(id) ? own.at(id) : size;
    const auto dead = used > live ? used - live : 0;
    if (live == 0 || (static_cast<double>(dead) > options.dead_share * static_cast<double>(used) &&
                      dead >= options.least_dead_bytes))
      chosen.push_back(c);
    else if (size < options.small_segment_bytes && !writer_->is_active(id))
      small.push_back(c);
  };
  for (const auto& [id, segment] : named) look_at(id, segment.live_bytes, segment.end);
  for (const auto& [id, end] : own)
    if (!named.contains(id)) look_at(id, 0, end);
  if (small.size() >= options.many_small_segments)
    chosen.insert(chosen.end(), small.begin(), small.end());
  // Those that cost least give their space back first.
  std::sort(chosen.begin(), chosen.end(), [](const candidate& a, const candidate& b) {
    return std::tie(a.live_bytes, a.id) < std::tie(b.live_bytes, b.id);
  });
  STIP_ASSIGN(const auto free_bytes, files_.free_bytes(directory_));
  const auto room = std::min(options.most_live_bytes, free_bytes);
  uint64_t live = 0;
  for (const auto& c : chosen) {
    live += c.live_bytes;
    if (c.live_bytes > 0 && live > room) break;
    parts.victims.emplace(c.id, c.file_bytes);
    if (!named.contains(c.id))
      parts.unnamed.insert(c.id);
    else if (c.live_bytes == 0)
      parts.some_are_dead = true;
  }
  return {};
}

result<bool> album_store::impl::begin_compaction(const compaction_options& options,
                                                 const std::set<uint32_t>& in_use) {
  STIP_TRY(check_writable("compact album store"));
  if (compaction_)
    return fail(ec::invalid_argument, "compact album store " + directory_, "it is under way");
  compaction::parts parts;
  STIP_TRY(choose_victims(options, in_use, parts));
  if (parts.victims.empty()) return false;
  // What cannot be copied to fewer segments than it lies in waits for the next compaction.
  const auto ids = static_cast<uint32_t>(parts.victims.size() + 1);
  STIP_ASSIGN(parts.first_id, writer_->reserve_ids(ids));
  parts.end_id = parts.first_id + ids;
  parts.env = env_.get();
  parts.reader = reader_.get();
  parts.files = &files_;
  parts.directory = directory_;
  parts.store = store_;
  parts.most_segment_bytes = options_.max_segment_bytes;
  // Nothing more is named in them from here on: what the copy does not find is not there.
  for (const auto& [id, bytes] : parts.victims) writer_->seal(id);
  scenes_written_.clear();
  compaction_ = std::make_unique<compaction>(std::move(parts), options);
  return true;
}

result<compaction_turn> album_store::impl::compact(uint64_t& cost) {
  if (!compaction_) return compaction_turn::done;
  if (compaction_->turn() == compaction_turn::step) {
    STIP_ASSIGN(const auto bytes, compaction_->step(lost()));
    cost += bytes;
  }
  return compaction_->turn();
}

result<compaction_turn> album_store::impl::publish_compaction() {
  if (!compaction_) return compaction_turn::done;
  if (compaction_->turn() != compaction_turn::publish) return compaction_->turn();
  compaction::effects done;
  auto written = env_->write([&](write_transaction& txn) -> result<void> {
    STIP_ASSIGN(done, compaction_->publish(txn, scenes_written_));
    return {};
  });
  if (!written) {
    // A commit that runs out of space has not begun to take effect; one that the disk fails may.
    if (written.error().code != ec::no_space) compaction_->in_doubt();
    return fail(std::move(written).error());
  }
  compaction_->published(done);
  std::unique_lock lock{mutex_};
  statistics_.segment_bytes += static_cast<uint64_t>(done.segment_bytes);
  return compaction_->turn();
}

compaction_report album_store::impl::end_compaction() {
  if (!compaction_) return {};
  const auto report = compaction_->report();
  unreadable_.insert(compaction_->unreadable().begin(), compaction_->unreadable().end());
  compaction_.reset();
  scenes_written_.clear();
  return report;
}

result<scrub_state> album_store::impl::scrub_position() const {
  if (!env_) return scrub_state{};
  return env_->read([](const transaction& txn) { return read_scrub_state(txn); });
}

result<void> album_store::impl::keep(const scrub_state& state) {
  STIP_TRY(check_writable("keep the position of a scrub in"));
  return env_->write([&](write_transaction& txn) {
    return txn.put(table::meta, meta_word::scrub, encode(state));
  });
}

result<scrub_step> album_store::impl::scrub(const scrub_state& from, uint64_t bytes) const {
  scrub_step done{from, {}, 0, !env_};
  if (!env_) return done;
  STIP_TRY(scrub_chips(*env_, *reader_, algorithm_, lost(), bytes, done));
  return done;
}

void album_store::impl::note_damage(std::span<const scrub_finding> damaged) {
  std::unique_lock lock{mutex_};
  for (const auto& finding : damaged)
    if (!flawed_.lost.contains(finding.row)) flawed_.damaged.insert(finding.row);
}

}  // namespace stip

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "libstip/store/album_store.hpp"
#include "libstip/store/commit.hpp"
#include "libstip/store/compaction.hpp"
#include "libstip/store/environment.hpp"
#include "libstip/store/segment.hpp"

// What is behind album_store: shared by album_store.cpp, album_facts.cpp and album_maintenance.cpp
// alone.

namespace stip {

class album_store::impl {
 public:
  impl(std::string directory, geocode_algorithm algorithm, const store_options& options,
       file_system& files)
      : directory_(std::move(directory)), algorithm_(algorithm), options_(options), files_(files) {}
  ~impl();

  result<void> open(metadata_observer* observer);
  result<std::vector<block_location>> append(std::span<const std::byte> records);
  result<commit_outcome> commit(const commit_request& request);
  result<index_columns> scan_columns() const;
  result<std::vector<image_row>> rows(std::span<const image_key> keys,
                                      const std::string& node) const;
  result<std::vector<chip_record>> chips(const image_key& key) const;
  result<std::vector<bool>> holds(std::span<const image_key> keys, const hash128& scene) const;
  result<std::string> scene(const hash128& id) const;
  result<void> read(std::span<const block_location> locations, std::vector<std::byte>& out) const;
  std::unique_ptr<block_stream> stream(std::vector<block_location> blocks,
                                       const block_stream::options& options) const;
  store_statistics statistics() const;
  const std::vector<std::string>& lost_names() const { return lost_names_; }

  // album_facts.cpp
  result<std::vector<uint64_t>> digests(const slice_of& slices) const;
  result<fact_page> facts(const slice_of& slices, const std::string& from, size_t limit) const;
  result<std::vector<bool>> lacks(std::span<const replica_fact> facts) const;
  result<std::vector<mark>> marks(std::span<const put_tombstone> images) const;
  result<tombstone_page> tombstones(const std::string& from, size_t limit,
                                    const std::function<bool(const put_tombstone&)>& wanted) const;
  result<chip_record> chip(const chip_description& chip) const;
  result<commit_outcome> forget(std::span<const replica_fact> facts);

  // album_maintenance.cpp
  result<bool> begin_compaction(const compaction_options& options,
                                const std::set<uint32_t>& in_use);
  result<compaction_turn> compact(uint64_t& cost);
  result<compaction_turn> publish_compaction();
  compaction_report end_compaction();
  result<scrub_state> scrub_position() const;
  result<void> keep(const scrub_state& state);
  result<scrub_step> scrub(const scrub_state& from, uint64_t bytes) const;
  void note_damage(std::span<const scrub_finding> damaged);

 private:
  result<void> check_chip(const put_chip& put) const;
  result<void> check_writable(const char* what) const;
  result<void> choose_victims(const compaction_options& options, const std::set<uint32_t>& in_use,
                              compaction::parts& parts) const;
  result<commit_outcome> run(const std::function<result<void>(commit_writer&)>& write);
  void take_in(const commit_effects& effects);

  lost_keys lost() const {
    std::shared_lock lock{mutex_};
    return flawed_.lost;
  }
  flawed_keys flawed() const {
    std::shared_lock lock{mutex_};
    return flawed_;
  }
  /// Chips that are nothing to be pushed to others.
  lost_keys unfit() const {
    auto [all, damaged] = flawed();
    all.merge(damaged);
    return all;
  }

  const std::string directory_;
  uint64_t store_ = 0;
  const geocode_algorithm algorithm_;
  const store_options options_;
  file_system& files_;
  /// Null: opened for reading where nothing was ever stored.
  std::unique_ptr<environment> env_;
  std::unique_ptr<segment_writer> writer_;
  std::unique_ptr<segment_reader> reader_;
  std::vector<std::string> lost_names_;
  /// Guards what commits change and readers look at.
  mutable std::shared_mutex mutex_;
  flawed_keys flawed_;
  store_statistics statistics_;
  std::unique_ptr<compaction> compaction_;
  /// Scenes of the chips that were written since the compaction began.
  std::set<hash128> scenes_written_;
  /// Segments that a compaction could not read; not tried again before the next opening.
  std::set<uint32_t> unreadable_;
};

}  // namespace stip

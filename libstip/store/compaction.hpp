#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libstip/store/commit.hpp"
#include "libstip/store/maintenance.hpp"
#include "libstip/store/segment.hpp"

namespace stip {

/// One run of compaction over a store: copies the live blocks of some sealed segments to new ones,
/// has the writer swap the places of the chips that did not change meanwhile, and removes the files
/// that nothing names any more. On its way through the tables it finds scene records that no chip
/// refers to, and tombstones that are old enough to go.
///
/// A crash at any moment loses nothing: until the swap the copies do not exist (nothing names
/// them), from the swap on the old segment does not; the next opening removes its file.
///
/// step() and publish() take turns as turn() says; neither runs beside the other.
class compaction {
 public:
  struct parts {
    const environment* env = nullptr;
    segment_reader* reader = nullptr;
    file_system* files = nullptr;
    std::string directory;
    uint64_t store = 0;
    /// Ids from here on, up to before the second, are this compaction's own.
    uint32_t first_id = 0;
    uint32_t end_id = 0;
    uint64_t most_segment_bytes = 0;
    /// Sealed segments, each with the bytes of its file.
    std::map<uint32_t, uint64_t> victims;
    /// Of these, segments that nothing ever named.
    std::set<uint32_t> unnamed;
    /// Some of the others hold nothing any more: their turn comes first.
    bool some_are_dead = false;
  };

  compaction(parts p, const compaction_options& options);
  /// Removes what was copied and not published, and what is not named any more.
  ~compaction();

  compaction_turn turn() const;

  /// Copies or looks on; returns the bytes that it read and wrote. Errors: no_space, io_error,
  /// corrupt (the metadata), limit_exceeded: the compaction cannot go on.
  result<uint64_t> step(const lost_keys& lost);

  /// What a publication changes in the store.
  struct effects {
    int64_t segment_bytes = 0;
    std::vector<uint32_t> retired;
    std::vector<uint32_t> named;
    uint64_t moved = 0, changed = 0, scenes = 0, tombstones = 0;
  };

  /// Writes the swap into a transaction, which may be tried more than once. `in_use`: scenes of
  /// chips that were written since the compaction began.
  result<effects> publish(write_transaction& txn, const std::set<hash128>& in_use) const;
  /// The transaction is durable.
  void published(const effects& done);
  /// Nobody knows whether it is: no file is removed any more. The next opening sees what is named.
  void in_doubt() { in_doubt_ = true; }

  const compaction_report& report() const { return report_; }
  /// Segments with live blocks that cannot be read.
  const std::set<uint32_t>& unreadable() const { return unreadable_; }

 private:
  enum class phase : uint8_t { begin, chips, pending, scenes, tombstones, end, files, done };

  /// A chip on its way.
  struct moving {
    database table = 0;
    std::string key, value;
    std::vector<block_location> from, to;
    size_t next = 0;
  };

  result<void> look_for_chips(database table, phase after, const lost_keys& lost, uint64_t& cost);
  result<void> look_for_scenes(uint64_t& cost);
  result<void> look_for_tombstones(uint64_t& cost);
  result<void> copy(uint64_t& cost);
  result<size_t> copy_run(moving& chip, uint64_t& cost);
  result<void> ask_for_publication();
  result<void> remove_retired();
  result<void> remove_file(uint32_t id);
  bool is_victim(const block_location& block) const {
    return block.bytes > 0 && parts_.victims.contains(block.segment);
  }

  const parts parts_;
  const compaction_options options_;
  segment_writer output_;
  phase phase_ = phase::begin;
  bool publish_due_ = false;
  bool in_doubt_ = false;
  /// The last key of the table that was looked at; empty: none yet.
  std::string after_key_;
  std::deque<moving> found_;
  std::vector<moving> copied_;
  uint64_t copied_bytes_ = 0;
  uint64_t copied_blocks_ = 0;
  std::vector<std::byte> buffer_;
  std::set<hash128> scenes_in_use_;
  std::vector<std::string> unused_scenes_;
  std::vector<std::pair<std::string, std::string>> old_tombstones_;
  std::set<uint32_t> retired_, named_, unreadable_;
  compaction_report report_;
};

}  // namespace stip

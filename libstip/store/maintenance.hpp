#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"

// What album_store tells of compaction and scrub, and is told.

namespace stip {

/// Which segments a compaction takes, and how much it does at a time.
struct compaction_options {
  /// A segment is taken when more than this share of its file, and at least so many bytes, are not
  /// named; one without any named byte always is.
  double dead_share = defaults::compaction_dead_share;
  uint64_t least_dead_bytes = defaults::compaction_least_dead_bytes;
  /// So many files below this size are put together whatever they hold.
  size_t many_small_segments = defaults::compaction_small_segments;
  uint64_t small_segment_bytes = defaults::min_segment_bytes;
  /// Live bytes of one compaction at most: until it ends, they are on the disk twice.
  uint64_t most_live_bytes = defaults::compaction_live_bytes;
  /// One step looks at so many chips or copies about so many bytes at most.
  size_t step_chips = defaults::maintenance_step_chips;
  uint64_t step_bytes = defaults::maintenance_step_bytes;
  /// One transaction swaps the places of so many chips, or so many bytes, at most.
  size_t publish_chips = defaults::compaction_publish_chips;
  uint64_t publish_bytes = defaults::compaction_publish_bytes;
  /// Tombstones from before this moment (wall clock) are dropped: only where this node alone holds
  /// the album's images.
  std::optional<int64_t> drop_tombstones_before_ms;
};

/// Whose turn it is in a compaction.
enum class compaction_turn : uint8_t {
  /// A step, on any thread, beside the writer.
  step,
  /// The writer: one short transaction.
  publish,
  done,
};

/// What a compaction has done so far.
struct compaction_report {
  uint64_t chips_moved = 0;
  uint64_t bytes_copied = 0;
  /// Chips that changed while their blocks were copied: they stay as they are.
  uint64_t chips_changed = 0;
  /// Chips whose blocks could not be read: they stay where they are, and so do their segments.
  uint64_t chips_unreadable = 0;
  uint64_t segments_removed = 0;
  /// Bytes of files that were removed, less those of files that were written.
  int64_t bytes_freed = 0;
  uint64_t scenes_dropped = 0;
  uint64_t tombstones_dropped = 0;
};

/// A chip that a scrub found damaged.
struct scrub_finding {
  /// KEY/SUBDATASET.
  std::string chip;
  /// Its key in the store's tables.
  std::string row;
  uint32_t segment = 0;
  uint64_t offset = 0;
  std::string why;
};

/// Where a scrub stands, and what it has found; it is kept with the store.
struct scrub_state {
  /// Pending chips come after those of images. Empty: at the beginning.
  bool in_pending = false;
  std::string after_key;
  /// Of the chip after that: blocks that were read already.
  uint64_t blocks_read = 0;
  /// Chips looked at in this pass, and damaged ones in this pass and in the last whole one.
  uint64_t chips = 0;
  uint64_t damaged = 0;
  uint64_t damaged_before = 0;
  /// When this pass began and the last one ended (wall clock); 0: never.
  int64_t began_ms = 0;
  int64_t ended_ms = 0;

  bool operator==(const scrub_state&) const = default;
};

/// What one step of a scrub did.
struct scrub_step {
  scrub_state state;
  std::vector<scrub_finding> damaged;
  uint64_t bytes = 0;
  /// The pass is through.
  bool finished = false;
};

}  // namespace stip

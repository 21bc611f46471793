#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "libstip/core/clock.hpp"
#include "libstip/store/album_store.hpp"

namespace stip {

/// A part of a chip on its way to the node that stores it: some of its blocks, and, in the last
/// part, what it is.
struct chip_part {
  /// Tells the parts of one chip from those of others; never used again.
  hash128 upload;
  /// Number of each block in `records`; a block that is never sent has no valid pixel.
  std::vector<uint32_t> blocks;
  /// Block records (block.hpp) back to back, in the order of `blocks`.
  std::string records;
  /// encode(chip_description) in the last part, else empty.
  std::string description;
};

/// A scene record that finished chips refer to.
struct scene_part {
  hash128 id;
  std::string json;
};

/// What one message brings.
struct chip_parts {
  std::vector<scene_part> scenes;
  std::vector<chip_part> parts;
  /// What is older than these is hidden, in the same commit as the chips that the parts finish.
  std::vector<put_tombstone> tombstones;
};

/// Puts parts together: appends blocks as they come, and commits a chip when its last part is here.
/// One thread at a time.
class chip_writer {
 public:
  chip_writer(album_store& store, const clock& time) : store_(&store), time_(&time) {}

  struct outcome {
    /// For each chip that was finished, in the order of the parts.
    std::vector<put_outcome> chips;
  };

  struct written {
    /// One for each of the given messages; an error is that message's alone (malformed, corrupt,
    /// no_space, what the store refuses) or, if the disk failed, of all messages that finished a
    /// chip or brought a tombstone.
    std::vector<result<outcome>> outcomes;
    std::vector<index_change> changes;
  };

  /// Appends all blocks of the messages, then makes every finished chip and every tombstone durable
  /// in one commit.
  written write(std::span<const chip_parts* const> messages);

  /// Uploads that are begun and not finished.
  size_t open_uploads() const { return uploads_.size(); }

  /// Segments with blocks of these uploads: a compaction must leave them alone. Gives up those that
  /// were abandoned.
  std::set<uint32_t> segments_in_use();

 private:
  struct upload {
    std::map<uint32_t, std::pair<block_location, uint64_t>> blocks;  // place and content hash
    int64_t last_used_ms = 0;
  };

  result<void> append(const chip_part& part, std::vector<put_chip>& finished);
  result<put_chip> finish(const chip_part& part);
  void forget_abandoned();

  album_store* store_;
  const clock* time_;
  std::map<hash128, upload> uploads_;
};

}  // namespace stip

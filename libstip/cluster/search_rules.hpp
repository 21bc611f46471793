#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "libstip/cluster/replication.hpp"
#include "libstip/core/clock.hpp"

// When the rows that nodes show of an album make a right answer. Whatever was confirmed, be it a
// chip or a deletion, lies on W nodes at any time. An answer is right when
//
// * fewer than W nodes are missing (knows_all in replication.hpp): one that has it is heard;
// * a row that one node shows is hidden by no other: deletions are no rows, so those that may hide
//   a row are asked about it (must_be_asked), unless all copies are where they belong;
// * nothing has moved past the question: a node that handed an image, or a deletion, over while the
//   others were asked may have been asked too late, and its new owner too early (has_moved). Each
//   says so with its rows and again when it is asked about those of others.

namespace stip {

/// What a node says of itself with its rows.
struct node_word {
  uint64_t node = 0;
  /// All deletions that it has are on all their replicas, and it has nothing that belongs to
  /// others.
  bool is_settled = false;
  /// So long ago it dropped images, or deletions, that belong to others; INT64_MAX: never.
  int64_t dropped_ms_ago = INT64_MAX;
};

/// What a node keeps for node_word::is_settled. A round of repair in which nothing was left over
/// has settled all that was there when it began, until the ring changes.
class settling {
 public:
  /// A deletion has come, or an image that belongs to others; or there may be some on the disk.
  void took() { ++taken_; }
  /// What a round that begins now will have seen.
  uint64_t round_began() const { return taken_; }
  void whole_round_ended(uint64_t seen, uint64_t ring_version) {
    settled_ = seen;
    ring_version_ = ring_version;
  }
  bool is_settled(uint64_t ring_version) const {
    return taken_ == settled_ && ring_version == ring_version_;
  }

 private:
  uint64_t taken_ = 1;
  uint64_t settled_ = 0;
  uint64_t ring_version_ = 0;
};

/// Whether any row has to be looked at twice.
bool all_settled(const std::vector<node_word>& words);

/// Whether a node that answered and does not show a row of that cell has to be asked whether it
/// hides it: it should have it, or has deletions that others may lack.
bool must_be_asked(const ring& ring, const album& a, std::string_view geocode,
                   const node_word& word);

/// What a node that was asked says of a row.
enum class row_word : uint8_t {
  /// Nothing that speaks against it.
  unknown = 0,
  /// It was deleted after it was written.
  hidden,
  /// There is a newer image here, which came after this node had answered: a deletion that it may
  /// have had went with it. The search begins anew.
  replaced,
};

/// Of a row of that version, by a node whose newest tombstone and image have these.
row_word word_of_row(const version& row, const std::optional<version>& hidden,
                     const std::optional<version>& written);

/// Whether images may have moved from one node to another while nodes were asked for so long.
bool has_moved(const std::vector<node_word>& words, int64_t asked_ms);

}  // namespace stip

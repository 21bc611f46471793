#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "libstip/store/chip_writer.hpp"
#include "tests/support/simulation/copies_setup.hpp"
#include "tests/support/simulation/part.hpp"
#include "tests/support/simulation/stored_album.hpp"

namespace stip::sim {

/// The single writer of a node's album: what storage is to the actors. Commits are grouped and take
/// the time of a sync; what they bring is there when they are through, and not before.
class node_writer {
 public:
  using done = std::function<void(result<uint64_t>)>;

  node_writer(host& on, stored_album& store, bug broken)
      : host_(&on), store_(&store), broken_(broken) {}

  /// Is told of each fact that has come.
  std::function<void(const std::string&)> trace;
  /// Is told before a chip or a deletion comes.
  std::function<void(const image_key& key, bool is_deletion)> took;

  void put(chip_parts content, done then);
  /// Drops images that others have now; their number to `then`.
  void forget(std::vector<replica_fact> facts, done then);
  /// Hides what is older than `when` of all these.
  void erase(std::vector<put_tombstone> tombstones, done then);

  void tick();
  int64_t due_ms() const { return due_ms_; }
  /// The process ends in the middle: the commit under way is on the disk, or it is not.
  void killed();

 private:
  struct job {
    chip_parts content;
    std::vector<replica_fact> forgotten;
    done then;
  };

  void begin();
  result<uint64_t> carry_out(const job& j);

  host* host_;
  stored_album* store_;
  bug broken_;
  std::deque<job> waiting_;
  std::vector<job> under_way_;
  int64_t due_ms_ = INT64_MAX;
};

/// The packed form of what a parcel brings, for messages of the simulator.
std::string encode(const chip_parts& content);
chip_parts decode_chip_parts(std::string_view bytes);

}  // namespace stip::sim

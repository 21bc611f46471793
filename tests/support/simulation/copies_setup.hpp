#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/album.hpp"
#include "libstip/ring/ring.hpp"
#include "tests/support/simulation/coroutine.hpp"

namespace stip::sim {

/// Mistakes that can be made in the adapters on purpose, one at a time: the simulator has to find
/// each.
enum class bug : uint8_t {
  none,
  /// A chip is acknowledged before it is durable.
  ack_before_sync,
  /// A deletion leaves no tombstone.
  no_tombstone,
  /// A node that stands in drops what it keeps before all replicas have it.
  dropped_hint,
  /// A node that was started again answers queries at once.
  no_catching_up,
  /// What a node owns no more is dropped before the new owners have it.
  dropped_before_confirmed,
  /// One copy less than W confirms a write.
  confirmed_by_too_few,
  /// An answer is called complete with one node less than it needs.
  complete_with_too_few,
  /// Rows are merged in the order in which they come.
  merged_by_arrival,
  /// Repair looks at every other slice of the ring alone.
  skipped_slices,
  /// Tombstones are dropped after a minute.
  tombstone_dropped_early,
  /// A deletion leaves tombstones only where the image is shown.
  tombstone_where_shown,
  /// Whether an answer is complete is judged by the replicas of each range alone.
  complete_by_ranges,
  /// A node has caught up when those that live have brought it what they have.
  caught_up_too_soon,
  /// A node that was replaced with an empty one is taken for one that was away.
  lost_disk_unnoticed,
  /// Who may hide a row is not asked about it.
  deletions_unasked,
  /// Nobody looks whether images have moved while nodes were asked.
  moves_unnoticed,
  /// A round that was cut short, or has not reached everybody, counts as one that has brought
  /// everything.
  failed_round_counts,
  /// A deletion leaves alone what an earlier one has left on too few nodes.
  halves_left,
  /// Copies on a node that was replaced before the write was confirmed count.
  copies_of_the_gone,
};

struct bug_name {
  bug what;
  std::string_view name;
};
/// All but none.
const std::vector<bug_name>& bugs();
std::optional<bug> find_bug(std::string_view name);

/// What the nodes of one run share.
struct copies_setup {
  album of;
  bug broken = bug::none;
  coroutine_stacks stacks{coroutine_stack_bytes};
  /// Rings by their versions: nodes that know the same members have the same.
  std::map<uint64_t, std::shared_ptr<const ring>> rings;
  /// Is told what happens; empty: nobody wants to know.
  std::function<void(const std::string&)> trace;
};

}  // namespace stip::sim

#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "libstip/cluster/replication.hpp"
#include "libstip/store/replica_facts.hpp"

namespace stip {

/// An image that a search has found, and the nodes that show it.
struct shown_image {
  image_key key;
  std::vector<uint64_t> nodes;
};

/// Which tombstones each node is sent.
struct deletion_plan {
  /// As with chips, W of the nodes that hold the copies of an image have to confirm (spare_nodes
  /// may fail), whether they show it or not: who lacks its copy now may get it later.
  std::map<uint64_t, std::vector<put_tombstone>> to_holders;
  /// Nodes that show it besides; should they fail, those that hold the tombstone tell them later.
  std::map<uint64_t, std::vector<put_tombstone>> to_others;
};

/// How these images are deleted. Errors: those of write_targets.
result<deletion_plan> plan_deletion(const ring& ring, const album& a,
                                    const std::vector<shown_image>& images, const version& when,
                                    const is_reachable& reachable);

}  // namespace stip

#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "libstip/cluster/replication.hpp"
#include "libstip/store/replica_facts.hpp"

// A deletion is confirmed when its tombstones are on W nodes. So are, then, all older ones of
// images that it concerns: no search shows these any more where a node hides them, so that whoever
// deletes them again would be told that they are gone while another node can still bring them back.

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

/// How tombstones that `node` has come to W nodes, of which it may be one itself: those of a
/// deletion that was not confirmed may be nowhere else. Errors: those of write_targets.
result<deletion_plan> plan_completion(const ring& ring, const album& a, uint64_t node,
                                      const std::vector<put_tombstone>& tombstones,
                                      const is_reachable& reachable);

}  // namespace stip

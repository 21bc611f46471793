#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libstip/cluster/chip_packer.hpp"
#include "libstip/cluster/replication.hpp"
#include "libstip/store/replica_store.hpp"

// How the copies of an album become equal, and come to where they belong. Every node looks at what
// it holds and sees to it that all replicas of an image have it:
//
// * What it holds as a replica it compares with each other replica, by digests of slices of the
//   ring, and pushes the facts that the other lacks. The other does the same, so both have all.
// * What it holds without being a replica (a hint for a node that was away, or images whose owners
//   have changed) it pushes to all replicas, and forgets when all of them have confirmed it.
//
// So hints, repair, and the moves after a node has joined or left are one thing. Pushing a fact
// twice, or late, changes nothing (image_state.hpp).

namespace stip {

/// The slices of images of which both nodes are replicas.
slice_of common_slices(const ring& ring, const album& a, uint64_t one, uint64_t other);

/// What a round has found to push and has pushed since it was told last.
struct repair_progress {
  uint64_t found = 0;
  uint64_t pushed = 0;
  uint64_t bytes = 0;
};

/// What a repair needs of node and cluster; all of it may block and is called from one thread.
struct repair_services {
  is_reachable reachable;
  /// The slices in which what that node has of common_slices differs from these digests.
  std::function<result<std::vector<uint32_t>>(uint64_t node, const std::vector<uint64_t>& digests)>
      differing;
  /// Which of these facts that node lacks and wants from this one now: what it lacks and somebody
  /// else is bringing is not among them (push_claims.hpp).
  std::function<result<std::vector<bool>>(uint64_t node, const std::vector<replica_fact>& facts)>
      wants;
  /// Which of these facts that node lacks.
  std::function<result<std::vector<bool>>(uint64_t node, const std::vector<replica_fact>& facts)>
      lacks;
  ship_parts ship;
  /// Waits until everything that was shipped is answered; the first failure.
  std::function<result<void>()> settle;
  /// Drops these images here, each unless it has changed meanwhile; how many are gone.
  std::function<result<uint64_t>(const std::vector<replica_fact>& facts)> forget;
  /// A number that this node never gave before: makes uploads unique.
  std::function<uint64_t()> unique;
  /// The node stops, or knows another ring now.
  std::function<bool()> stopped;
  /// Empty: nobody wants to know.
  std::function<void(const repair_progress&)> tell;
};

struct repair_outcome {
  /// Chips and tombstones that were pushed, and bytes of chips.
  uint64_t facts = 0;
  uint64_t bytes = 0;
  /// Images that were handed over and dropped here.
  uint64_t forgotten = 0;
  /// Facts that were found here and belong to others; of these, those that they cannot take over
  /// yet.
  uint64_t strays = 0;
  uint64_t kept = 0;
  /// Nodes that may still lack something, since they could not be asked or failed on the way.
  std::vector<uint64_t> failed_nodes;
  /// Nodes that lack something still, which others have promised to bring.
  std::vector<uint64_t> promised_nodes;
  /// Why something could not be done.
  std::vector<std::string> problems;
  /// It ended before it had looked at everything: anybody may lack anything.
  bool stopped = false;

  /// Whether that node has now what this one has for it; and whether every node has, so that
  /// nothing of what lies here has too few copies.
  bool has_brought(uint64_t node) const;
  bool is_whole() const {
    return !stopped && failed_nodes.empty() && promised_nodes.empty() && kept == 0;
  }
  /// Whether another round should not wait long.
  bool is_unfinished() const { return !problems.empty() || !promised_nodes.empty(); }

  repair_outcome& operator+=(const repair_outcome& other);
  bool operator==(const repair_outcome&) const = default;
};

/// The slices in which a store differs from the digests that the node `asker` has of common_slices.
/// Errors: malformed (not so many digests as slices), those of the store.
result<std::vector<uint32_t>> differing_slices(const replica_store& store, const album& a,
                                               const ring& ring, uint64_t self, uint64_t asker,
                                               const std::vector<uint64_t>& digests);

/// One round of one node, over one album. What cannot be done is told in `problems`; the next round
/// goes on with it. Errors: stopped, and those of the node's own store.
result<repair_outcome> repair(const replica_store& store, const album& a, const ring& ring,
                              uint64_t self, const repair_services& services);

}  // namespace stip

#pragma once

#include "tests/support/simulation/copies_setup.hpp"
#include "tests/support/simulation/scenario.hpp"

namespace stip::sim {

struct copies_options {
  uint64_t seed = 1;
  size_t nodes = 5;
  /// Time with faults, and how long the copies may take to converge once they end.
  int64_t unrest_ms = 600'000;
  int64_t peace_ms = 1'800'000;
  bug broken = bug::none;
  /// Prints what happens.
  bool trace = false;
};

struct copies_outcome : scenario_outcome {
  /// What clients had confirmed, and searches that were complete.
  size_t stores = 0;
  size_t deletions = 0;
  size_t searches = 0;
  size_t disks_destroyed = 0;
};

/// An album with copies, by seed 1, 2, 3 or 5 of them, placed by ring or by parent, on racks or
/// not, under a load of stores, deletions and searches on any node, and under the faults of
/// run_scenario and full disks, slow nodes, nodes that join, and disks that are destroyed with
/// their nodes. Then the faults end, some nodes stay dead, and disks are destroyed once more.
///
/// * What a search shows that calls itself complete is right (oracle.hpp): all that was confirmed,
///   in its newest version, and nothing that was deleted.
/// * So no image is lost while fewer disks are destroyed than confirmed it, nor when up to one less
///   than there are copies are destroyed once the copies have converged.
/// * The views converge, and every chip comes to exactly its replicas.
copies_outcome run_copies(const copies_options& options);

}  // namespace stip::sim

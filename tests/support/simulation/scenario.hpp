#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace stip::sim {

struct scenario_options {
  uint64_t seed = 1;
  size_t nodes = 5;
  /// Time with faults, and how long the views may take to converge once they end.
  int64_t unrest_ms = 600'000;
  int64_t peace_ms = 120'000;
};

struct scenario_outcome {
  /// Empty: every invariant held.
  std::string failure;
  int64_t simulated_ms = 0;
  size_t faults = 0;
  uint64_t packets = 0;
  /// Of all that happened: two runs of one seed have the same.
  uint64_t digest = 0;
};

/// A cluster under faults that follow from the seed: messages lost, late, doubled and overtaken,
/// nodes killed, stopped, frozen, drained, removed and started again, clocks that jump, links cut
/// in one direction or both, the cluster cut in two. Members that stay down are removed, after more
/// or less time. Then the faults end, some nodes stay dead, and
///
/// * all that run have the same view within `peace_ms`;
/// * in it all that run are up and no dead node is, and it stays so.
scenario_outcome run_scenario(const scenario_options& options);

}  // namespace stip::sim

#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <string>

#include "tests/support/simulation/world.hpp"

namespace stip::sim {

struct unrest_options {
  /// The longest time between two faults, and the farthest that a clock jumps.
  int64_t longest_pause_ms = 20'000;
  int64_t longest_clock_jump_ms = 3'600'000;
  /// Nodes drain, and go for good.
  bool drains = true;
  /// Disks fill up and become slow, and so do nodes.
  bool disks = false;
  /// Places from here on have a node only when one joins, and how it does.
  size_t first_to_join = SIZE_MAX;
  std::function<void(size_t i)> join;
  /// Is told of each fault.
  std::function<void(const std::string&)> trace;
};

/// The faults of one run; they follow from the seed.
class unrest {
 public:
  unrest(world& w, uint64_t seed, const unrest_options& options = {})
      : world_(w), random_(seed * 0x9e3779b97f4a7c15), options_(options) {}

  size_t faults() const { return faults_; }

  void next();
  int64_t pause_ms() { return 1 + int64_t(below(size_t(options_.longest_pause_ms))); }

  /// So many disks may be destroyed from now on.
  void may_destroy(size_t disks) { destroyable_ = disks; }
  /// Disks that were destroyed since.
  size_t destroyed() const { return destroyed_; }

  /// All faults end; who stays dead stays so, `most_dead` of them at most.
  std::set<size_t> end(size_t most_dead = SIZE_MAX);

 private:
  size_t below(size_t bound) { return size_t(random_() % bound); }
  void start(size_t i);
  void halve();
  void weather();
  void disk_fault(size_t i);

  world& world_;
  std::mt19937_64 random_;
  unrest_options options_;
  size_t faults_ = 0;
  size_t destroyable_ = 0;
  size_t destroyed_ = 0;
};

/// Why the views have not converged; empty: they have. `dead` are nodes that stay dead.
std::string disagreement(const world& w, const std::set<size_t>& dead);

}  // namespace stip::sim

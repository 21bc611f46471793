#pragma once

#include <compare>
#include <cstdint>
#include <mutex>
#include <string>

#include "libstip/core/error.hpp"

namespace stip {

/// The time as stip's decisions see it; tests and the simulator inject their own.
class clock {
 public:
  virtual ~clock() = default;
  /// Milliseconds since the Unix epoch; may jump.
  virtual int64_t wall_ms() const = 0;
  /// Milliseconds of a clock that never goes back; its zero has no meaning.
  virtual int64_t steady_ms() const = 0;
};

/// The machine's own clocks.
const clock& system_clock();

/// When a fact was written, totally ordered over the cluster: hybrid logical clock
/// (Kulkarni et al. 2014, "Logical Physical Clocks"), then the node that wrote.
struct version {
  int64_t wall_ms = 0;
  uint32_t logical = 0;
  uint64_t node = 0;

  auto operator<=>(const version&) const = default;
};

std::string to_string(const version& v);

/// Hands out versions that only grow, however the wall clock jumps. Thread-safe.
class version_clock {
 public:
  version_clock(uint64_t node, const clock& time) : node_(node), time_(&time) {}

  /// A version newer than all that this clock gave or saw.
  version next();

  /// Takes note of another node's version, so that ours follow it.
  /// Error: conflict when it lies more than defaults::max_clock_skew ahead of our wall clock.
  result<void> observe(const version& seen);

 private:
  uint64_t node_;
  const clock* time_;
  std::mutex mutex_;
  version last_;
};

}  // namespace stip

#pragma once

#include <cstdint>

#include "libstip/core/defaults.hpp"

namespace stip {

struct repair_intervals {
  int64_t delay_ms = defaults::repair_delay.count();
  int64_t interval_ms = defaults::repair_interval.count();
  int64_t retry_ms = defaults::repair_retry.count();
  int64_t stray_ms = defaults::stray_delay.count();
};

/// When a node looks after its copies: soon after the ring has changed or a node has come, every
/// now and then besides, and sooner (ever later) after a round in which something could not be
/// done. A plain state machine; times are those of a clock that never goes back.
class repair_schedule {
 public:
  explicit repair_schedule(const repair_intervals& intervals = {}) : intervals_(intervals) {}

  /// When the next round begins; INT64_MAX while one is under way that nothing has happened since.
  int64_t due_ms() const { return due_ms_; }

  /// The ring has changed, or a node can be asked that could not.
  void cluster_changed(int64_t now_ms);
  /// Images came that belong elsewhere.
  void strays_came(int64_t now_ms);
  void round_began() { due_ms_ = INT64_MAX; }
  void round_ended(int64_t now_ms, bool had_problems);

 private:
  repair_intervals intervals_;
  int64_t due_ms_ = 0;
  /// How long it rests after a round with problems; twice as long each time.
  int64_t rest_ms_ = 0;
};

}  // namespace stip

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/context.hpp"
#include "libstip/cluster/repair.hpp"

namespace stip {

struct repair_state;
using repair_pointer = repair_actor::stateful_pointer<repair_state>;

/// Sums what the thread of a round tells, until somebody takes it.
class progress_counter {
 public:
  void add(const repair_progress& more) {
    const std::lock_guard guard{mutex_};
    sum_.found += more.found;
    sum_.pushed += more.pushed;
    sum_.bytes += more.bytes;
  }
  repair_progress take() {
    const std::lock_guard guard{mutex_};
    return std::exchange(sum_, {});
  }

 private:
  std::mutex mutex_;
  repair_progress sum_;
};

/// A round of repair as a task of its node: of kind `move` when the ring has changed, else
/// `repair`. A round that finds nothing to push leaves no record.
struct round_report {
  std::string kind;
  /// The id of its task, once that has begun.
  std::string task;
  bool begins = false;
  std::shared_ptr<progress_counter> counter = std::make_shared<progress_counter>();
  /// What the task is to be told.
  task_record news;
  bool found_any = false;
  bool ended = false;
};
using round_report_ptr = std::shared_ptr<round_report>;

/// Tells what has happened since the last call, if the round has something to do.
void tell_round(repair_pointer self, const round_report_ptr& round);

/// The round is over; the problems are the task's errors.
void end_report(repair_pointer self, const round_report_ptr& round,
                const std::vector<std::string>& problems);

}  // namespace stip

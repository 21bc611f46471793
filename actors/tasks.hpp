#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <deque>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "actors/context.hpp"
#include "libstip/cluster/task_ledger.hpp"

namespace stip {

/// What a worker of this node has to say of a part: its inputs, what became of one, bytes that were
/// processed besides, or the end.
struct part_news {
  part_run run;
  std::variant<task_inputs, input_outcome, uint64_t, work_end> what;
};

/// What the directory has of an earlier run of the node.
struct kept_tasks {
  std::vector<task_part> parts;
  std::vector<task_verdict> verdicts;
};

struct tasks_state {
  static inline const char* name = "tasks";

  /// Somebody who waits until a task has safely begun.
  struct beginning {
    task_record task;
    caf::typed_response_promise<task_record> promise;
    /// The write that has it.
    uint64_t write = 0;
    /// When it is told anyway.
    int64_t until_ms = 0;
  };

  context_ptr context;
  loader_actor loader;
  repair_actor repair;
  cluster_view_ptr view;
  std::unique_ptr<task_ledger> ledger;
  std::deque<beginning> beginnings;
  /// Writes to the disk, one at a time: the next one's number, and the last that is done.
  uint64_t next_write = 1;
  uint64_t written = 0;
  bool saving = false;
  /// The node stops: what still comes is the noise of its end.
  bool closing = false;
  /// Those who wait until everything is written.
  std::vector<caf::typed_response_promise<bool>> flushes;
};

/// The tasks of this node, kept over restarts and copied to others, and the tasks of the cluster
/// for whoever asks: a task that runs on several nodes is shown once, as the sum of its parts.
tasks_actor::behavior_type tasks_behavior(tasks_actor::stateful_pointer<tasks_state> self,
                                          context_ptr context, kept_tasks kept);

}  // namespace stip

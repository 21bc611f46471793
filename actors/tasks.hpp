#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "libstip/cluster/task.hpp"

namespace stip {

struct tasks_state {
  static inline const char* name = "tasks";
  context_ptr context;
  loader_actor loader;
  repair_actor repair;
  cluster_view_ptr view;
  std::unique_ptr<task_book> book;
  /// Tasks that changed since they were last written to the disk.
  std::set<std::string> unsaved;
  bool saving = false;
  /// Those who wait until everything is written.
  std::vector<caf::typed_response_promise<bool>> flushes;
};

/// The tasks of this node, kept over restarts, and the tasks of the cluster for whoever asks: a
/// task that runs on several nodes is shown once, as the sum of its parts.
tasks_actor::behavior_type tasks_behavior(tasks_actor::stateful_pointer<tasks_state> self,
                                          context_ptr context, std::vector<task_record> kept);

/// One record of the parts of a task that several nodes work on.
task_record merge_parts(const task_record& a, const task_record& b);

}  // namespace stip

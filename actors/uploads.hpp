#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "actors/context.hpp"
#include "libstip/cluster/task_part.hpp"
#include "libstip/cluster/upload_spool.hpp"

namespace stip {

class load_run;

/// A task whose inputs a client sends.
struct upload_work {
  part_run run;
  uint64_t inputs = 0;
  /// What stores them.
  std::shared_ptr<load_run> load;
};

/// The folder of a node's directory that holds files of clients until they are stored.
std::string spool_of(const std::string& directory);

struct uploads_state {
  static inline const char* name = "uploads";
  context_ptr context;
  tasks_actor tasks;
  std::unique_ptr<upload_spool> spool;
  struct task {
    upload_work_ptr work;
    uint64_t batch = 0;
    /// Whole inputs that wait for a worker, and workers that are busy.
    std::deque<uint64_t> ready;
    size_t busy = 0;
    /// Why nothing more is taken in.
    std::string given_up;
  };
  /// What is taken in, by the id of the task.
  std::map<std::string, task> running;

  /// A node that ends does not leave its workers running.
  ~uploads_state();
};

/// Takes in the files of clients' machines (cluster/upload_spool.hpp), has each input stored when
/// it is whole, and removes it then. A client that is silent is given up: what it has sent whole is
/// stored, the task fails with the number of the others.
uploads_actor::behavior_type uploads_behavior(uploads_actor::stateful_pointer<uploads_state> self,
                                              context_ptr context, tasks_actor tasks);

}  // namespace stip

#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <memory>
#include <string>

#include "actors/context.hpp"

namespace stip {

class part_work;

/// The latest view of the cluster, for the threads of a load.
class shared_view {
 public:
  cluster_view_ptr get() const {
    const std::lock_guard guard{mutex_};
    return view_;
  }
  void set(cluster_view_ptr view) {
    const std::lock_guard guard{mutex_};
    view_ = std::move(view);
  }

 private:
  mutable std::mutex mutex_;
  cluster_view_ptr view_ = std::make_shared<cluster_view>();
};

struct loader_state {
  static inline const char* name = "loader";
  context_ptr context;
  albums_actor albums;
  transfer_actor transfer;
  tasks_actor tasks;
  uploads_actor uploads;
  std::shared_ptr<shared_view> view;
  struct run {
    /// Null until it has begun.
    std::shared_ptr<part_work> work;
    /// When a beginning that fails is not tried again.
    int64_t give_up_ms = 0;
  };
  /// What this node works on, by part_run.
  std::map<std::string, run> runs;

  /// A node that ends does not leave its workers running.
  ~loader_state();
};

/// Checks requests to store scenes and to derive images, and runs parts of such tasks, as the tasks
/// actor says: finds the inputs
/// of a glob and loads them with several workers on the loaders' pool; each input is done or
/// skipped with its reason, and the rest goes on.
loader_actor::behavior_type loader_behavior(loader_actor::stateful_pointer<loader_state> self,
                                            context_ptr context, albums_actor albums,
                                            transfer_actor transfer, tasks_actor tasks);

}  // namespace stip

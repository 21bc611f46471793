#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "actors/loader.hpp"
#include "libstip/cluster/load.hpp"
#include "libstip/format/format.hpp"

namespace caf {
class actor_system;
}

namespace stip {

/// One store task on this node: its inputs, and the work of its threads. The actor owns it, the
/// workers share it.
class load_run {
 public:
  struct plan {
    task_record task;
    album target;
    store_request request;
    scene_options options;
    size_t threads = 1;
  };

  load_run(caf::actor_system& system, context_ptr context, std::shared_ptr<shared_view> view,
           transfer_actor transfer, tasks_actor tasks, plan what);

  /// Finds the inputs and tells the task how many there are. Blocks. Error: that of the glob.
  result<void> find_inputs();

  /// Workers that should run at the same time.
  size_t workers() const { return workers_; }

  /// Takes inputs one after the other until there are none. Blocks for as long as they take.
  void work();

  void stop() { *stopped_ = true; }
  bool stopped() const { return *stopped_; }

 private:
  void load_input(const std::string& input);
  /// Loads a scene; once more where a node went away meanwhile and others can stand in for it.
  result<load_outcome> load_one(const scene& source);
  result<load_outcome> load_once(const scene& source, const cluster_view_ptr& view);
  result<std::vector<bool>> ask_holds(uint64_t node, const std::vector<image_key>& keys,
                                      const hash128& scene);
  void report(task_record news);

  caf::actor_system& system_;
  const context_ptr context_;
  const std::shared_ptr<shared_view> view_;
  const transfer_actor transfer_;
  const tasks_actor tasks_;
  const plan plan_;
  std::vector<std::string> inputs_;
  size_t workers_ = 0;
  size_t threads_per_scene_ = 1;
  std::atomic<size_t> next_input_{0};
  /// Shipments look at it as well, and may outlive the run.
  const std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace stip

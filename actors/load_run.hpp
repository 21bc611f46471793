#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/chip_delivery.hpp"
#include "actors/loader.hpp"
#include "actors/part_work.hpp"
#include "actors/reprocessed.hpp"
#include "actors/tasks.hpp"
#include "libstip/cluster/load.hpp"
#include "libstip/cluster/upload_spool.hpp"
#include "libstip/format/format.hpp"

namespace caf {
class actor_system;
}

namespace stip {

/// The work of this node on a part of a store task: its inputs, and what its threads do with them.
/// The actor owns it, the workers share it.
class load_run final : public part_work {
 public:
  struct plan {
    task_part part;
    album target;
    store_request request;
    scene_options options;
    size_t threads = 1;
  };

  load_run(caf::actor_system& system, context_ptr context, std::shared_ptr<shared_view> view,
           transfer_actor transfer, tasks_actor tasks, plan what);

  /// Finds the inputs, if the part does not list them, and tells the task of them. Blocks. Error:
  /// that of the glob.
  result<void> find_inputs() override;

  /// There will be so many inputs; of those that come one by one (load_uploaded) its owner says it.
  void expect_inputs(uint64_t inputs);

  /// Loads an input that a client has sent. Blocks. Any thread, workers() at a time.
  void load_uploaded(size_t index, const upload_spool::whole_input& input);

  /// Workers that should run at the same time.
  size_t workers() const override { return workers_; }

  /// Takes inputs one after the other until there are none. Blocks for as long as they take.
  void work() override;

  void stop() override { *stopped_ = true; }
  bool may_be_idle() const override { return false; }
  bool stopped() const { return *stopped_; }

 private:
  void load_input(size_t index);
  using opened_scenes = result<std::vector<std::unique_ptr<scene>>>;
  opened_scenes open_uploaded(const std::string& path);
  /// Loads what an input holds, or why it could not be opened; what is to be told of it, unless the
  /// run was stopped.
  std::optional<input_outcome> load_opened(size_t index, const std::string& input,
                                           const opened_scenes& scenes);
  /// The scenes of an input.
  result<std::vector<std::unique_ptr<scene>>> open(const std::string& input);
  result<load_outcome> load_scenes(const std::string& input,
                                   const std::vector<std::unique_ptr<scene>>& scenes);
  /// A scene, unless a newer product of its observation is stored (already_exists); older ones are
  /// taken away.
  result<load_outcome> load_product(const scene& source, size_t threads, budget& turns);
  /// Once this node is in the view.
  reprocessed products() const;
  /// Other products of the same observation; none, when that cannot be said.
  other_products look_for_others(const scene_description& scene) const;
  result<void> remove_replaced(const scene_description& scene,
                               const std::vector<std::string>& tiles) const;
  /// Has one of `turns` and its threads' cores as long as it cuts, not while it waits for
  /// confirmations.
  result<load_outcome> load_once(const scene& source, const cluster_view_ptr& view, size_t threads,
                                 budget& turns);
  /// By the size of the scene, and more where there are fewer scenes than threads: `beside` of its
  /// input are cut at the same time.
  size_t threads_for(const scene_description& scene, size_t beside) const;
  void report(decltype(part_news::what) news);

  caf::actor_system& system_;
  const context_ptr context_;
  const std::shared_ptr<shared_view> view_;
  const tasks_actor tasks_;
  const plan plan_;
  task_inputs inputs_;
  /// Those that are left, as indices.
  std::vector<size_t> left_;
  size_t workers_ = 0;
  plan_cache plans_;
  /// One for each thread that opens or cuts scenes at the same time, of all workers.
  budget cores_;
  std::atomic<size_t> next_input_{0};
  /// Shipments look at it as well, and may outlive the run.
  const std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
  const delivery_means means_;
};

/// Whether an input that could not be opened, or a glob without one, may do on another node.
bool is_elsewhere(const error& why);

}  // namespace stip

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/part_work.hpp"
#include "actors/reprocessed.hpp"
#include "libstip/analysis/cloud_transformation.hpp"
#include "libstip/cluster/load.hpp"
#include "libstip/cluster/upload_spool.hpp"
#include "libstip/format/format.hpp"

namespace stip {

/// The work of this node on a part of a store task: its inputs are scenes by their names.
class load_run final : public part_work {
 public:
  struct plan : part_plan {
    store_request request;
    scene_options options;
  };

  load_run(caf::actor_system& system, context_ptr context, std::shared_ptr<shared_view> view,
           transfer_actor transfer, tasks_actor tasks, plan what);

  /// Loads an input that a client has sent. Blocks. Any thread, workers() at a time.
  void load_uploaded(size_t index, const upload_spool::whole_input& input);

  bool may_be_idle() const override { return false; }

 private:
  /// Error: that of the glob.
  result<std::vector<std::string>> look_for_inputs() override;
  void take_input(size_t index) override;
  /// The scenes of an input, and the core that opened it: what comes next has it too, before other
  /// inputs take the reader process that knows this one.
  struct opened_input {
    std::vector<std::unique_ptr<scene>> scenes;
    budget_share core;
  };
  result<opened_input> open(const std::string& input);
  /// Wherever the file lies.
  result<opened_input> open_file(const std::string& path);
  /// Loads what an input holds, or why it could not be opened; what is to be told of it, unless the
  /// run was stopped.
  std::optional<input_outcome> load_opened(size_t index, const std::string& input,
                                           result<opened_input> opened);
  result<load_outcome> load_scenes(const std::string& input, opened_input opened);
  /// A scene, unless a newer product of its observation is stored (already_exists); older ones are
  /// taken away.
  result<load_outcome> load_product(const scene& source, size_t threads, budget& turns,
                                    budget_share* core);
  /// Once this node is in the view.
  reprocessed products() const;
  /// Other products of the same observation; none, when that cannot be said.
  other_products look_for_others(const scene_description& scene) const;
  result<void> remove_replaced(const scene_description& scene,
                               const std::vector<std::string>& tiles) const;
  /// Finds the clouds of the images that were made of a scene. What cannot be known of it is noted.
  result<void> find_clouds(const scene_description& scene);
  result<void> find_clouds(const image_key& key, const cloud_work& work,
                           const image_source& images);
  /// Has one of `turns` and its threads' cores as long as it cuts, not while it waits for
  /// confirmations. `core` (nullptr, or given back: none) is its only one.
  result<load_outcome> load_once(const scene& source, const cluster_view_ptr& view, size_t threads,
                                 budget& turns, budget_share* core);
  /// By the size of the scene, and more where there are fewer scenes than threads: `beside` of its
  /// input are cut at the same time.
  size_t threads_for(const scene_description& scene, size_t beside) const;

  const store_request request_;
  const scene_options options_;
  plan_cache plans_;
};

/// Whether an input that could not be opened, or a glob without one, may do on another node.
bool is_elsewhere(const error& why);

}  // namespace stip

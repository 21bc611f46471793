#pragma once

#include <atomic>
#include <caf/actor_system.hpp>
#include <memory>

#include "actors/context.hpp"
#include "actors/loader.hpp"
#include "actors/shipping.hpp"
#include "libstip/cluster/load.hpp"

namespace stip {

/// What the threads of a task's work have in common when they bring chips to their owners.
struct delivery_means {
  caf::actor_system& system;
  context_ptr context;
  std::shared_ptr<shared_view> view;
  transfer_actor transfer;
  album target;
  /// Shipments look at it as well, and may outlive the work.
  std::shared_ptr<std::atomic<bool>> stopped;
};

/// Brings the chips of one scene or image to their owners, as the cluster looks when it begins.
class chip_delivery {
 public:
  chip_delivery(const delivery_means& means, cluster_view_ptr view);

  /// Calls back into this; without plans. `waits` is called when only confirmations are waited for.
  load_services services(std::function<void()> waits);

  /// What the user should read of an outcome: a refused chip stops the work, so why it was refused.
  result<load_outcome> explain(result<load_outcome> outcome);

 private:
  result<std::vector<bool>> ask_holds(uint64_t node, const std::vector<image_key>& keys,
                                      const hash128& scene) const;

  const delivery_means& means_;
  const cluster_view_ptr view_;
  const std::shared_ptr<buffer_pool> buffers_;
  shipping out_;
};

/// Runs `load(view)`, which brings chips to their owners; once more where a node went away
/// meanwhile and others can stand in for it. Blocks.
template <class Load>
result<load_outcome> deliver(const delivery_means& means, const std::string& what, Load load) {
  for (int attempt = 1;; ++attempt) {
    const auto view = means.view->get();
    auto outcome = load(view);
    // What was confirmed is not made again. As long as this node sees the same cluster, another
    // attempt would fail as this one did.
    if (outcome || attempt == defaults::load_attempts || view == means.view->get() ||
        (outcome.error().code != ec::unavailable && outcome.error().code != ec::timeout))
      return outcome;
    means.context->log->warn("{} again: {}", what, to_string(outcome.error()));
  }
}

}  // namespace stip

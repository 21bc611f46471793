#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/part_work.hpp"
#include "libstip/cluster/transformation.hpp"

namespace stip {

/// The work of this node on a part of a task that makes something of stored images: its inputs are
/// those of the request's transformation. A node takes those of whose cells it is the first replica
/// that can be reached, so that pixels seldom travel; what it makes goes to its owners as what a
/// load makes does.
class transform_run final : public part_work {
 public:
  struct plan : part_plan {
    transform_request request;
  };

  transform_run(caf::actor_system& system, context_ptr context, std::shared_ptr<shared_view> view,
                transfer_actor transfer, tasks_actor tasks, plan what);

  bool may_be_idle() const override { return true; }

 private:
  /// Errors: those of a listing; unavailable where it is incomplete; limit_exceeded beyond
  /// defaults::max_inputs.
  result<std::vector<std::string>> look_for_inputs() override;
  void take_input(size_t index) override;
  /// What the request asks for; made when it is needed first. Blocks.
  result<const transformation*> what();
  result<bool> is_own(const cluster_view_ptr& view, const std::string& geocode) const;

  result<load_outcome> transform(const image_key& input);

  const transform_request request_;
  std::once_flag made_once_;
  result<std::unique_ptr<transformation>> what_;
};

}  // namespace stip

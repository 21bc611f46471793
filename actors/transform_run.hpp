#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/client.hpp"
#include "actors/part_work.hpp"
#include "libstip/cluster/recut_images.hpp"

namespace stip {

/// The work of this node on a part of a task that derives images from stored ones. Its inputs are
/// keys of images: of a split those that are split, of a merge those that are made. A node takes
/// those of whose cells it is the first replica that can be reached, so that pixels seldom travel;
/// what it makes goes to its owners as what a load makes does.
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
  /// The cluster as this node's own actors know it.
  result<client> here() const;
  /// Hands every image that `match` takes to `look`, page by page, until it says an error.
  result<void> list(const filter& match, const std::function<result<void>(image_row)>& look) const;
  /// The key of the input that an image belongs to; empty: it is none of the task's.
  std::string input_of(const image_key& key) const;
  result<bool> is_own(const cluster_view_ptr& view, const std::string& geocode) const;

  result<load_outcome> transform(const image_key& input);
  result<load_outcome> split(const image_key& input, const load_request& request,
                             const load_services& services) const;
  result<load_outcome> merge(const image_key& input, const load_request& request,
                             const load_services& services) const;
  /// The images of a cell that are to be merged: those of the newest one's scene.
  result<std::vector<stored_image>> parts_of(const client& node, const image_key& input) const;

  const transform_request request_;
};

}  // namespace stip

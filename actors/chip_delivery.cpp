#include "actors/chip_delivery.hpp"

#include <caf/all.hpp>

#include "actors/question.hpp"
#include "libstip/cluster/replication.hpp"

namespace stip {

chip_delivery::chip_delivery(const delivery_means& means, cluster_view_ptr view)
    : means_(means),
      view_(std::move(view)),
      buffers_(means.context->load_buffers->use()),
      out_{means.context,
           means.transfer,
           means.target,
           spare_nodes(view_->ring, means.target, reachable_in(view_)),
           [stopped = means.stopped] { return stopped->load(); },
           [shared = means.view](uint64_t node) { return shared->get()->find(node) != nullptr; }} {}

load_services chip_delivery::services(std::function<void()> waits) {
  const auto& context = means_.context;
  load_services out;
  out.targets = [this](std::string_view geocode) -> result<std::vector<uint64_t>> {
    STIP_TRY(check_ring(*view_));
    return write_targets(view_->ring, means_.target, geocode, reachable_in(view_));
  };
  out.holds = [this](uint64_t node, const std::vector<image_key>& keys, const hash128& scene) {
    return ask_holds(node, keys, scene);
  };
  out.ship = [this](uint64_t node, chip_parts parts, uint64_t bytes) {
    return out_.ship(node, std::move(parts), bytes);
  };
  out.settle = [this, waits = std::move(waits)] {
    waits();
    return out_.settle();
  };
  out.unique = [context] { return hash64(to_string(context->versions->next())); };
  out.stopped = [this] { return means_.stopped->load() || out_.failed(); };
  out.memory = context->load_memory.get();
  out.buffers = buffers_.get();
  return out;
}

result<load_outcome> chip_delivery::explain(result<load_outcome> outcome) {
  if (!outcome && outcome.error().code == ec::stopped)
    if (auto settled = out_.settle(); !settled) return fail(std::move(settled).error());
  return outcome;
}

result<std::vector<bool>> chip_delivery::ask_holds(uint64_t node,
                                                   const std::vector<image_key>& keys,
                                                   const hash128& scene) const {
  const auto view = means_.view->get();
  const auto* p = view->find(node);
  const auto what = "ask node " + node_name(node) + " what it has";
  if (p == nullptr || !p->reachable)
    return fail(ec::unavailable, what, why_away(p), "start it again, then store the input again");
  std::vector<std::string> texts;
  for (const auto& key : keys) texts.push_back(to_string(key));
  question<std::vector<bool>> asked{means_.system,
                                    p->handles.query,
                                    defaults::local_query_deadline,
                                    what,
                                    atom::here_v,
                                    atom::holds_v,
                                    means_.target.name,
                                    texts,
                                    to_string(scene)};
  return asked.wait([this] { return means_.stopped->load(); });
}

}  // namespace stip

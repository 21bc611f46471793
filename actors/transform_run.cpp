#include "actors/transform_run.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <set>

#include "actors/transform_kinds.hpp"
#include "libstip/cluster/replication.hpp"

namespace stip {

transform_run::transform_run(caf::actor_system& system, context_ptr context,
                             std::shared_ptr<shared_view> view, transfer_actor transfer,
                             tasks_actor tasks, plan what)
    : part_work(system, std::move(context), std::move(view), std::move(transfer), std::move(tasks),
                what),
      request_(std::move(what.request)) {}

result<const transformation*> transform_run::what() {
  std::call_once(made_once_, [this] {
    const auto kind = find_transform_kind(request_.kind);
    if (!kind)
      what_ = fail(kind.error());
    else
      what_ = (*kind)->make(request_, plan_.target, context_->settings);
  });
  if (!what_) return fail(what_.error());
  return what_->get();
}

result<bool> transform_run::is_own(const cluster_view_ptr& view, const std::string& geocode) const {
  STIP_TRY(check_ring(*view));
  const auto nodes = replicas(view->ring, plan_.target, geocode);
  const auto first = std::find_if(nodes.begin(), nodes.end(), reachable_in(view));
  // Of a cell whose replicas are all away, stand-ins may have images: the first node of all asks.
  const auto self = context_->self.id;
  if (first != nodes.end()) return *first == self;
  return std::none_of(view->peers.begin(), view->peers.end(),
                      [&](const peer& p) { return p.reachable && p.member.info.id < self; });
}

result<std::vector<std::string>> transform_run::look_for_inputs() {
  STIP_ASSIGN(const auto* kind, what());
  STIP_ASSIGN(const auto images, images_of_album());
  const auto view = view_->get();
  std::set<std::string> found;
  STIP_TRY(images.source().list(request_.match, [&](const image_row& row) -> result<void> {
    const auto input = kind->input_of(row);
    if (input.empty() || found.contains(input)) return {};
    STIP_ASSIGN(const auto key, parse_image_key(input));
    STIP_ASSIGN(const auto own, is_own(view, key.geocode));
    if (own) found.insert(input);
    if (found.size() <= defaults::max_inputs) return {};
    return fail(ec::limit_exceeded, request_.kind + " images",
                "there are more than " + std::to_string(defaults::max_inputs) + " on one node",
                "narrow the filter");
  }));
  return std::vector<std::string>(found.begin(), found.end());
}

void transform_run::take_input(size_t index) {
  const auto& name = input(index);
  input_outcome news;
  news.index = index;
  const auto key = parse_image_key(name);
  const auto outcome = key ? transform(*key) : fail(key.error());
  if (outcome) {
    report(outcome->decoded_bytes);
    for (const auto& what : outcome->notes) note(name, what);
  } else if (stopped() && outcome.error().code == ec::stopped) {
    return;
  } else {
    news.what = input_outcome::kind::skipped;
    news.input = name;
    news.reason = to_string(outcome.error());
    context_->log->warn("task={} input={} skipped: {}", plan_.part.task.id, name, news.reason);
  }
  report(std::move(news));
}

result<load_outcome> transform_run::transform(const image_key& input) {
  STIP_ASSIGN(const auto* kind, what());
  STIP_ASSIGN(const auto album, images_of_album());
  const auto images = album.source();
  return make_images(to_string(input), request_.precision,
                     [&](const load_request& request, const load_services& services) {
                       return kind->run(input, images, request, services);
                     });
}

}  // namespace stip

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

result<client> transform_run::here() const {
  const auto view = view_->get();
  const auto* own = view->find(context_->self.id);
  if (own == nullptr)
    return fail(ec::unavailable, request_.kind, "this node does not know itself yet",
                "try again in a moment");
  return client{system_, own->handles};
}

result<void> transform_run::list(const filter& match,
                                 const std::function<result<void>(image_row)>& look) const {
  STIP_ASSIGN(const auto node, here());
  find_request request;
  request.album = plan_.target.name;
  request.match = match;
  while (!stopped()) {
    STIP_ASSIGN(auto page, node.find(request));
    if (!page.problems.empty())
      return fail(ec::unavailable, "list images", page.problems.front(),
                  "start what is away, then give the command again");
    if (page.more) {
      request.has_after = true;
      request.after = page.rows.back().facts();
    }
    for (auto& row : page.rows) STIP_TRY(look(std::move(row)));
    if (!page.more) return {};
  }
  return fail(ec::stopped, "list images", "the task was asked to stop", "");
}

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
  const auto view = view_->get();
  std::set<std::string> found;
  STIP_TRY(list(request_.match, [&](const image_row& row) -> result<void> {
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
  STIP_ASSIGN(const auto node, here());
  const auto& album = plan_.target.name;
  image_source images;
  images.list = [this](const filter& match, const auto& look) { return list(match, look); };
  images.details = [&](const image_key& key) -> result<stored_image> {
    return node.details(album, key);
  };
  images.read = [&](const stored_image& image, size_t chip) {
    image_row row;
    row.key = image.key();
    // One page at a time: as many chips are read at once as there are threads.
    return node.chip(album, row, image, chip, 1);
  };
  const auto name = "task=" + plan_.part.task.id + " input=" + to_string(input);
  return deliver(means_, name, [&](const cluster_view_ptr& view) -> result<load_outcome> {
    STIP_ASSIGN(auto busy, budget_share::acquire(cores_, 1, [this] { return stopped(); }));
    load_request request;
    request.target = plan_.target;
    request.precision = request_.precision;
    request.written = plan_.part.task.began;
    chip_delivery delivery{means_, view};
    const auto services = delivery.services([&] { busy.release(); });
    return delivery.explain(kind->run(input, images, request, services));
  });
}

}  // namespace stip

#include "actors/transform_run.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <set>

#include "libstip/cluster/replication.hpp"

namespace stip {

namespace {

/// The pixels of one chip, from the first of its nodes that has them.
read_chip reader_of(const client& node, const std::string& album) {
  return [&node, album](const stored_image& image, size_t chip) {
    image_row row;
    row.key = image.key();
    // One page at a time: as many chips are read at once as there are threads.
    return node.chip(album, row, image, chip, 1);
  };
}

}  // namespace

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

std::string transform_run::input_of(const image_key& key) const {
  const auto& r = request_;
  const auto precision = static_cast<size_t>(r.precision);
  if (r.kind == "split") {
    const bool meets = key.geocode.starts_with(r.bound) || r.bound.starts_with(key.geocode);
    return key.geocode.size() < precision && meets ? to_string(key) : std::string{};
  }
  if (key.geocode.size() <= precision) return {};
  auto made = key;
  made.geocode.resize(precision);
  made.source = merged_source;
  return to_string(made);
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
  const auto view = view_->get();
  std::set<std::string> found;
  STIP_TRY(list(request_.match, [&](const image_row& row) -> result<void> {
    const auto input = input_of(row.key);
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
  const auto what = "task=" + plan_.part.task.id + " input=" + to_string(input);
  return deliver(means_, what, [&](const cluster_view_ptr& view) -> result<load_outcome> {
    STIP_ASSIGN(auto busy, budget_share::acquire(cores_, 1, [this] { return stopped(); }));
    load_request request;
    request.target = plan_.target;
    request.precision = request_.precision;
    request.written = plan_.part.task.began;
    chip_delivery delivery{means_, view};
    const auto services = delivery.services([&] { busy.release(); });
    return delivery.explain(request_.kind == "split" ? split(input, request, services)
                                                     : merge(input, request, services));
  });
}

result<load_outcome> transform_run::split(const image_key& input, const load_request& request,
                                          const load_services& services) const {
  STIP_ASSIGN(const auto node, here());
  STIP_ASSIGN(const auto image, node.details(plan_.target.name, input));
  return split_image(image, request_.bound, request, services, reader_of(node, plan_.target.name));
}

result<load_outcome> transform_run::merge(const image_key& input, const load_request& request,
                                          const load_services& services) const {
  STIP_ASSIGN(const auto node, here());
  STIP_ASSIGN(const auto images, parts_of(node, input));
  return merge_images(input.geocode, images, request, services, reader_of(node, plan_.target.name));
}

result<std::vector<stored_image>> transform_run::parts_of(const client& node,
                                                          const image_key& input) const {
  filter match;
  match.platform = input.platform;
  match.source = request_.match.source;
  match.geocode = input.geocode;
  match.recurse = true;
  match.tile = input.tile;
  match.start = match.end = input.timestamp;
  const auto wanted = to_string(input);
  std::vector<image_row> rows;
  STIP_TRY(list(match, [&](image_row row) -> result<void> {
    if (input_of(row.key) == wanted && !row.subdatasets.empty()) rows.push_back(std::move(row));
    return {};
  }));
  if (rows.empty()) return std::vector<stored_image>{};
  const auto scene_of = [](const image_row& row) { return row.subdatasets.front().scene; };
  const auto newest =
      scene_of(*std::max_element(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return a.written < b.written;
      }));
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::pair(a.key.geocode, a.key.source) < std::pair(b.key.geocode, b.key.source);
  });
  std::vector<stored_image> out;
  for (const auto& row : rows) {
    if (scene_of(row) != newest) continue;
    STIP_ASSIGN(auto image, node.details(plan_.target.name, row.key));
    out.push_back(std::move(image));
  }
  return out;
}

}  // namespace stip

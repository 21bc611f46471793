#include "actors/load_run.hpp"

#include <algorithm>
#include <caf/all.hpp>

#include "actors/errors.hpp"
#include "actors/shipping.hpp"
#include "libstip/cluster/replication.hpp"
#include "libstip/format/inputs.hpp"

namespace stip {

load_run::load_run(caf::actor_system& system, context_ptr context,
                   std::shared_ptr<shared_view> view, transfer_actor transfer, tasks_actor tasks,
                   plan what)
    : system_(system),
      context_(std::move(context)),
      view_(std::move(view)),
      transfer_(std::move(transfer)),
      tasks_(std::move(tasks)),
      plan_(std::move(what)) {}

result<void> load_run::find_inputs() {
  STIP_ASSIGN(inputs_, resolve_inputs(plan_.request.glob));
  workers_ = std::clamp<size_t>(inputs_.size(), 1, plan_.threads);
  threads_per_scene_ = std::max<size_t>(1, plan_.threads / workers_);
  task_record news;
  news.total = inputs_.size();
  report(std::move(news));
  return {};
}

void load_run::work() {
  while (!*stopped_) {
    const auto i = next_input_++;
    if (i >= inputs_.size()) return;
    load_input(inputs_[i]);
  }
}

void load_run::load_input(const std::string& input) {
  const auto began_ms = context_->time->steady_ms();
  auto load = [&]() -> result<load_outcome> {
    STIP_TRY(check_input(input, context_->settings.input_roots));
    STIP_ASSIGN(const auto scenes, open_scenes(plan_.request.format, input, plan_.options));
    load_outcome sum;
    for (const auto& source : scenes) {
      STIP_ASSIGN(const auto one, load_one(*source));
      sum.images_stored += one.images_stored;
      sum.images_known += one.images_known;
      sum.cells_without_data += one.cells_without_data;
      sum.pixels_without_cell += one.pixels_without_cell;
      sum.decoded_bytes += one.decoded_bytes;
    }
    if (sum.images_stored + sum.images_known == 0)
      return fail(ec::not_found, "store " + input, "it has no valid pixel in any cell");
    return sum;
  };
  const auto outcome = load();
  task_record news;
  if (outcome) {
    news.completed = 1;
    context_->log->info(
        "task={} input={} images={} known={} empty_cells={} pixels_without_cell={} bytes={} ms={}",
        plan_.task.id, input, outcome->images_stored, outcome->images_known,
        outcome->cells_without_data, outcome->pixels_without_cell, outcome->decoded_bytes,
        context_->time->steady_ms() - began_ms);
  } else if (*stopped_ && outcome.error().code == ec::stopped) {
    return;
  } else {
    news.skipped = 1;
    add_error(news, {input, context_->self.id, to_string(outcome.error())});
    context_->log->warn("task={} input={} skipped: {}", plan_.task.id, input,
                        to_string(outcome.error()));
  }
  report(std::move(news));
}

namespace {

is_reachable reachable_in(const cluster_view_ptr& view) {
  return [view](uint64_t node) {
    const auto* p = view->find(node);
    return p != nullptr && p->reachable;
  };
}

result<std::vector<uint64_t>> targets_of(const cluster_view_ptr& view, const album& target,
                                         std::string_view geocode) {
  STIP_TRY(check_ring(*view));
  return write_targets(view->ring, target, geocode, reachable_in(view));
}

}  // namespace

result<load_outcome> load_run::load_one(const scene& source) {
  for (int attempt = 1;; ++attempt) {
    const auto view = view_->get();
    auto outcome = load_once(source, view);
    // What was confirmed is not cut again. As long as this node sees the same cluster, another
    // attempt would fail as this one did.
    if (outcome || attempt == defaults::load_attempts || view == view_->get() ||
        (outcome.error().code != ec::unavailable && outcome.error().code != ec::timeout))
      return outcome;
    context_->log->warn("task={} input={} again: {}", plan_.task.id, source.description().input,
                        to_string(outcome.error()));
  }
}

result<load_outcome> load_run::load_once(const scene& source, const cluster_view_ptr& view) {
  load_request request;
  request.target = plan_.target;
  request.precision = plan_.request.precision;
  request.threads = threads_per_scene_;
  request.written = plan_.task.began;
  // An abandoned shipment may outlive the run.
  shipping out{context_, transfer_, plan_.target,
               spare_nodes(view->ring, plan_.target, reachable_in(view)),
               [stopped = stopped_] { return stopped->load(); }};
  load_services services;
  services.targets = [view, target = plan_.target](std::string_view geocode) {
    return targets_of(view, target, geocode);
  };
  services.holds = [this](uint64_t node, const std::vector<image_key>& keys, const hash128& scene) {
    return ask_holds(node, keys, scene);
  };
  services.ship = [&out](uint64_t node, chip_parts parts, uint64_t bytes) {
    return out.ship(node, std::move(parts), bytes);
  };
  services.settle = [&out] { return out.settle(); };
  services.unique = [this] {
    const auto v = context_->versions->next();
    return hash64(to_string(v));
  };
  services.stopped = [this, &out] { return stopped_->load() || out.failed(); };
  services.memory = context_->load_memory.get();
  auto outcome = load_scene(source, request, services);
  // A refused chip stops the cut; what the user should read is why it was refused.
  if (!outcome && outcome.error().code == ec::stopped)
    if (auto settled = out.settle(); !settled) return fail(std::move(settled).error());
  if (outcome) {
    task_record news;
    news.bytes = outcome->decoded_bytes;
    report(std::move(news));
  }
  return outcome;
}

result<std::vector<bool>> load_run::ask_holds(uint64_t node, const std::vector<image_key>& keys,
                                              const hash128& scene) {
  const auto view = view_->get();
  const auto* p = view->find(node);
  const auto what = "ask node " + node_name(node) + " what it has";
  if (p == nullptr || !p->reachable)
    return fail(ec::unavailable, what, why_away(p), "start it again, then store the input again");
  std::vector<std::string> texts;
  for (const auto& key : keys) texts.push_back(to_string(key));
  result<std::vector<bool>> out = fail(ec::timeout, what, "no answer");
  caf::scoped_actor self{system_};
  self->request(p->handles.query, defaults::local_query_deadline, atom::here_v, atom::holds_v,
                plan_.target.name, texts, to_string(scene))
      .receive([&](std::vector<bool>& held) { out = std::move(held); },
               [&](caf::error& err) { out = fail(from_caf(err, what)); });
  return out;
}

void load_run::report(task_record news) {
  news.id = plan_.task.id;
  caf::anon_send(tasks_, atom::update_v, std::move(news));
}

}  // namespace stip

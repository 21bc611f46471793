#include "actors/load_run.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <deque>
#include <mutex>

#include "libstip/catalog/scene_series.hpp"
#include "libstip/core/parallel.hpp"
#include "libstip/format/inputs.hpp"
#include "libstip/format/reader_pool.hpp"
#include "libstip/format/renamed_scene.hpp"

namespace stip {

namespace {

/// Pixels of a scene that are worth a thread of their own: large scenes are cut by all threads, one
/// after the other, small ones beside each other.
constexpr uint64_t bytes_per_thread = uint64_t{32} << 20;

}  // namespace

load_run::load_run(caf::actor_system& system, context_ptr context,
                   std::shared_ptr<shared_view> view, transfer_actor transfer, tasks_actor tasks,
                   plan what)
    : part_work(system, std::move(context), std::move(view), std::move(transfer), std::move(tasks),
                what),
      request_(std::move(what.request)),
      options_(std::move(what.options)) {}

result<std::vector<std::string>> load_run::look_for_inputs() {
  return resolve_inputs(request_.glob);
}

result<load_run::opened_input> load_run::open(const std::string& input) {
  STIP_TRY(check_input(input, context_->settings.input_roots));
  return open_file(input);
}

result<load_run::opened_input> load_run::open_file(const std::string& path) {
  STIP_ASSIGN(auto core, budget_share::acquire(cores_, 1, [this] { return stopped(); }));
  STIP_ASSIGN(auto scenes, open_scenes(request_.format, path, options_, *context_->file_readers));
  return opened_input{std::move(scenes), std::move(core)};
}

result<load_outcome> load_run::load_scenes(const std::string& input, opened_input opened) {
  const auto& scenes = opened.scenes;
  // In each range of neighbours one is cut at a time: days of a file lie in the same compressed
  // chunks, which a range's reader then decodes once.
  struct range {
    range(size_t first, size_t behind) : next(first), end(behind) {}
    std::atomic<size_t> next;
    const size_t end;
    budget turns{1};
  };
  const auto count = std::min(scenes.size(), plan_.threads);
  std::deque<range> ranges;
  for (size_t i = 0; i < count; ++i)
    ranges.emplace_back(scenes.size() * i / count, scenes.size() * (i + 1) / count);
  const auto workers = std::min(scenes.size(), workers_of(count));
  if (scenes.size() > 1 || threads_for(scenes.front()->description(), count) > 1)
    opened.core.release();
  std::mutex mutex;
  std::atomic<bool> over{false};
  load_outcome sum;
  result<void> replaced, failed;
  const auto load = [&](size_t worker) {
    auto& own = ranges[worker % count];
    while (!over) {
      const auto i = own.next++;
      if (i >= own.end) return;
      const auto one = load_product(*scenes[i], threads_for(scenes[i]->description(), count),
                                    own.turns, scenes.size() == 1 ? &opened.core : nullptr);
      const std::lock_guard guard{mutex};
      if (!one && one.error().code == ec::already_exists) {
        replaced = fail(one.error());
      } else if (!one) {
        over = true;
        if (failed) failed = fail(one.error());
      } else {
        sum += *one;
      }
    }
  };
  in_parallel(workers, load);
  STIP_TRY(failed);
  if (sum.images_stored + sum.images_known == 0) {
    STIP_TRY(replaced);
    return fail(ec::not_found, "store " + input, "it has no valid pixel in any cell");
  }
  return sum;
}

result<load_outcome> load_run::load_product(const scene& source, size_t threads, budget& turns,
                                            budget_share* core) {
  const auto& scene = source.description();
  const auto others = look_for_others(scene);
  if (!others.newer.empty())
    return fail(ec::already_exists, "store " + scene.input,
                "a newer product of the same observation is stored: " + others.newer,
                "delete that one first if you want this one");
  const auto what = "task=" + plan_.part.task.id + " input=" + scene.input;
  STIP_ASSIGN(const auto outcome, deliver(means_, what, [&](const cluster_view_ptr& view) {
                return load_once(source, view, threads, turns, core);
              }));
  STIP_TRY(remove_replaced(scene, others.older));
  if (request_.cloud) STIP_TRY(find_clouds(scene));
  return outcome;
}

result<void> load_run::find_clouds(const scene_description& scene) {
  const cloud_work work;
  if (const auto method = choose_method(scene, work.method); !method) {
    note(scene.input, "it is stored, its clouds are not known: " + to_string(method.error()));
    return {};
  }
  STIP_ASSIGN(const auto album, images_of_album());
  const auto images = album.source();
  filter match;
  match.platform = scene.platform;
  match.tile = scene.tile;
  match.source = std::string(raw_source);
  match.start = match.end = scene.timestamp;
  const auto found = images.list(match, [&](const image_row& row) -> result<void> {
    if (static_cast<int32_t>(row.key.geocode.size()) != request_.precision) return {};
    return find_clouds(row.key, work, images);
  });
  if (found || found.error().code == ec::stopped) return found;
  auto why = found.error();
  why.why = "it is stored, but its clouds are not all known: " + why.why;
  why.advice = "store it again, or: stip image cloud " + plan_.target.name;
  return fail(std::move(why));
}

result<void> load_run::find_clouds(const image_key& key, const cloud_work& work,
                                   const image_source& images) {
  STIP_TRY(make_images(
      to_string(key), request_.precision,
      [&](const load_request& request, const load_services& services) -> result<load_outcome> {
        STIP_ASSIGN(const auto image, images.details(key));
        return find_image_clouds(image, work, images.read, request, services);
      }));
  return {};
}

size_t load_run::threads_for(const scene_description& scene, size_t beside) const {
  uint64_t bytes = 0;
  for (const auto& d : scene.subdatasets)
    bytes += uint64_t(d.grid.width) * uint64_t(d.grid.height) * d.bands.size() * size_of(d.type);
  const auto idle = plan_.threads / std::min<size_t>(workers() * beside, plan_.threads);
  return std::clamp<size_t>(bytes / bytes_per_thread, idle, plan_.threads);
}

reprocessed load_run::products() const {
  const auto view = view_->get();
  const auto& own = view->find(context_->self.id)->handles;
  return {system_, own.query, own.albums, plan_.target.name, [this] { return stopped(); }};
}

other_products load_run::look_for_others(const scene_description& scene) const {
  if (!has_series(scene) || view_->get()->find(context_->self.id) == nullptr) return {};
  auto others = products().look_for(scene);
  if (others) return std::move(*others);
  // Both are kept then, until one of them is stored again.
  context_->log->warn("task={} input={} is stored beside older products, if there are any: {}",
                      plan_.part.task.id, scene.input, to_string(others.error()));
  return {};
}

result<void> load_run::remove_replaced(const scene_description& scene,
                                       const std::vector<std::string>& tiles) const {
  if (tiles.empty()) return {};
  auto removed = products().remove(scene, tiles);
  if (!removed) {
    auto why = std::move(removed).error();
    why.why = "it is stored, but an older product of the same observation is too: " + why.why;
    why.advice = "store it again";
    return fail(std::move(why));
  }
  for (const auto& tile : tiles)
    context_->log->info("task={} input={} replaces {}", plan_.part.task.id, scene.input, tile);
  return {};
}

void load_run::take_input(size_t index) {
  const auto& name = input(index);
  auto opened = open(name);
  if (!opened && plan_.part.task.node != context_->self.id && is_elsewhere(opened.error())) {
    input_outcome news;
    news.index = index;
    news.what = input_outcome::kind::unreachable;
    context_->log->info("task={} input={} is not here: {}", plan_.part.task.id, name,
                        to_string(opened.error()));
    return report(std::move(news));
  }
  if (auto news = load_opened(index, name, std::move(opened))) report(std::move(*news));
}

void load_run::load_uploaded(size_t index, const upload_spool::whole_input& input) {
  if (stopped()) return;
  // Where it lies was chosen by this node, whatever its roots are.
  auto opened = open_file(input.path());
  if (opened)
    for (auto& one : opened->scenes) one = rename_input(std::move(one), input.name);
  auto news = load_opened(index, input.name, std::move(opened));
  if (!news) return;
  // Errors name the file as it is here; the user knows it by where it came from.
  const auto there = input.name.substr(0, input.name.rfind('/') + 1);
  for (auto at = news->reason.find(input.folder); at != std::string::npos;
       at = news->reason.find(input.folder, at + there.size()))
    news->reason.replace(at, input.folder.size(), there);
  report(std::move(*news));
}

std::optional<input_outcome> load_run::load_opened(size_t index, const std::string& input,
                                                   result<opened_input> opened) {
  const auto& id = plan_.part.task.id;
  const auto began_ms = context_->time->steady_ms();
  input_outcome news;
  news.index = index;
  const auto outcome = opened ? load_scenes(input, std::move(*opened)) : fail(opened.error());
  if (outcome) {
    context_->log->info(
        "task={} input={} images={} known={} empty_cells={} pixels_without_cell={} bytes={} ms={}",
        id, input, outcome->images_stored, outcome->images_known, outcome->cells_without_data,
        outcome->pixels_without_cell, outcome->decoded_bytes,
        context_->time->steady_ms() - began_ms);
  } else if (stopped() && outcome.error().code == ec::stopped) {
    return {};
  } else {
    news.what = input_outcome::kind::skipped;
    news.input = input;
    news.reason = to_string(outcome.error());
    context_->log->warn("task={} input={} skipped: {}", id, input, news.reason);
  }
  return news;
}

bool is_elsewhere(const error& why) {
  return why.code == ec::not_found || why.code == ec::forbidden || why.code == ec::io_error;
}

result<load_outcome> load_run::load_once(const scene& source, const cluster_view_ptr& view,
                                         size_t threads, budget& turns, budget_share* core) {
  const auto is_stopped = [this] { return stopped(); };
  STIP_ASSIGN(auto turn, budget_share::acquire(turns, 1, is_stopped));
  STIP_ASSIGN(auto busy, core != nullptr && *core
                             ? result<budget_share>(std::move(*core))
                             : budget_share::acquire(cores_, threads, is_stopped));
  load_request request;
  request.target = plan_.target;
  request.precision = request_.precision;
  request.threads = threads;
  request.scenes_beside = plan_.threads / threads;
  request.written = plan_.part.task.began;
  chip_delivery delivery{means_, view};
  auto services = delivery.services([&] {
    busy.release();
    turn.release();
  });
  services.plans = &plans_;
  auto outcome = delivery.explain(load_scene(source, request, services));
  if (outcome) report(outcome->decoded_bytes);
  return outcome;
}

}  // namespace stip

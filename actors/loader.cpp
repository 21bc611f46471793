#include "actors/loader.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <thread>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/load_run.hpp"
#include "actors/store_work.hpp"
#include "actors/transform_kinds.hpp"
#include "actors/transform_run.hpp"
#include "actors/transform_work.hpp"
#include "actors/uploads.hpp"

namespace stip {

loader_state::~loader_state() {
  for (auto& [id, run] : runs)
    if (run.work) run.work->stop();
}

namespace {

using self_pointer = loader_actor::stateful_pointer<loader_state>;

constexpr auto store_kind = "store";

/// 0: as many as there are processors.
size_t threads_of(uint32_t wanted, const node_settings& settings) {
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  return std::clamp<size_t>(wanted == 0 ? cores : wanted, 1, settings.loader_threads);
}

/// Everything of a request that can be wrong is told before a task begins.
result<load_run::plan> check_request(const store_request& request, const album& target,
                                     const cluster_view& view, const node_settings& settings) {
  load_run::plan plan;
  if (settings.mode == open_mode::read_only)
    return fail(ec::forbidden, "store", "the directory is open for reading only");
  STIP_TRY(check_ring(view));
  if (request.format != "auto") STIP_TRY(find_format(request.format));
  STIP_TRY(check_precision(target.algorithm, request.precision));
  if (request.glob.empty())
    return fail(ec::invalid_argument, "store", "no input is named", "give a file or a glob");
  auto given = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional{text};
  };
  plan.options.platform = given(request.platform);
  plan.options.tile = given(request.tile);
  plan.options.subdataset = given(request.subdataset);
  if (!request.timestamp.empty()) {
    STIP_ASSIGN(plan.options.timestamp, parse_time(request.timestamp));
  }
  plan.threads = threads_of(request.threads, settings);
  plan.target = target;
  plan.request = request;
  return plan;
}

result<transform_run::plan> check_transform(const transform_request& request, const album& target,
                                            const cluster_view& view,
                                            const node_settings& settings) {
  if (settings.mode == open_mode::read_only)
    return fail(ec::forbidden, request.kind, "the directory is open for reading only");
  STIP_TRY(check_ring(view));
  STIP_TRY(check(request, target.algorithm));
  if (target.closed)
    return fail(ec::conflict, request.kind, "album " + target.name + " is closed",
                "open it: stip album open " + target.name);
  transform_run::plan plan;
  plan.threads = threads_of(request.threads, settings);
  plan.target = target;
  plan.request = request;
  return plan;
}

/// Waits a moment for a cluster that is just forming: its nodes see each other before they know
/// that all of them do. Blocks.
result<void> await_ring(const shared_view& view) {
  constexpr int attempts = 30;
  for (int i = 0; i < attempts && !check_ring(*view.get()); ++i)
    std::this_thread::sleep_for(defaults::tick_interval);
  return check_ring(*view.get());
}

// -- work on a part -----------------------------------------------------------------

void end_run(self_pointer self, const part_run& run, work_end how) {
  auto& state = self->state;
  state.runs.erase(to_string(run));
  self->send(state.tasks, atom::update_v,
             std::make_shared<const part_news>(part_news{run, std::move(how)}));
}

/// Runs the workers; the last one to come back ends the work.
void run_workers(self_pointer self, const part_run& of, const std::shared_ptr<part_work>& run) {
  struct progress {
    size_t left = 0;
    size_t good = 0;
    std::string problem;
  };
  auto state = std::make_shared<progress>();
  state->left = run->workers();
  for (size_t i = 0; i < run->workers(); ++i) {
    run_blocking(
        self, self->state.context->loaders, defaults::longest_job,
        [run]() -> result<void> {
          run->work();
          return {};
        },
        [self, of, run, state](const result<void>& worked) {
          state->good += worked.has_value();
          if (!worked) {
            state->problem = to_string(worked.error());
            self->state.context->log->error("task={} {}", of.key.id, state->problem);
          }
          if (--state->left > 0) return;
          work_end how;
          how.may_be_idle = run->may_be_idle();
          if (state->good == 0) how.reason = state->problem;
          end_run(self, of, std::move(how));
        });
  }
}

template <class Work>
void begin_run(self_pointer self, typename Work::plan plan) {
  auto& state = self->state;
  const auto of = plan.part.run();
  const bool at_home = plan.part.task.node == state.context->self.id;
  std::shared_ptr<part_work> run = std::make_shared<Work>(
      self->system(), state.context, state.view, state.transfer, state.tasks, std::move(plan));
  state.runs[to_string(of)] = {run, 0};
  run_blocking(
      self, state.context->readers, defaults::commit_deadline, [run] { return run->find_inputs(); },
      [self, of, run, at_home](const result<void>& found) {
        if (found) return run_workers(self, of, run);
        end_run(self, of, {to_string(found.error()), !at_home && is_elsewhere(found.error())});
      });
}

/// Another attempt in a moment, where the node or the cluster is just not ready.
void begin_again_or_end(self_pointer self, const task_part_ptr& part, const error& why) {
  auto& state = self->state;
  const bool passes = why.code == ec::unavailable || why.code == ec::timeout;
  const auto at = state.runs.find(to_string(part->run()));
  if (passes && state.context->time->steady_ms() < at->second.give_up_ms)
    return self->delayed_send(self, defaults::task_begin_interval, atom::tick_v, part);
  end_run(self, part->run(), {to_string(why), false});
}

/// Begins with a part once its album is known to be the one that is meant.
template <class Run>
void begin_with_album(self_pointer self, const task_part_ptr& part, const std::string& name,
                      const hash128& uid,
                      std::function<result<typename Run::plan>(const album&)> plan_of) {
  auto is_over = [self, part] { return !self->state.runs.contains(to_string(part->run())); };
  ask(self, self->state.albums, defaults::request_deadline, atom::get_v, name)
      .then(
          [self, part, uid, is_over, plan_of](const album& target) {
            if (is_over()) return;
            if (target.uid != uid)
              return end_run(self, part->run(),
                             {"album " + target.name + " was deleted meanwhile", false});
            auto plan = plan_of(target);
            if (!plan) return begin_again_or_end(self, part, plan.error());
            plan->part = *part;
            begin_run<Run>(self, std::move(*plan));
          },
          [self, part, is_over](caf::error& err) {
            if (!is_over()) begin_again_or_end(self, part, from_caf(err, "find the album"));
          });
}

void begin_part(self_pointer self, const task_part_ptr& part) {
  if (part->task.kind == store_kind) {
    const auto work = decode_store_work(part->work);
    if (!work) return end_run(self, part->run(), {to_string(work.error()), false});
    return begin_with_album<load_run>(self, part, work->request.album, work->album_uid,
                                      [self, request = work->request](const album& target) {
                                        return check_request(request, target,
                                                             *self->state.view->get(),
                                                             self->state.context->settings);
                                      });
  }
  const auto work = decode_transform_work(part->work);
  if (!work) return end_run(self, part->run(), {to_string(work.error()), false});
  begin_with_album<transform_run>(self, part, work->request.album, work->album_uid,
                                  [self, request = work->request](const album& target) {
                                    return check_transform(request, target,
                                                           *self->state.view->get(),
                                                           self->state.context->settings);
                                  });
}

// -- requests -------------------------------------------------------------------------

/// Other nodes that take a part each; the task tells of those that cannot.
std::vector<uint64_t> others_of(const cluster_view& view, const std::string& glob,
                                task_record& news) {
  std::vector<uint64_t> out;
  for (const auto& p : view.peers) {
    if (p.self || p.member.info.tokens.empty()) continue;
    if (p.reachable)
      out.push_back(p.member.info.id);
    else
      add_error(news, {glob, p.member.info.id, "nobody looked there: " + why_away(&p)});
  }
  return out;
}

/// What a task is to store: files that this node sees, or (if `uploads` is not 0) so many inputs
/// that the client sends.
struct wanted_store {
  store_request request;
  uint64_t uploads = 0;
};

/// Inputs come from the client; nobody else could go on with them, so the part stays here.
void begin_uploads(self_pointer self, load_run::plan plan, const task_record& started,
                   uint64_t inputs) {
  auto& state = self->state;
  plan.part.task = started;
  plan.part.owner = started.node;
  const auto run = plan.part.run();
  auto load = std::make_shared<load_run>(self->system(), state.context, state.view, state.transfer,
                                         state.tasks, std::move(plan));
  load->expect_inputs(inputs);
  self->send(state.uploads, atom::start_v,
             std::make_shared<const upload_work>(upload_work{run, inputs, std::move(load)}));
}

void begin_store(self_pointer self, const wanted_store& wanted, const album& target,
                 caf::typed_response_promise<task_record> promise) {
  auto& state = self->state;
  const auto& request = wanted.request;
  const auto view = state.view->get();
  if (view->drains(state.context->self.id))
    return (void)promise.deliver(
        to_caf({ec::unavailable, "store", "this node is being drained", "ask another node"}));
  auto plan = check_request(request, target, *view, state.context->settings);
  if (!plan) return (void)promise.deliver(to_caf(plan.error()));
  auto wish = std::make_shared<task_wish>();
  wish->task.id = request.task;
  wish->task.kind = store_kind;
  wish->task.album = target.name;
  wish->task.total = wanted.uploads;
  if (wanted.uploads == 0) wish->work = encode(store_work{target.uid, request});
  wish->own_files = request.all_nodes;
  task_record news;
  if (request.all_nodes) wish->others = others_of(*view, request.glob, news);
  ask(self, state.tasks, defaults::request_deadline, atom::start_v, task_wish_ptr{wish})
      .then(
          [self, promise, news, plan = std::move(*plan),
           uploads = wanted.uploads](task_record& started) mutable {
            if (uploads != 0 && started.node != 0)
              begin_uploads(self, std::move(plan), started, uploads);
            if (started.node != 0 && !news.errors.empty()) {
              news.id = started.id;
              self->send(self->state.tasks, atom::update_v, std::move(news));
            }
            promise.deliver(std::move(started));
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
}

using task_promise = caf::typed_response_promise<task_record>;

/// Begins with the album of that name, once the ring is known.
void when_ready(self_pointer self, const std::string& name, task_promise promise,
                std::function<void(const album&, task_promise)> begin) {
  ask(self, self->state.albums, defaults::request_deadline, atom::get_v, name)
      .then(
          [self, promise, begin](const album& target) mutable {
            const auto& view = self->state.view;
            if (check_ring(*view->get())) return begin(target, promise);
            run_blocking(
                self, self->state.context->readers, defaults::request_deadline,
                [view] { return await_ring(*view); },
                [target, promise, begin](const result<void>&) { begin(target, promise); });
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
}

/// What a request asks for: an id (may be empty), a kind and an album.
struct wanted_task {
  std::string id, kind, album;
};

/// Begins the task, unless one of that id runs somewhere in the cluster: that one is joined.
/// `joined` may change what is told of it.
caf::result<task_record> begin_or_join(self_pointer self, const wanted_task& wanted,
                                       std::function<void(const album&, task_promise)> begin,
                                       std::function<void(task_record&)> joined = {}) {
  auto promise = self->make_response_promise<task_record>();
  const auto begin_new = [self, wanted, promise, begin] {
    when_ready(self, wanted.album, promise, begin);
  };
  if (wanted.id.empty()) {
    begin_new();
    return promise;
  }
  ask(self, self->state.tasks, defaults::request_deadline, atom::get_v, wanted.id)
      .then(
          [self, wanted, promise, begin_new, joined](task_record& found) mutable {
            // The next one of that id is to begin later by every node's clock.
            (void)self->state.context->versions->observe(found.began);
            if (!found.running()) return begin_new();
            if (found.kind != wanted.kind || found.album != wanted.album)
              return (void)promise.deliver(
                  to_caf({ec::conflict, "join task " + wanted.id,
                          "it is a " + found.kind + " task of album " + found.album,
                          "choose another id"}));
            if (joined) joined(found);
            promise.deliver(std::move(found));
          },
          [begin_new](caf::error&) { begin_new(); });
  return promise;
}

caf::result<task_record> store_or_join(self_pointer self, const wanted_store& wanted) {
  return begin_or_join(
      self, {wanted.request.task, store_kind, wanted.request.album},
      [self, wanted](const album& target, task_promise promise) {
        begin_store(self, wanted, target, std::move(promise));
      },
      [wanted](task_record& found) {
        // That one is fed by whoever began it.
        if (wanted.uploads != 0) found.node = 0;
      });
}

/// Every node that can be reached takes its own images.
void begin_transform(self_pointer self, const transform_request& request, const album& target,
                     task_promise promise) {
  auto& state = self->state;
  const auto view = state.view->get();
  const auto plan = check_transform(request, target, *view, state.context->settings);
  if (!plan) return (void)promise.deliver(to_caf(plan.error()));
  auto wish = std::make_shared<task_wish>();
  wish->task.id = request.task;
  wish->task.kind = request.kind;
  wish->task.album = target.name;
  wish->work = encode(transform_work{target.uid, request});
  wish->own_files = true;
  for (const auto& p : view->peers)
    if (!p.self && p.reachable) wish->others.push_back(p.member.info.id);
  ask(self, state.tasks, defaults::request_deadline, atom::start_v, task_wish_ptr{wish})
      .then([promise](task_record& started) mutable { promise.deliver(std::move(started)); },
            [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
}

caf::result<task_record> transform_or_join(self_pointer self, const transform_request& request) {
  return begin_or_join(self, {request.task, request.kind, request.album},
                       [self, request](const album& target, task_promise promise) {
                         begin_transform(self, request, target, std::move(promise));
                       });
}

caf::result<task_record> store_uploads(self_pointer self, const upload_request& request) {
  const auto refuse = [](ec code, std::string why, std::string advice) {
    return to_caf({code, "store files of the client", std::move(why), std::move(advice)});
  };
  if (request.inputs == 0 || request.inputs > defaults::max_inputs)
    return refuse(ec::invalid_argument, std::to_string(request.inputs) + " are no number of inputs",
                  "store 1 to " + std::to_string(defaults::max_inputs) + " at a time");
  if (request.store.all_nodes)
    return refuse(ec::invalid_argument, "they are sent to one node, not to all",
                  "leave out --all-nodes");
  if (self->state.context->settings.upload_space == 0)
    return refuse(ec::forbidden, "the node takes none: its upload-space is 0",
                  "ask another node, or raise `upload-space` in its configuration");
  return store_or_join(self, {request.store, request.inputs});
}

}  // namespace

loader_actor::behavior_type loader_behavior(self_pointer self, context_ptr context,
                                            albums_actor albums, transfer_actor transfer,
                                            tasks_actor tasks) {
  auto& state = self->state;
  state.context = std::move(context);
  state.albums = std::move(albums);
  state.transfer = std::move(transfer);
  state.tasks = std::move(tasks);
  state.view = std::make_shared<shared_view>();
  // One without the other is of no use: they live and die together.
  state.uploads = self->spawn<caf::linked>(uploads_behavior, state.context, state.tasks);
  return {
      [self](atom::store, const store_request& request) {
        return store_or_join(self, {request, 0});
      },
      [self](atom::upload, const upload_request& request) { return store_uploads(self, request); },
      [self](atom::transform, const transform_request& request) {
        return transform_or_join(self, request);
      },
      [self](atom::upload atom, upload_input& input) -> caf::result<bool> {
        return self->delegate(self->state.uploads, atom, std::move(input));
      },
      [self](atom::upload atom, upload_chunk& chunk) -> caf::result<bool> {
        return self->delegate(self->state.uploads, atom, std::move(chunk));
      },
      [self](atom::start, const task_part_ptr& part) {
        auto& state = self->state;
        const auto give_up_ms =
            state.context->time->steady_ms() + defaults::task_begin_patience.count();
        state.runs[to_string(part->run())] = {nullptr, give_up_ms};
        begin_part(self, part);
      },
      [self](atom::tick, const task_part_ptr& part) {
        if (self->state.runs.contains(to_string(part->run()))) begin_part(self, part);
      },
      [self](atom::stop, const std::string& run) {
        const auto found = self->state.runs.find(run);
        if (found == self->state.runs.end())
          return self->send(self->state.uploads, atom::stop_v, run);
        if (found->second.work) found->second.work->stop();
        self->state.runs.erase(found);
      },
      [self](atom::peers, cluster_view_ptr& view) { self->state.view->set(std::move(view)); },
  };
}

}  // namespace stip

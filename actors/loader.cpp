#include "actors/loader.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <thread>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/load_run.hpp"

namespace stip {

loader_state::~loader_state() {
  for (auto& [id, run] : runs) run->stop();
}

namespace {

using self_pointer = loader_actor::stateful_pointer<loader_state>;

/// Everything of a request that can be wrong is told before a task begins.
result<load_run::plan> check_request(const store_request& request, const album& target,
                                     const cluster_view& view, uint64_t self,
                                     const node_settings& settings) {
  load_run::plan plan;
  if (settings.mode == open_mode::read_only)
    return fail(ec::forbidden, "store", "the directory is open for reading only");
  STIP_TRY(check_ring(view));
  if (view.drains(self))
    return fail(ec::unavailable, "store", "this node is being drained", "ask another node");
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
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  plan.threads = std::clamp<size_t>(request.threads == 0 ? cores : request.threads, 1,
                                    settings.loader_threads);
  plan.target = target;
  plan.request = request;
  plan.task.id = request.task;
  plan.task.kind = "store";
  plan.task.album = target.name;
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

void finish(self_pointer self, const std::string& id, std::optional<task_error> why) {
  task_record news;
  news.id = id;
  news.state = task_state::done;  // or failed: the tasks actor knows whether anything was stored
  if (why) {
    news.state = task_state::failed;
    add_error(news, std::move(*why));
  }
  self->send(self->state.tasks, atom::update_v, std::move(news));
  self->state.runs.erase(id);
}

/// Runs the workers; the last one to come back ends the task.
void run_workers(self_pointer self, const std::string& id, const std::shared_ptr<load_run>& run) {
  auto left = std::make_shared<size_t>(run->workers());
  for (size_t i = 0; i < run->workers(); ++i) {
    run_blocking(
        self, self->state.context->loaders, defaults::longest_job,
        [run]() -> result<void> {
          run->work();
          return {};
        },
        [self, id, run, left](result<void> worked) {
          if (!worked) {
            task_record news;
            news.id = id;
            add_error(news, {{}, self->state.context->self.id, to_string(worked.error())});
            self->send(self->state.tasks, atom::update_v, std::move(news));
          }
          if (--*left == 0) finish(self, id, std::nullopt);
        });
  }
}

void begin(self_pointer self, load_run::plan plan) {
  const auto id = plan.task.id;
  auto& state = self->state;
  auto run = std::make_shared<load_run>(self->system(), state.context, state.view, state.transfer,
                                        state.tasks, std::move(plan));
  state.runs[id] = run;
  run_blocking(
      self, state.context->readers, defaults::commit_deadline, [run] { return run->find_inputs(); },
      [self, id, run](result<void> found) {
        if (!found)
          return finish(self, id,
                        task_error{{}, self->state.context->self.id, to_string(found.error())});
        run_workers(self, id, run);
      });
}

void begin_store(self_pointer self, const store_request& request, const album& target,
                 caf::typed_response_promise<task_record> promise) {
  auto& state = self->state;
  auto plan = check_request(request, target, *state.view->get(), state.context->self.id,
                            state.context->settings);
  if (!plan) return (void)promise.deliver(to_caf(plan.error()));
  plan->task.began = state.context->versions->next();
  plan->task.node = state.context->self.id;
  ask(self, state.tasks, defaults::request_deadline, atom::start_v, plan->task)
      .then(
          [self, promise, plan = std::move(*plan)](task_record& started) mutable {
            const bool joined = started.node == 0;
            plan.task = started;
            promise.deliver(std::move(started));
            if (!joined) begin(self, std::move(plan));
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
}

caf::result<task_record> store_here(self_pointer self, const store_request& request) {
  auto promise = self->make_response_promise<task_record>();
  auto& state = self->state;
  ask(self, state.albums, defaults::request_deadline, atom::get_v, request.album)
      .then(
          [self, request, promise](const album& target) mutable {
            const auto& view = self->state.view;
            if (check_ring(*view->get())) return begin_store(self, request, target, promise);
            run_blocking(
                self, self->state.context->readers, defaults::request_deadline,
                [view] { return await_ring(*view); },
                [self, request, target, promise](const result<void>&) mutable {
                  begin_store(self, request, target, promise);
                });
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

/// Begins the task, unless one of that id runs somewhere in the cluster: that one is joined.
caf::result<task_record> store_or_join(self_pointer self, const store_request& request) {
  if (request.task.empty()) return store_here(self, request);
  auto promise = self->make_response_promise<task_record>();
  auto begin_own = [self, request, promise]() mutable {
    ask(self, loader_actor{self}, defaults::request_deadline, atom::here_v, atom::store_v, request)
        .then([promise](task_record& own) mutable { promise.deliver(std::move(own)); },
              [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  };
  ask(self, self->state.tasks, defaults::request_deadline, atom::get_v, request.task)
      .then(
          [request, promise, begin_own](task_record& found) mutable {
            if (!found.running()) return begin_own();
            if (found.kind != "store" || found.album != request.album)
              return (void)promise.deliver(
                  to_caf({ec::conflict, "join task " + request.task,
                          "it is a " + found.kind + " task of album " + found.album,
                          "choose another id"}));
            promise.deliver(std::move(found));
          },
          [begin_own](caf::error&) mutable { begin_own(); });
  return promise;
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
  return {
      [self](atom::store, const store_request& request) -> caf::result<task_record> {
        if (!request.all_nodes) return store_or_join(self, request);
        // The parts on the other nodes carry the id that ours was given.
        auto promise = self->make_response_promise<task_record>();
        ask(self, loader_actor{self}, defaults::request_deadline * 2, atom::here_v, atom::store_v,
            request)
            .then(
                [self, request, promise](task_record& own) mutable {
                  auto theirs = request;
                  theirs.task = own.id;
                  for (const auto& p : self->state.view->get()->peers)
                    if (p.reachable && !p.self && !p.member.info.tokens.empty())
                      ask(self, p.handles.loader, defaults::request_deadline, atom::here_v,
                          atom::store_v, theirs)
                          .then([](const task_record&) {},
                                [self, id = own.id, who = p.member.info](caf::error& err) {
                                  task_record news;
                                  news.id = id;
                                  add_error(news,
                                            {{},
                                             who.id,
                                             to_string(from_caf(
                                                 err, "store on node " + node_name(who.id)))});
                                  self->send(self->state.tasks, atom::update_v, std::move(news));
                                });
                  promise.deliver(std::move(own));
                },
                [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
        return promise;
      },
      [self](atom::here, atom::store, const store_request& request) {
        return store_here(self, request);
      },
      [self](atom::stop, const std::string& id) {
        if (auto run = self->state.runs.find(id); run != self->state.runs.end())
          run->second->stop();
      },
      [self](atom::peers, cluster_view_ptr& view) { self->state.view->set(std::move(view)); },
  };
}

}  // namespace stip

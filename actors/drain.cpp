#include "actors/drain.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <functional>
#include <utility>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/node.hpp"

namespace stip {

namespace {

using phase = drain_progress::phase;

bool goes_on(const drain_progress& d) {
  return d.now == phase::handing_over || d.now == phase::sealed;
}

bool owns(const peer& p) {
  return !p.self && !p.member.info.tokens.empty();
}

template <class Predicate>
bool any_peer(const cluster_view& view, Predicate holds) {
  return std::any_of(view.peers.begin(), view.peers.end(), holds);
}

result<void> check_may_drain(const node_state& state) {
  const auto what = "drain node " + node_name(state.context->self.id);
  const auto& view = *state.view;
  if (state.context->settings.mode == open_mode::read_only)
    return fail(ec::forbidden, what, "its directory is open for reading only");
  STIP_TRY(check_ring(view));
  if (!any_peer(view, owns))
    return fail(ec::forbidden, what, "no other node could take over what it owns",
                "add another node first");
  if (!any_peer(view, [](const peer& p) { return owns(p) && p.reachable; }))
    return fail(ec::unavailable, what, "no other node that owns anything can be reached",
                "look at `stip node list`");
  return {};
}

// -- its task ---------------------------------------------------------------------

/// Who keeps the record: a node that stays, if there is one.
tasks_actor choose_keeper(const node_state& state) {
  for (const auto& p : state.view->peers)
    if (owns(p) && p.reachable) return p.handles.tasks;
  return state.handles.tasks;
}

void begin_task(node_pointer self, std::function<void(result<task_record>)> then) {
  auto& d = self->state.drain;
  task_record wanted;
  wanted.id = d.task;
  wanted.kind = "drain";
  d.beginning_task = true;
  d.keeper = choose_keeper(self->state);
  ask(self, d.keeper, defaults::request_deadline, atom::start_v, wanted)
      .then(
          [self, then](task_record& started) {
            auto& d = self->state.drain;
            d.beginning_task = false;
            d.task = started.id;
            // What it counts begins anew.
            d.before = 0;
            d.told_done = d.told_bytes = 0;
            d.told_problems.clear();
            then(std::move(started));
          },
          [self, then](caf::error& err) {
            self->state.drain.beginning_task = false;
            then(fail(from_caf(err, "begin the task of a drain")));
          });
}

void tell(node_pointer self, task_record news) {
  auto& d = self->state.drain;
  news.id = d.task;
  news.completed += d.done - std::exchange(d.told_done, d.done);
  news.bytes += d.bytes_gone - std::exchange(d.told_bytes, d.bytes_gone);
  news.total = std::max(news.total, d.before + d.done + d.images.value_or(0));
  self->send(d.keeper ? d.keeper : self->state.handles.tasks, atom::update_v, std::move(news));
}

/// Each reason once.
void note_problems(node_pointer self, const std::vector<std::string>& problems) {
  auto& d = self->state.drain;
  task_record news;
  for (const auto& problem : problems)
    if (d.told_problems.size() < defaults::max_drain_problems &&
        d.told_problems.insert(problem).second)
      add_error(news, {{}, self->state.context->self.id, problem});
  if (!news.errors.empty()) tell(self, std::move(news));
}

void cancel(node_pointer self, const std::string& why);

/// The task may have been stopped, and then the node stays; who kept it may be gone.
void look_at_task(node_pointer self) {
  auto& d = self->state.drain;
  if (d.beginning_task) return;
  const auto begin_again = [self] {
    if (!goes_on(self->state.drain) || self->state.drain.beginning_task) return;
    begin_task(self, [self](const result<task_record>& begun) {
      if (!begun) self->state.context->log->warn("{}", to_string(begun.error()));
    });
  };
  ask(self, self->state.handles.tasks, defaults::cluster_deadline, atom::get_v, d.task)
      .then(
          [self, begin_again](const task_record& record) {
            auto& d = self->state.drain;
            if (!goes_on(d) || record.id != d.task) return;
            if (record.state == task_state::stopped) return cancel(self, {});
            if (!record.running()) return begin_again();
            if (d.keeper) return;
            // Its record is older than this run of the node.
            if (const auto* p = self->state.view->find(record.node)) d.keeper = p->handles.tasks;
            d.before = record.completed;
          },
          [self, begin_again](caf::error& err) {
            if (from_caf(err, "").code == ec::not_found) begin_again();
          });
}

void count_images(node_pointer self) {
  ask(self, self->state.handles.albums, defaults::request_deadline, atom::here_v, atom::status_v)
      .then(
          [self](const storage_status& here) {
            auto& d = self->state.drain;
            if (!goes_on(d)) return;
            const auto gone = [](uint64_t before, uint64_t now) {
              return before > now ? before - now : 0;
            };
            if (d.images) {
              d.done += gone(*d.images, here.images);
              d.bytes_gone += gone(d.bytes, here.live_bytes);
            }
            d.images = here.images;
            d.bytes = here.live_bytes;
            if (d.keeper) tell(self, {});
          },
          [](caf::error&) { /* it is asked again */ });
}

// -- places on the ring -------------------------------------------------------------

/// Does `work` on the disk, then has this node described with these tokens; `then` hears how it
/// went.
void change_tokens(node_pointer self, std::function<result<void>(data_directory&)> work,
                   std::vector<uint64_t> tokens, std::function<void(result<void>)> then) {
  run_blocking(
      self, self->state.context->writers, defaults::commit_deadline,
      [context = self->state.context, work = std::move(work)]() -> result<uint64_t> {
        STIP_TRY(work(*context->directory));
        return context->directory->next_incarnation();
      },
      [self, tokens = std::move(tokens), then](result<uint64_t> incarnation) {
        if (!incarnation) return then(fail(incarnation.error()));
        auto info = self->state.handles.info;
        info.incarnation = *incarnation;
        info.tokens = tokens;
        ask(self, self->state.handles.membership, defaults::request_deadline, atom::update_v, info)
            .then([then](bool) { then({}); },
                  [then](caf::error& err) { then(fail(from_caf(err, "tell the others"))); });
      });
}

result<void> forget_drain(data_directory& directory) {
  auto erased = directory.erase_value(drain_kind, drain_name);
  if (!erased && erased.error().code != ec::not_found) return erased;
  return {};
}

/// The node stays in the cluster: its user wishes so (no `why`), or it has to.
void cancel(node_pointer self, const std::string& why) {
  auto& state = self->state;
  state.drain.now = phase::changing;
  state.context->log->info("node {} stays in the cluster{}{}", node_name(state.context->self.id),
                           why.empty() ? "" : ": ", why);
  change_tokens(self, forget_drain, state.context->tokens, [self, why](result<void> changed) {
    auto& state = self->state;
    if (!changed) {
      // The next look at the task comes here again.
      state.context->log->error("{}", to_string(changed.error()));
      state.drain.now = phase::handing_over;
      return;
    }
    if (!why.empty()) {
      task_record news;
      news.state = task_state::failed;
      add_error(news, {{}, state.context->self.id, why});
      tell(self, std::move(news));
    }
    state.context->intake->closed = false;
    state.drain = {};
  });
}

/// Two nodes that drain at a time may leave nobody who owns anything: one of them stays then.
bool has_to_stay(const node_state& state) {
  const auto self = state.context->self.id;
  return !any_peer(*state.view, owns) && !any_peer(*state.view, [self](const peer& p) {
    return !p.self && p.reachable && p.member.info.id < self;
  });
}

// -- handing over -------------------------------------------------------------------

void end_task(node_pointer self) {
  auto& d = self->state.drain;
  task_record news;
  news.state = task_state::done;
  d.done += std::exchange(d.images, 0).value_or(0);
  // A node that held nothing has done its work as well.
  if (d.before + d.done == 0) news.completed = news.total = 1;
  tell(self, std::move(news));
}

/// It holds nothing any more and takes nothing in.
void leave(node_pointer self) {
  auto& state = self->state;
  state.drain.now = phase::leaving;
  state.context->log->info("node {} has handed everything over and leaves the cluster",
                           node_name(state.context->self.id));
  // Once it is started again it joins as it is configured, with nothing.
  const auto end = [self] {
    run_blocking(
        self, self->state.context->writers, defaults::commit_deadline,
        [context = self->state.context] { return forget_drain(*context->directory); },
        [self](result<void> forgotten) {
          if (!forgotten) self->state.context->log->error("{}", to_string(forgotten.error()));
          end_task(self);
          auto& state = self->state;
          state.drain.stop_ms = state.context->time->steady_ms() + defaults::drain_farewell.count();
        });
  };
  ask(self, state.handles.membership, defaults::request_deadline, atom::remove_v)
      .then([end](bool) { end(); }, [end](caf::error&) { end(); });
}

/// Nothing was found here for a while. Work that runs on this node ends first.
void seal_when_idle(node_pointer self) {
  ask(self, self->state.handles.tasks, defaults::request_deadline, atom::here_v, atom::list_v)
      .then(
          [self](const std::vector<task_record>& tasks) {
            auto& state = self->state;
            if (state.drain.now != phase::handing_over) return;
            std::vector<std::string> running;
            for (const auto& task : tasks)
              if (task.running() && task.node == state.context->self.id && task.kind == "store")
                running.push_back("task " + task.id + " runs on this node; it ends first");
            if (!running.empty()) return note_problems(self, running);
            state.drain.now = phase::sealed;
            state.context->intake->closed = true;
          },
          [](caf::error&) { /* it is asked again */ });
}

void look_at_round(node_pointer self, const repair_outcome& outcome, bool was_sealed) {
  auto& d = self->state.drain;
  if (!goes_on(d)) return;
  note_problems(self, outcome.problems);
  const auto now = self->state.context->time->steady_ms();
  if (outcome.strays > 0 || !outcome.problems.empty()) {
    d.empty_since_ms = 0;
    return;
  }
  if (d.now == phase::sealed) {
    if (was_sealed) leave(self);
    return;
  }
  if (d.empty_since_ms == 0) d.empty_since_ms = now;
  if (now - d.empty_since_ms >= defaults::drain_quiet.count()) seal_when_idle(self);
}

void ask_for_round(node_pointer self) {
  auto& state = self->state;
  auto& d = state.drain;
  const bool sealed = d.now == phase::sealed;
  if (d.round_asked || (sealed && state.context->intake->under_way > 0)) return;
  d.round_asked = true;
  ask(self, state.handles.repair, defaults::repair_deadline, atom::here_v, atom::repair_v,
      uint64_t{0})
      .then(
          [self, sealed](const repair_outcome& outcome) {
            self->state.drain.round_asked = false;
            look_at_round(self, outcome, sealed);
          },
          // Much to move takes longer than a question may: it goes on meanwhile.
          [self](caf::error&) { self->state.drain.round_asked = false; });
}

}  // namespace

caf::result<task_record> drain_node(node_pointer self) {
  auto& state = self->state;
  if (goes_on(state.drain)) {
    auto promise = self->make_response_promise<task_record>();
    ask(self, state.handles.tasks, defaults::request_deadline, atom::get_v, state.drain.task)
        .then([promise](task_record& task) mutable { promise.deliver(std::move(task)); },
              [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
    return promise;
  }
  const auto what = "drain node " + node_name(state.context->self.id);
  if (state.drain.now != phase::none)
    return to_caf({ec::unavailable, what, "it is just beginning or ending to", "ask again"});
  if (auto fine = check_may_drain(state); !fine) return to_caf(fine.error());
  // Not before: what is returned is no answer once there is a promise.
  auto promise = self->make_response_promise<task_record>();
  auto refuse = [promise](const error& why) mutable { promise.deliver(to_caf(why)); };
  state.drain.now = phase::changing;
  begin_task(self, [self, promise, refuse](result<task_record> begun) mutable {
    if (!begun) {
      self->state.drain = {};
      return refuse(begun.error());
    }
    const auto remember = [id = begun->id](data_directory& directory) {
      return directory.save_value(drain_kind, drain_name, id);
    };
    change_tokens(self, remember, {},
                  [self, promise, refuse, begun = std::move(*begun)](result<void> changed) mutable {
                    auto& state = self->state;
                    if (!changed) {
                      task_record news;
                      news.state = task_state::failed;
                      add_error(news, {{}, state.context->self.id, to_string(changed.error())});
                      tell(self, std::move(news));
                      state.drain = {};
                      return refuse(changed.error());
                    }
                    state.context->log->info(
                        "node {} hands everything over to leave the cluster: task={}",
                        node_name(state.context->self.id), begun.id);
                    state.drain.now = phase::handing_over;
                    drain_tick(self);
                    promise.deliver(std::move(begun));
                  });
  });
  return promise;
}

void resume_drain(node_pointer self, const std::string& task) {
  auto& d = self->state.drain;
  d.now = phase::handing_over;
  d.task = task;
  drain_tick(self);
}

void drain_tick(node_pointer self) {
  auto& state = self->state;
  if (state.stopping) return;
  const auto& d = state.drain;
  if (d.stop_ms != 0 && state.context->time->steady_ms() >= d.stop_ms)
    return stop_node(self, [] {});
  if (d.now == phase::none) return;
  self->delayed_send(self, defaults::drain_interval, atom::tick_v);
  // A node that has just started does not know the others yet.
  const bool knows_ring = state.view->find(state.context->self.id) && state.view->missing.empty();
  if (!goes_on(d) || !knows_ring) return;
  look_at_task(self);
  if (has_to_stay(state)) {
    if (d.keeper) cancel(self, "no other node owns anything any more");
    return;
  }
  count_images(self);
  ask_for_round(self);
}

}  // namespace stip

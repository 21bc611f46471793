#include "actors/tasks.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <utility>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/gather.hpp"

namespace stip {

namespace {

using self_pointer = tasks_actor::stateful_pointer<tasks_state>;

/// Verdicts that one letter brings, and bytes of reasons in a list of many tasks (the others are
/// counted).
constexpr size_t verdicts_a_letter = 1000;
constexpr size_t listed_error_bytes = size_t{4} << 20;

task_moment now_of(const tasks_state& state) {
  return {state.context->time->steady_ms(), state.context->time->wall_ms()};
}

// -- carrying out what the ledger says --------------------------------------------------

void log_work(const tasks_state& state, const task_part& part) {
  const auto& task = part.task;
  if (part.epoch == 0 && task.node == state.context->self.id) return;
  state.context->log->info(
      "task={} the part of node {} goes on here: completed={} skipped={} total={}", task.id,
      node_name(task.node), task.completed, task.skipped, task.total);
}

void carry_out(self_pointer self) {
  auto& state = self->state;
  for (auto& effect : state.ledger->take_effects()) {
    if (auto* s = std::get_if<send_task_letter>(&effect)) {
      const auto* p = state.view->find(s->to);
      if (p != nullptr && p->reachable && p->handles.tasks)
        self->send(p->handles.tasks, atom::exchange_v, state.context->self.id,
                   std::move(s->letter));
    } else if (auto* begin = std::get_if<begin_task_work>(&effect)) {
      log_work(state, begin->part);
      self->send(state.loader, atom::start_v,
                 std::make_shared<const task_part>(std::move(begin->part)));
    } else {
      const auto& run = std::get<end_task_work>(effect).run;
      state.context->log->info("task={} the part of node {} is left off here", run.key.id,
                               node_name(run.key.origin));
      // A round of repair is told by the task's id alone.
      self->send(state.loader, atom::stop_v, to_string(run));
      if (state.repair) self->send(state.repair, atom::stop_v, run.key.id);
    }
  }
}

/// What the node works on, by the keys of the parts.
std::vector<part_key> running_here(const tasks_state& state, const std::string& id) {
  std::vector<part_key> out;
  for (const auto& part : state.ledger->parts(id))
    if (part.running() && part.owner == state.context->self.id) out.push_back(part.key());
  return out;
}

/// One line for each part that has ended here.
void log_ends(const tasks_state& state, const std::vector<part_key>& ran) {
  for (const auto& key : ran) {
    const auto* part = state.ledger->find_part(key);
    if (part == nullptr || part->running()) continue;
    const auto& task = part->task;
    state.context->log->info(
        "task={} {} album={} is {}: completed={} skipped={} total={} bytes={} ms={}", task.id,
        task.kind, task.album, to_string(task.state), task.completed, task.skipped, task.total,
        task.bytes, task.ended_ms - task.started_ms);
  }
}

// -- the disk ---------------------------------------------------------------------------

void answer_flushes(self_pointer self) {
  for (auto& promise : std::exchange(self->state.flushes, {})) promise.deliver(true);
}

/// Answers those whose task is as safe as it can be made soon.
void answer_beginnings(self_pointer self) {
  auto& state = self->state;
  const auto now = now_of(state).steady_ms;
  std::erase_if(state.beginnings, [&](tasks_state::beginning& b) {
    if (b.write > state.written) return false;
    if (!state.ledger->is_copied(b.task.id) && now < b.until_ms) return false;
    b.promise.deliver(std::move(b.task));
    return true;
  });
}

/// Writes changed records to the disk, one write at a time.
void save(self_pointer self) {
  auto& state = self->state;
  if (state.context->settings.mode == open_mode::read_only) {
    state.written = state.next_write;
    return answer_flushes(self);
  }
  if (state.saving) return;
  auto changes = state.ledger->take_changes(now_of(state), !state.flushes.empty());
  auto verdicts = state.ledger->take_verdicts();
  const auto number = state.next_write++;
  if (changes.empty() && !verdicts) {
    state.written = number;
    return answer_flushes(self);
  }
  state.saving = true;
  run_blocking(
      self, state.context->writers, defaults::commit_deadline,
      [context = state.context, changes, verdicts]() -> result<void> {
        for (const auto& [name, bytes] : changes) {
          if (bytes) {
            STIP_TRY(context->directory->save_value("task-part", name, *bytes));
            continue;
          }
          // One that was never saved is as good as erased.
          auto erased = context->directory->erase_value("task-part", name);
          if (!erased && erased.error().code != ec::not_found) return erased;
        }
        if (verdicts) return context->directory->save_value("task-verdicts", "all", *verdicts);
        return {};
      },
      [self, changes, number](const result<void>& saved) {
        auto& state = self->state;
        state.saving = false;
        // A task begins also where it cannot be written down.
        state.written = number;
        if (!saved) {
          state.context->log->error("{}", to_string(saved.error()));
          state.ledger->put_back(changes);
          answer_flushes(self);
        } else if (!state.flushes.empty() || !state.beginnings.empty()) {
          // What changed meanwhile, for those who wait until all is there.
          save(self);
        }
        answer_beginnings(self);
      });
}

// -- beginning --------------------------------------------------------------------------

caf::result<task_record> begin_task(self_pointer self, task_wish wish) {
  auto& state = self->state;
  auto& began = wish.task.began;
  if (const auto before = state.ledger->latest(wish.task.id);
      began == version{} || (before && !(*before < began))) {
    // A clock too far ahead is refused by the ledger.
    if (before) (void)state.context->versions->observe(*before);
    began = state.context->versions->next();
  }
  const auto now = now_of(state);
  auto started = state.ledger->start(now, std::move(wish));
  if (!started) return to_caf(started.error());
  carry_out(self);
  auto& task = started->task;
  // The caller begins work only on a task that it has begun itself.
  task.node = started->joined ? 0 : state.context->self.id;
  if (started->joined) return std::move(task);
  state.context->log->info("task={} {} album={} begins", task.id, task.kind, task.album);
  auto promise = self->make_response_promise<task_record>();
  state.beginnings.push_back({std::move(task), promise, state.next_write,
                              now.steady_ms + defaults::task_start_patience.count()});
  save(self);
  return promise;
}

// -- the cluster ------------------------------------------------------------------------

error no_such_task(const std::string& id) {
  return {ec::not_found, "find task " + id, "no node knows it", "see `stip task list`"};
}

using part_answers = std::vector<std::pair<member, std::vector<task_part>>>;

void bound_errors(std::vector<task_part>& parts) {
  size_t bytes = 0;
  for (auto& part : parts) {
    auto& task = part.task;
    for (const auto& err : task.errors) bytes += err.input.size() + err.reason.size();
    if (bytes <= listed_error_bytes) continue;
    add(task.dropped_errors, std::exchange(task.errors, {}).size());
  }
}

std::vector<task_record> merge_answers(part_answers answers) {
  std::vector<task_part> all;
  for (auto& [who, parts] : answers)
    all.insert(all.end(), std::make_move_iterator(parts.begin()),
               std::make_move_iterator(parts.end()));
  return merge_parts(all);
}

/// Asks the nodes of the view for their tasks; `done` gets them merged. A node that does not answer
/// is spoken for by those that keep copies of its records.
template <class Done>
void list_nodes(self_pointer self, const cluster_view& view, Done done) {
  // A node that has just started knows itself at least.
  if (view.peers.empty()) return done(self->state.ledger->list());
  std::vector<uint64_t> asked;
  for (const auto& p : view.peers)
    if (p.reachable) asked.push_back(p.member.info.id);
  gather<std::vector<task_part>>(
      view,
      [self, asked](const peer& p) {
        return ask(self, p.handles.tasks, defaults::request_deadline, atom::here_v, atom::list_v,
                   asked);
      },
      [self, asked, done](part_answers answers, const std::vector<std::string>& problems) mutable {
        for (const auto& problem : problems)
          self->state.context->log->warn("list tasks: {}", problem);
        if (answers.empty() || answers.size() == asked.size())
          return done(merge_answers(std::move(answers)));
        cluster_view rest;
        for (const auto& p : self->state.view->peers)
          if (has_answered(answers, p.member.info.id)) rest.peers.push_back(p);
        list_nodes(self, rest, std::move(done));
      });
}

template <class Done>
void find_task(self_pointer self, const std::string& id, Done done) {
  if (self->state.view->peers.empty()) {
    auto own = self->state.ledger->find(id);
    return done(own ? result<task_record>{std::move(*own)} : fail(no_such_task(id)));
  }
  gather<std::vector<task_part>>(
      *self->state.view,
      [self, id](const peer& p) {
        return ask(self, p.handles.tasks, defaults::request_deadline, atom::here_v, atom::get_v,
                   id);
      },
      [id, done](part_answers answers, const std::vector<std::string>&) mutable {
        auto found = merge_answers(std::move(answers));
        if (found.empty() || found.front().id != id) return done(fail(no_such_task(id)));
        done(result<task_record>{std::move(found.front())});
      });
}

template <class Promise>
auto deliver_to(Promise promise) {
  return [promise](result<task_record> task) mutable {
    if (task)
      promise.deliver(std::move(*task));
    else
      promise.deliver(to_caf(task.error()));
  };
}

void decide(self_pointer self, const std::vector<task_verdict>& verdicts) {
  auto& state = self->state;
  std::vector<part_key> ran;
  for (const auto& v : verdicts) {
    const auto here = running_here(state, v.id);
    ran.insert(ran.end(), here.begin(), here.end());
  }
  state.ledger->decide(now_of(state), verdicts);
  log_ends(state, ran);
  carry_out(self);
  save(self);
}

caf::result<task_record> stop_task(self_pointer self, const std::string& id) {
  auto promise = self->make_response_promise<task_record>();
  find_task(self, id, [self, id, promise](result<task_record> found) mutable {
    if (!found || !found->running()) return deliver_to(promise)(std::move(found));
    const auto now = now_of(self->state);
    decide(self, {{id, found->began, task_verdict::kind::stopped, now.wall_ms}});
    find_task(self, id, deliver_to(promise));
  });
  return promise;
}

caf::result<uint64_t> clear_tasks(self_pointer self) {
  auto promise = self->make_response_promise<uint64_t>();
  list_nodes(self, *self->state.view, [self, promise](std::vector<task_record> tasks) mutable {
    const auto now = now_of(self->state);
    uint64_t cleared = 0;
    std::vector<task_verdict> verdicts;
    auto tell = [&] {
      cleared += verdicts.size();
      decide(self, std::exchange(verdicts, {}));
    };
    for (const auto& task : tasks) {
      if (task.running()) continue;
      verdicts.push_back({task.id, task.began, task_verdict::kind::cleared, now.wall_ms});
      if (verdicts.size() == verdicts_a_letter) tell();
    }
    tell();
    promise.deliver(cleared);
  });
  return promise;
}

std::vector<task_node> members_of(const cluster_view& view) {
  std::vector<task_node> out;
  for (const auto& p : view.peers) {
    const auto state = p.member.state;
    const bool lost = state == member_state::down || state == member_state::leaving;
    out.push_back({p.member.info.id, p.reachable ? node_presence::live
                                     : lost      ? node_presence::lost
                                                 : node_presence::doubtful});
  }
  return out;
}

void take_news(self_pointer self, const part_news& news) {
  auto& state = self->state;
  if (state.closing) return;
  const auto now = now_of(state);
  auto& ledger = *state.ledger;
  const auto& run = news.run;
  if (const auto* inputs = std::get_if<task_inputs>(&news.what)) {
    ledger.list_inputs(now, run, *inputs);
  } else if (const auto* outcome = std::get_if<input_outcome>(&news.what)) {
    ledger.settle_input(now, run, *outcome);
  } else if (const auto* bytes = std::get_if<uint64_t>(&news.what)) {
    ledger.add_bytes(run, *bytes);
  } else {
    ledger.end_work(now, run, std::get<work_end>(news.what));
    log_ends(state, {run.key});
  }
  carry_out(self);
}

}  // namespace

tasks_actor::behavior_type tasks_behavior(self_pointer self, context_ptr context, kept_tasks kept) {
  auto& state = self->state;
  state.context = std::move(context);
  state.view = std::make_shared<cluster_view>();
  const auto& settings = state.context->settings;
  task_ledger::options options;
  options.grace = settings.task_grace;
  options.resumes = settings.resume_tasks && settings.mode != open_mode::read_only;
  state.ledger = std::make_unique<task_ledger>(state.context->self.id, options);
  state.ledger->restore(now_of(state), kept.verdicts);
  for (auto& part : kept.parts) state.ledger->restore(now_of(state), std::move(part));
  self->delayed_send(self, defaults::task_update_interval, atom::tick_v);
  return {
      [self](atom::start, const task_record& wanted) {
        task_wish wish;
        wish.task = wanted;
        return begin_task(self, std::move(wish));
      },
      [self](atom::start, const task_wish_ptr& wanted) { return begin_task(self, *wanted); },
      [self](atom::update, const task_record& news) {
        auto& state = self->state;
        if (state.closing) return;
        const auto ran = running_here(state, news.id);
        state.ledger->update(now_of(state), news);
        log_ends(state, ran);
        carry_out(self);
      },
      [self](atom::update, const part_news_ptr& news) { take_news(self, *news); },
      [self](atom::list) -> caf::result<std::vector<task_record>> {
        auto promise = self->make_response_promise<std::vector<task_record>>();
        list_nodes(self, *self->state.view, [promise](std::vector<task_record> records) mutable {
          promise.deliver(std::move(records));
        });
        return promise;
      },
      [self](atom::here, atom::list) {
        auto& state = self->state;
        std::vector<task_record> out;
        for (auto& part : state.ledger->parts()) {
          if (part.owner != state.context->self.id) continue;
          part.task.node = part.owner;
          out.push_back(std::move(part.task));
        }
        return out;
      },
      [self](atom::here, atom::list, const std::vector<uint64_t>& asked) {
        auto& state = self->state;
        auto parts = state.ledger->parts();
        std::erase_if(parts, [&](const task_part& part) {
          return part.owner != state.context->self.id &&
                 std::find(asked.begin(), asked.end(), part.owner) != asked.end();
        });
        bound_errors(parts);
        return parts;
      },
      [self](atom::get, const std::string& id) -> caf::result<task_record> {
        auto promise = self->make_response_promise<task_record>();
        find_task(self, id, deliver_to(promise));
        return promise;
      },
      [self](atom::here, atom::get, const std::string& id) {
        return self->state.ledger->parts(id);
      },
      [self](atom::stop, const std::string& id) { return stop_task(self, id); },
      [self](atom::clear) { return clear_tasks(self); },
      [self](atom::exchange, uint64_t from, const std::string& letter) {
        auto& state = self->state;
        if (state.closing) return;
        const auto decoded = decode_task_letter(letter);
        if (!decoded)
          return state.context->log->warn("node {}: {}", node_name(from),
                                          to_string(decoded.error()));
        state.ledger->received(now_of(state), from, *decoded);
        carry_out(self);
        answer_beginnings(self);
      },
      [self](atom::put) -> caf::result<bool> {
        self->state.closing = true;
        auto promise = self->make_response_promise<bool>();
        self->state.flushes.push_back(promise);
        save(self);
        return promise;
      },
      [self](atom::peers, cluster_view_ptr& view) {
        auto& state = self->state;
        // The loader and the tasks of a node know each other through its own handles.
        if (const auto* own = view->find(state.context->self.id)) {
          state.loader = own->handles.loader;
          state.repair = own->handles.repair;
        }
        state.view = std::move(view);
        state.ledger->see(now_of(state), members_of(*state.view));
        carry_out(self);
      },
      [self](atom::tick) {
        auto& state = self->state;
        self->delayed_send(self, defaults::task_update_interval, atom::tick_v);
        if (state.closing) return;
        state.ledger->tick(now_of(state));
        carry_out(self);
        save(self);
        answer_beginnings(self);
      },
  };
}

}  // namespace stip

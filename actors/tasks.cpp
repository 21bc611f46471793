#include "actors/tasks.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <map>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/gather.hpp"

namespace stip {

task_record merge_parts(const task_record& a, const task_record& b) {
  auto out = a;
  out.completed += b.completed;
  out.skipped += b.skipped;
  out.total += b.total;
  out.bytes += b.bytes;
  out.started_ms = std::min(a.started_ms, b.started_ms);
  out.ended_ms = a.ended_ms == 0 || b.ended_ms == 0 ? 0 : std::max(a.ended_ms, b.ended_ms);
  out.dropped_errors += b.dropped_errors;
  for (const auto& err : b.errors) add_error(out, err);
  const auto either = [&](task_state s) { return a.state == s || b.state == s; };
  // A part that found nothing does not make a task fail that stored something elsewhere.
  out.state = either(task_state::running)   ? task_state::running
              : either(task_state::stopped) ? task_state::stopped
              : out.completed > 0           ? task_state::done
                                            : task_state::failed;
  return out;
}

namespace {

using self_pointer = tasks_actor::stateful_pointer<tasks_state>;

std::vector<task_record> merge_lists(
    const std::vector<std::pair<member, std::vector<task_record>>>& answers) {
  std::map<std::string, task_record> by_id;
  for (const auto& [who, records] : answers)
    for (const auto& record : records) {
      auto [at, fresh] = by_id.emplace(record.id, record);
      if (!fresh) at->second = merge_parts(at->second, record);
    }
  std::vector<task_record> out;
  for (auto& [id, record] : by_id) out.push_back(std::move(record));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::pair{b.started_ms, b.id} < std::pair{a.started_ms, a.id};
  });
  return out;
}

/// Asks every node for its tasks; `done` gets them merged.
template <class Done>
void list_cluster(self_pointer self, Done done) {
  gather<std::vector<task_record>>(
      *self->state.view,
      [self](const peer& p) {
        return ask(self, p.handles.tasks, defaults::request_deadline, atom::here_v, atom::list_v);
      },
      [self, done](auto answers, auto problems) mutable {
        for (const auto& problem : problems)
          self->state.context->log->warn("list tasks: {}", problem);
        done(merge_lists(answers));
      });
}

error no_such_task(const std::string& id) {
  return {ec::not_found, "find task " + id, "no node knows it", "see `stip task list`"};
}

template <class Promise>
auto deliver_task(Promise promise, const std::string& id) {
  return [promise, id](std::vector<task_record> records) mutable {
    for (auto& record : records)
      if (record.id == id) return (void)promise.deliver(std::move(record));
    promise.deliver(to_caf(no_such_task(id)));
  };
}

void answer_flushes(self_pointer self) {
  for (auto& promise : std::exchange(self->state.flushes, {})) promise.deliver(true);
}

/// Writes changed records to the disk, one write at a time.
void save(self_pointer self) {
  auto& state = self->state;
  if (state.context->settings.mode == open_mode::read_only) return answer_flushes(self);
  if (state.saving) return;
  auto forgotten = state.book->take_forgotten();
  if (state.unsaved.empty() && forgotten.empty()) return answer_flushes(self);
  std::vector<std::pair<std::string, std::string>> records;
  for (const auto& id : state.unsaved)
    if (const auto* record = state.book->find(id)) records.emplace_back(id, encode(*record));
  state.unsaved.clear();
  state.saving = true;
  run_blocking(
      self, state.context->writers, defaults::commit_deadline,
      [context = state.context, records, forgotten]() -> result<void> {
        for (const auto& [id, bytes] : records)
          STIP_TRY(context->directory->save_value("task", id, bytes));
        for (const auto& id : forgotten) {
          // One that was never saved is as good as erased.
          auto erased = context->directory->erase_value("task", id);
          if (!erased && erased.error().code != ec::not_found) return erased;
        }
        return {};
      },
      [self, records](result<void> saved) {
        self->state.saving = false;
        if (saved) {
          // What changed meanwhile, for those who wait until all is there.
          if (!self->state.flushes.empty()) save(self);
          return;
        }
        self->state.context->log->error("{}", to_string(saved.error()));
        for (const auto& [id, bytes] : records) self->state.unsaved.insert(id);
        answer_flushes(self);
      });
}

bool runs(const tasks_state& state, const std::string& id) {
  const auto* record = state.book->find(id);
  return record != nullptr && record->running();
}

/// One line where a change has ended the task.
void log_end(const tasks_state& state, const std::string& id, bool ran) {
  const auto* record = state.book->find(id);
  if (!ran || record == nullptr || record->running()) return;
  state.context->log->info(
      "task={} {} album={} is {}: completed={} skipped={} total={} bytes={} ms={}", id,
      record->kind, record->album, to_string(record->state), record->completed, record->skipped,
      record->total, record->bytes, record->ended_ms - record->started_ms);
}

}  // namespace

tasks_actor::behavior_type tasks_behavior(self_pointer self, context_ptr context,
                                          std::vector<task_record> kept) {
  auto& state = self->state;
  state.context = std::move(context);
  state.view = std::make_shared<cluster_view>();
  state.book = std::make_unique<task_book>(state.context->self.id);
  for (auto& record : kept) {
    if (record.running()) state.unsaved.insert(record.id);
    state.book->restore(state.context->time->wall_ms(), std::move(record));
  }
  self->delayed_send(self, defaults::task_update_interval, atom::tick_v);
  return {
      [self](atom::start, const task_record& wanted) -> caf::result<task_record> {
        auto& state = self->state;
        auto started = state.book->start(state.context->time->wall_ms(), wanted);
        if (!started) return to_caf(started.error());
        state.unsaved.insert(started->task.id);
        if (!started->joined)
          state.context->log->info("task={} {} album={} begins", started->task.id,
                                   started->task.kind, started->task.album);
        // The caller begins work only on a task that it has begun itself.
        if (started->joined) started->task.node = 0;
        return std::move(started->task);
      },
      [self](atom::update, const task_record& news) {
        auto& state = self->state;
        const bool ran = runs(state, news.id);
        state.book->update(state.context->time->wall_ms(), news);
        log_end(state, news.id, ran);
        if (!news.running()) state.unsaved.insert(news.id);
      },
      [self](atom::list) -> caf::result<std::vector<task_record>> {
        auto promise = self->make_response_promise<std::vector<task_record>>();
        list_cluster(self, [promise](std::vector<task_record> records) mutable {
          promise.deliver(std::move(records));
        });
        return promise;
      },
      [self](atom::here, atom::list) { return self->state.book->list(); },
      [self](atom::get, const std::string& id) -> caf::result<task_record> {
        auto promise = self->make_response_promise<task_record>();
        list_cluster(self, deliver_task(promise, id));
        return promise;
      },
      [self](atom::stop, const std::string& id) -> caf::result<task_record> {
        auto promise = self->make_response_promise<task_record>();
        gather<bool>(
            *self->state.view,
            [self, id](const peer& p) {
              return ask(self, p.handles.tasks, defaults::request_deadline, atom::here_v,
                         atom::stop_v, id);
            },
            [self, promise, id](auto, auto) { list_cluster(self, deliver_task(promise, id)); });
        return promise;
      },
      [self](atom::here, atom::stop, const std::string& id) {
        auto& state = self->state;
        const bool ran = runs(state, id);
        const auto stopped = state.book->stop(state.context->time->wall_ms(), id);
        if (!stopped) return false;
        log_end(state, id, ran);
        state.unsaved.insert(id);
        self->send(state.loader, atom::stop_v, id);
        if (state.repair) self->send(state.repair, atom::stop_v, id);
        return true;
      },
      [self](atom::clear) -> caf::result<uint64_t> {
        auto promise = self->make_response_promise<uint64_t>();
        gather<uint64_t>(
            *self->state.view,
            [self](const peer& p) {
              return ask(self, p.handles.tasks, defaults::request_deadline, atom::here_v,
                         atom::clear_v);
            },
            [promise](auto answers, auto) mutable {
              uint64_t cleared = 0;
              for (const auto& [who, count] : answers) cleared += count;
              promise.deliver(cleared);
            });
        return promise;
      },
      [self](atom::here, atom::clear) { return uint64_t{self->state.book->clear()}; },
      [self](atom::put) -> caf::result<bool> {
        auto promise = self->make_response_promise<bool>();
        self->state.flushes.push_back(promise);
        save(self);
        return promise;
      },
      [self](atom::peers, cluster_view_ptr& view) {
        // The loader and the tasks of a node know each other through its own handles.
        if (const auto* own = view->find(self->state.context->self.id)) {
          self->state.loader = own->handles.loader;
          self->state.repair = own->handles.repair;
        }
        self->state.view = std::move(view);
      },
      [self](atom::tick) {
        save(self);
        self->delayed_send(self, defaults::task_update_interval, atom::tick_v);
      },
  };
}

}  // namespace stip

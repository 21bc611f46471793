#include "actors/uploads.hpp"

#include <caf/all.hpp>
#include <optional>
#include <utility>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/load_run.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

uploads_state::~uploads_state() {
  for (auto& [id, task] : running) task.work->load->stop();
}

std::string spool_of(const std::string& directory) {
  return directory + "/uploads";
}

namespace {

using self_pointer = uploads_actor::stateful_pointer<uploads_state>;

/// How often silent clients are looked for.
constexpr std::chrono::milliseconds look_interval{1'000};

/// Bytes of the reason why an input was skipped.
constexpr size_t max_reason_bytes = 2'000;

uploads_state::task* find_task(uploads_state& state, const std::string& id, const version& began) {
  const auto at = state.running.find(id);
  if (at == state.running.end() || !(at->second.work->run.began == began)) return nullptr;
  return &at->second;
}

caf::error not_taken(const std::string& id) {
  return to_caf({ec::not_found, "take in files for task " + id, "it takes no files, or has ended",
                 "see `stip task show " + id + "`"});
}

void remove_files(self_pointer self) {
  for (const auto& folder : self->state.spool->take_removals())
    run_blocking(
        self, self->state.context->writers, defaults::commit_deadline,
        [folder] { return remove_folder(folder); },
        [self, folder](const result<void>& gone) {
          // What is still there takes room still.
          if (gone) return self->state.spool->removed(folder);
          self->state.context->log->error("{}", to_string(gone.error()));
        });
}

void report(self_pointer self, const part_run& run, decltype(part_news::what) news) {
  self->send(self->state.tasks, atom::update_v,
             std::make_shared<const part_news>(part_news{run, std::move(news)}));
}

void end_if_through(self_pointer self, const std::string& id) {
  auto& state = self->state;
  const auto at = state.running.find(id);
  if (at == state.running.end()) return;
  auto& task = at->second;
  if (task.busy > 0 || !task.ready.empty() || !state.spool->settled(task.batch)) return;
  report(self, task.work->run, work_end{std::move(task.given_up), false});
  state.spool->close(task.batch);
  state.running.erase(at);
  remove_files(self);
}

void settle(self_pointer self, const std::string& id, uploads_state::task& task, uint64_t input) {
  self->state.spool->settle(task.batch, input);
  remove_files(self);
  end_if_through(self, id);
}

void report_skipped(self_pointer self, const uploads_state::task& task, uint64_t input,
                    const std::string& name, const std::string& reason) {
  const auto& id = task.work->run.key.id;
  input_outcome news;
  news.what = input_outcome::kind::skipped;
  news.index = input;
  // Only a name that has passed the check is shown as it is.
  news.input =
      check(upload_manifest{name, "x", {{"x", 0}}}) ? name : "input " + std::to_string(input);
  // Some of it may be the client's words.
  news.reason = clean_text(reason, max_reason_bytes);
  self->state.context->log->warn("task={} input={} skipped: {}", id, news.input, news.reason);
  report(self, task.work->run, std::move(news));
}

/// The input cannot be taken in. One that is whole already is stored, whatever is said of it.
void skip(self_pointer self, const std::string& id, const version& began, uint64_t input,
          const std::string& name, const std::string& reason) {
  auto& spool = *self->state.spool;
  auto* task = find_task(self->state, id, began);
  if (task == nullptr || spool.is_whole(task->batch, input)) return;
  if (!spool.settle(task->batch, input)) return;
  report_skipped(self, *task, input, name, reason);
  remove_files(self);
  end_if_through(self, id);
}

/// Has whole inputs stored, as many at a time as the task may.
void start_workers(self_pointer self, const std::string& id) {
  auto& state = self->state;
  auto& task = state.running.at(id);
  while (task.busy < task.work->load->workers() && !task.ready.empty()) {
    const auto input = task.ready.front();
    task.ready.pop_front();
    ++task.busy;
    const auto whole = state.spool->whole(task.batch, input);
    const auto work = task.work;
    run_blocking(
        self, state.context->loaders, defaults::longest_job,
        [work, input, whole]() -> result<void> {
          work->load->load_uploaded(input, whole);
          return {};
        },
        [self, id, work, input, whole](const result<void>& worked) {
          auto* at = find_task(self->state, id, work->run.began);
          if (at == nullptr) return;
          --at->busy;
          if (!worked) report_skipped(self, *at, input, whole.name, to_string(worked.error()));
          start_workers(self, id);
          settle(self, id, *at, input);
        });
  }
}

caf::result<bool> announce(self_pointer self, upload_input& wanted) {
  auto& state = self->state;
  const auto* task = find_task(state, wanted.task, wanted.began);
  if (task == nullptr || !task->given_up.empty()) return not_taken(wanted.task);
  if (!wanted.problem.empty()) {
    skip(self, wanted.task, wanted.began, wanted.input, wanted.name, wanted.problem);
    return true;
  }
  upload_manifest manifest{std::move(wanted.name), std::move(wanted.entry), {}};
  if (wanted.files.size() != wanted.sizes.size())
    return to_caf(
        {ec::invalid_argument, "take in files", "there are not as many sizes as names", {}});
  for (size_t i = 0; i < wanted.files.size(); ++i)
    manifest.files.push_back({std::move(wanted.files[i]), wanted.sizes[i]});
  auto promise = self->make_response_promise<bool>();
  run_blocking(
      self, state.context->writers, defaults::commit_deadline,
      [path = state.context->settings.directory, files = state.context->files] {
        return files->free_bytes(path);
      },
      [self, promise, id = wanted.task, began = wanted.began, input = wanted.input,
       manifest = std::move(manifest)](const result<uint64_t>& disk_free) mutable {
        auto& state = self->state;
        const auto* task = find_task(state, id, began);
        if (task == nullptr) return (void)promise.deliver(not_taken(id));
        if (!disk_free)
          return (void)promise.deliver(
              to_caf({ec::unavailable, "take in files", to_string(disk_free.error()), {}}));
        const auto word = state.spool->begin(task->batch, input, manifest, *disk_free,
                                             state.context->time->steady_ms());
        if (word) return (void)promise.deliver(*word == upload_spool::word::send);
        const auto code = word.error().code;
        if (code != ec::not_found && code != ec::already_exists)
          skip(self, id, began, input, manifest.name, to_string(word.error()));
        promise.deliver(to_caf(word.error()));
      });
  return promise;
}

caf::result<bool> take_in(self_pointer self, upload_chunk& content) {
  auto& state = self->state;
  const auto* task = find_task(state, content.task, content.began);
  if (task == nullptr || !task->given_up.empty()) return not_taken(content.task);
  const auto batch = task->batch;
  const auto path = state.spool->place(batch, content.input, content.file, content.offset,
                                       content.bytes.size(), state.context->time->steady_ms());
  if (!path) return to_caf(path.error());
  if (path->empty()) return true;
  auto promise = self->make_response_promise<bool>();
  auto piece = std::make_shared<const upload_chunk>(std::move(content));
  using outcome = std::optional<error>;
  run_blocking(
      self, state.context->writers, defaults::commit_deadline,
      [piece, path = *path]() -> result<outcome> {
        auto done = write_piece(path, piece->offset, piece->bytes, piece->checksum);
        return done ? outcome{} : outcome{std::move(done).error()};
      },
      [self, promise, piece, batch](const result<outcome>& done) mutable {
        auto& state = self->state;
        const bool good = done && !*done;
        const bool whole =
            state.spool->written(batch, piece->input, piece->file, piece->offset, good);
        remove_files(self);
        if (!done)
          return (void)promise.deliver(
              to_caf({ec::unavailable, "take in files", to_string(done.error()), {}}));
        auto* task = find_task(state, piece->task, piece->began);
        if (!good) {
          const auto& why = **done;
          if (why.code != ec::corrupt && task != nullptr)
            skip(self, piece->task, piece->began, piece->input,
                 state.spool->name_of(batch, piece->input), to_string(why));
          return (void)promise.deliver(to_caf(why));
        }
        if (whole && task != nullptr) {
          task->ready.push_back(piece->input);
          start_workers(self, piece->task);
        }
        promise.deliver(true);
      });
  return promise;
}

/// Ends the task at once; its workers stop soon.
void stop(self_pointer self, const std::string& id) {
  auto& state = self->state;
  const auto at = state.running.find(id);
  at->second.work->load->stop();
  state.spool->close(at->second.batch);
  state.running.erase(at);
  remove_files(self);
}

void give_up_silent(self_pointer self) {
  auto& state = self->state;
  std::vector<std::string> silent;
  for (const auto batch : state.spool->abandoned(state.context->time->steady_ms()))
    for (auto& [id, task] : state.running) {
      if (task.batch != batch) continue;
      const auto unsent = state.spool->give_up(batch);
      task.given_up = "the client was silent for " +
                      std::to_string(state.context->settings.upload_patience.count() / 1000) +
                      " s: " + std::to_string(unsent) +
                      " inputs were not sent whole; store them again";
      state.context->log->warn("task={} {}", id, task.given_up);
      silent.push_back(id);
    }
  remove_files(self);
  for (const auto& id : silent) end_if_through(self, id);
}

}  // namespace

uploads_actor::behavior_type uploads_behavior(self_pointer self, context_ptr context,
                                              tasks_actor tasks) {
  auto& state = self->state;
  state.context = std::move(context);
  state.tasks = std::move(tasks);
  const auto& settings = state.context->settings;
  state.spool = std::make_unique<upload_spool>(
      upload_spool::options{spool_of(settings.directory), settings.upload_space,
                            settings.free_bytes_watermark, settings.upload_patience});
  self->delayed_send(self, look_interval, atom::tick_v);
  return {
      [self](atom::upload, upload_input& wanted) { return announce(self, wanted); },
      [self](atom::upload, upload_chunk& content) { return take_in(self, content); },
      [self](atom::start, const upload_work_ptr& work) {
        auto& state = self->state;
        const auto& id = work->run.key.id;
        if (state.running.contains(id)) stop(self, id);
        const auto batch = state.spool->open(work->inputs, state.context->time->steady_ms());
        state.running[id] = {work, batch, {}, 0, {}};
      },
      [self](atom::stop, const std::string& run) {
        for (const auto& [id, task] : self->state.running)
          if (to_string(task.work->run) == run) return stop(self, std::string(id));
      },
      [self](atom::tick) {
        self->delayed_send(self, look_interval, atom::tick_v);
        give_up_silent(self);
      },
  };
}

}  // namespace stip

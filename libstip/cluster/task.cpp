#include "libstip/cluster/task.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "libstip/cluster/member.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr uint8_t task_record_form = 1;

/// Hexadecimal digits of a generated id: 40 bits, short to type, and two of a thousand tasks of a
/// cluster meet once in two million histories.
constexpr size_t generated_id_digits = 10;

constexpr double ms_a_second = 1000;

/// Bytes of an encoded error at least: two empty texts and a node.
constexpr size_t min_error_bytes = 10;

/// A text cut to the bound, not within a UTF-8 character.
std::string cut(std::string text) {
  if (text.size() <= defaults::max_task_text_bytes) return text;
  auto end = defaults::max_task_text_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

/// Counters come from other nodes as well: they stop at their end and never wrap.
void add(uint64_t& counter, uint64_t more) {
  counter += std::min(more, std::numeric_limits<uint64_t>::max() - counter);
}

void keep_total(task_record& task) {
  auto through = task.completed;
  add(through, task.skipped);
  task.total = std::max(task.total, through);
}

int64_t elapsed_ms(const task_record& task, int64_t now_ms) {
  return std::max<int64_t>((task.running() ? now_ms : task.ended_ms) - task.started_ms, 0);
}

}  // namespace

std::string_view to_string(task_state state) {
  switch (state) {
    case task_state::running:
      return "running";
    case task_state::done:
      return "done";
    case task_state::failed:
      return "failed";
    case task_state::stopped:
      return "stopped";
  }
  return "unknown";
}

void add_error(task_record& task, task_error err) {
  if (task.errors.size() >= defaults::max_task_errors) return add(task.dropped_errors, 1);
  err.input = cut(std::move(err.input));
  err.reason = cut(std::move(err.reason));
  task.errors.push_back(std::move(err));
}

double bytes_per_second(const task_record& task, int64_t now_ms) {
  const auto elapsed = elapsed_ms(task, now_ms);
  return elapsed == 0 ? 0 : static_cast<double>(task.bytes) * ms_a_second / double(elapsed);
}

std::optional<int64_t> time_left_ms(const task_record& task, int64_t now_ms) {
  const auto through = static_cast<double>(task.completed) + static_cast<double>(task.skipped);
  if (!task.running() || through == 0) return {};
  const auto open = std::max(static_cast<double>(task.total) - through, 0.0);
  const auto left = open / through * static_cast<double>(elapsed_ms(task, now_ms));
  // A double that is no int64 would be undefined behaviour to convert.
  if (left >= 0x1p62) return {};
  return static_cast<int64_t>(left);
}

std::string encode(const task_record& task) {
  packed_writer out;
  out.u8(task_record_form).text(task.id).text(task.kind).text(task.album);
  out.u8(static_cast<uint8_t>(task.state));
  out.varint(task.completed).varint(task.skipped).varint(task.total).varint(task.bytes);
  out.i64(task.started_ms).i64(task.ended_ms).stamp(task.began).u64(task.node);
  out.varint(task.dropped_errors).varint(task.errors.size());
  for (const auto& err : task.errors) out.text(err.input).u64(err.node).text(err.reason);
  return out.take();
}

result<task_record> decode_task_record(std::string_view bytes) {
  packed_reader in{"task", bytes};
  in.expect_version(task_record_form);
  task_record task;
  task.id = in.text(defaults::max_task_id_bytes);
  task.kind = in.text(defaults::max_name_bytes);
  task.album = in.text(defaults::max_name_bytes);
  const auto state = in.u8();
  in.expect(state <= static_cast<uint8_t>(task_state::stopped), "the state is unknown");
  task.state = static_cast<task_state>(state);
  task.completed = in.varint();
  task.skipped = in.varint();
  task.total = in.varint();
  task.bytes = in.varint();
  task.started_ms = in.i64();
  task.ended_ms = in.i64();
  task.began = in.stamp();
  task.node = in.u64();
  task.dropped_errors = in.varint();
  task.errors.resize(in.count(defaults::max_task_errors, min_error_bytes));
  for (auto& err : task.errors) {
    err.input = in.text(defaults::max_task_text_bytes);
    err.node = in.u64();
    err.reason = in.text(defaults::max_task_text_bytes);
  }
  STIP_TRY(in.finish());
  return task;
}

result<void> check_task_id(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (id.empty() || id.size() > defaults::max_task_id_bytes ||
      !std::all_of(id.begin(), id.end(), allowed))
    return fail(ec::invalid_argument,
                "take the task id '" + std::string(id.substr(0, defaults::max_task_id_bytes)) + "'",
                "it is not 1 to " + std::to_string(defaults::max_task_id_bytes) +
                    " of the characters A-Z a-z 0-9 . _ -",
                "choose another id, or none");
  return {};
}

task_book::task_book(uint64_t node, size_t max_ended, size_t max_running)
    : node_(node), max_ended_(max_ended), max_running_(max_running) {}

std::string task_book::new_id(int64_t now_ms) {
  for (;;) {
    packed_writer seed;
    seed.u64(node_).i64(now_ms).u64(++counter_);
    const auto digits = to_string(hash128_of(seed.bytes())).substr(0, generated_id_digits);
    if (auto id = "t-" + digits; !tasks_.contains(id)) return id;
  }
}

result<task_book::started> task_book::start(int64_t now_ms, task_record wanted) {
  if (wanted.id.empty())
    wanted.id = new_id(now_ms);
  else
    STIP_TRY(check_task_id(wanted.id));
  const auto what = "start task " + wanted.id;
  if (const auto* running = running_task(wanted.id)) {
    if (running->kind != wanted.kind || running->album != wanted.album)
      return fail(
          ec::conflict, what,
          "a task of that id is running: " + running->kind + " of album '" + running->album + "'",
          "choose another id, or wait for it");
    return started{*running, true};
  }
  if (running_ >= max_running_)
    return fail(ec::limit_exceeded, what,
                std::to_string(running_) + " tasks are running on this node already",
                "wait for one of them, or stop one");
  task_record task;
  task.id = std::move(wanted.id);
  task.kind = std::move(wanted.kind);
  task.album = std::move(wanted.album);
  task.total = wanted.total;
  task.began = wanted.began;
  task.started_ms = now_ms;
  task.node = node_;
  ++running_;
  // The record of an ended task of that id is overwritten, in a store of records too.
  return started{tasks_[task.id] = task, false};
}

task_record* task_book::running_task(const std::string& id) {
  const auto found = tasks_.find(id);
  return found != tasks_.end() && found->second.running() ? &found->second : nullptr;
}

bool task_book::set_total(const std::string& id, uint64_t total) {
  auto* task = running_task(id);
  if (task == nullptr) return false;
  task->total = total;
  keep_total(*task);
  return true;
}

bool task_book::progress(const std::string& id, uint64_t bytes) {
  auto* task = running_task(id);
  if (task == nullptr) return false;
  add(task->bytes, bytes);
  return true;
}

bool task_book::input_done(const std::string& id, uint64_t bytes) {
  auto* task = running_task(id);
  if (task == nullptr) return false;
  add(task->completed, 1);
  add(task->bytes, bytes);
  keep_total(*task);
  return true;
}

bool task_book::input_skipped(const std::string& id, task_error why) {
  auto* task = running_task(id);
  if (task == nullptr) return false;
  add(task->skipped, 1);
  add_error(*task, std::move(why));
  keep_total(*task);
  return true;
}

bool task_book::update(int64_t now_ms, const task_record& news) {
  auto* task = running_task(news.id);
  if (task == nullptr) return false;
  add(task->completed, news.completed);
  add(task->skipped, news.skipped);
  add(task->bytes, news.bytes);
  for (const auto& err : news.errors) add_error(*task, err);
  add(task->dropped_errors, news.dropped_errors);
  task->total = std::max(task->total, news.total);
  keep_total(*task);
  switch (news.state) {
    case task_state::running:
      break;
    case task_state::done:
      finish(now_ms, news.id);
      break;
    case task_state::failed:
    case task_state::stopped:
      end(now_ms, *task, news.state);
      break;
  }
  return true;
}

bool task_book::finish(int64_t now_ms, const std::string& id, no_input none) {
  auto* task = running_task(id);
  if (task == nullptr) return false;
  const bool had_none = task->total == 0;
  if (had_none && none == no_input::is_failure && task->errors.empty())
    add_error(*task, {"", node_, "no input was found"});
  const bool good = task->completed > 0 || (had_none && none == no_input::is_success);
  end(now_ms, *task, good ? task_state::done : task_state::failed);
  return true;
}

bool task_book::abort(int64_t now_ms, const std::string& id, task_error why) {
  auto* task = running_task(id);
  if (task == nullptr) return false;
  add_error(*task, std::move(why));
  end(now_ms, *task, task_state::failed);
  return true;
}

result<task_record> task_book::stop(int64_t now_ms, const std::string& id) {
  const auto found = tasks_.find(id);
  if (found == tasks_.end())
    return fail(ec::not_found, "stop task " + id, "there is no such task", "see `stip task list`");
  if (!found->second.running()) return found->second;
  // Ending it may forget it when no history is kept.
  auto stopped = found->second;
  stopped.state = task_state::stopped;
  stopped.ended_ms = now_ms;
  end(now_ms, found->second, task_state::stopped);
  return stopped;
}

void task_book::end(int64_t now_ms, task_record& task, task_state state) {
  task.state = state;
  task.ended_ms = now_ms;
  --running_;
  forget_oldest();
}

void task_book::forget_oldest() {
  while (tasks_.size() - running_ > max_ended_) {
    auto oldest = tasks_.end();
    for (auto at = tasks_.begin(); at != tasks_.end(); ++at) {
      if (at->second.running()) continue;
      if (oldest == tasks_.end() || at->second.ended_ms < oldest->second.ended_ms) oldest = at;
    }
    forgotten_.push_back(oldest->first);
    tasks_.erase(oldest);
  }
}

size_t task_book::clear() {
  return std::erase_if(tasks_, [this](const auto& entry) {
    if (entry.second.running()) return false;
    forgotten_.push_back(entry.first);
    return true;
  });
}

const task_record* task_book::find(const std::string& id) const {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : &found->second;
}

std::vector<task_record> task_book::list() const {
  std::vector<task_record> out;
  out.reserve(tasks_.size());
  for (const auto& [id, task] : tasks_) out.push_back(task);
  std::stable_sort(out.begin(), out.end(), [](const task_record& a, const task_record& b) {
    return a.started_ms > b.started_ms;
  });
  return out;
}

void task_book::restore(int64_t now_ms, task_record task) {
  if (running_task(task.id) != nullptr) return;
  if (task.running()) {
    // The reason must not be lost among many others.
    if (task.errors.size() >= defaults::max_task_errors) {
      task.errors.resize(defaults::max_task_errors - 1);
      add(task.dropped_errors, 1);
    }
    add_error(task, {"", node_, "the node was restarted"});
    task.state = task_state::failed;
    task.ended_ms = now_ms;
  }
  const auto id = task.id;
  tasks_[id] = std::move(task);
  forget_oldest();
}

std::vector<std::string> task_book::take_forgotten() {
  // An id that has begun anew meanwhile is not forgotten.
  auto out = std::exchange(forgotten_, {});
  std::erase_if(out, [this](const std::string& id) { return tasks_.contains(id); });
  return out;
}

}  // namespace stip

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/clock.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// Values are stored and travel: append only.
enum class task_state : uint8_t { running = 0, done, failed, stopped };
/// "running", "done", "failed", "stopped": as in JSON.
std::string_view to_string(task_state state);

/// Why an input was skipped, or why the task failed (then `input` may be empty).
struct task_error {
  std::string input;
  /// The node on which it happened; 0: none in particular.
  uint64_t node = 0;
  std::string reason;

  bool operator==(const task_error&) const = default;
};

/// A piece of cluster work: its progress and its outcome (CLI.md, "A task").
struct task_record {
  std::string id;
  /// What it does: "store", "split", ...
  std::string kind;
  std::string album;
  task_state state = task_state::running;
  /// Inputs that are stored (or were already there), that were skipped, and of all; the total may
  /// grow while inputs are being found.
  uint64_t completed = 0;
  uint64_t skipped = 0;
  uint64_t total = 0;
  /// Bytes processed, for the rate.
  uint64_t bytes = 0;
  /// Milliseconds since the epoch; ended 0: not ended.
  int64_t started_ms = 0;
  int64_t ended_ms = 0;
  /// At most defaults::max_task_errors, the first ones; the others are counted.
  std::vector<task_error> errors;
  uint64_t dropped_errors = 0;
  /// The version that all writes of the task carry.
  version began;
  /// The node that coordinates it.
  uint64_t node = 0;

  bool operator==(const task_record&) const = default;
  bool running() const { return state == task_state::running; }
};

/// Adds an error within the bounds: texts are cut, errors beyond the limit counted.
void add_error(task_record& task, task_error err);

/// Bytes a second since the start (to the end, for an ended task); 0 when no time has passed.
double bytes_per_second(const task_record& task, int64_t now_ms);
/// Milliseconds until a running task ends if it goes on as it did; nothing when that cannot be
/// told.
std::optional<int64_t> time_left_ms(const task_record& task, int64_t now_ms);

std::string encode(const task_record& task);
/// Errors: malformed.
result<task_record> decode_task_record(std::string_view bytes);

/// A task id that a user chose: 1..64 of [A-Za-z0-9._-]. Errors: invalid_argument.
result<void> check_task_id(std::string_view id);

/// What `finish` makes of a task that had no input at all.
enum class no_input : uint8_t { is_failure, is_success };

/// The tasks that one node coordinates: a plain state machine, not thread-safe. Times are wall
/// clock milliseconds since the epoch.
///
/// A task that is not running any more ignores progress: the calls below return false, and whoever
/// works for it should stop.
class task_book {
 public:
  /// `node` is this node's id. Of ended tasks the `max_ended` latest are remembered.
  explicit task_book(uint64_t node, size_t max_ended = defaults::max_ended_tasks,
                     size_t max_running = defaults::max_running_tasks);

  struct started {
    task_record task;
    /// A running task of that id was joined: nothing new begins.
    bool joined = false;
  };
  /// Begins a task with the kind, album, total and version (`began`) of `wanted`; its counters and
  /// times are set here. An empty id is replaced by a new one, unique over the cluster. The id of a
  /// running task of the same kind and album joins it; that of an ended one begins anew under it.
  /// Errors: invalid_argument (id), conflict (that id runs another kind or album), limit_exceeded
  /// (too many running tasks).
  result<started> start(int64_t now_ms, task_record wanted);

  /// The number of inputs as far as it is known; it never falls below those that are through.
  bool set_total(const std::string& id, uint64_t total);
  /// Bytes processed besides.
  bool progress(const std::string& id, uint64_t bytes);
  /// One more input is stored, or was already there.
  bool input_done(const std::string& id, uint64_t bytes = 0);
  bool input_skipped(const std::string& id, task_error why);
  /// Adds what happened since the last report: counters, bytes and errors of `news` are added, its
  /// total is taken where it is larger. A `news` that says done ends the task as `finish` does; one
  /// that says failed or stopped ends it as that.
  bool update(int64_t now_ms, const task_record& news);

  /// Ends a running task: done when at least one input was stored or already there, else failed.
  bool finish(int64_t now_ms, const std::string& id, no_input none = no_input::is_failure);
  /// Ends a running task as failed, whatever it has done.
  bool abort(int64_t now_ms, const std::string& id, task_error why);
  /// Ends a running task at its user's wish; one that has ended stays as it is. Error: not_found.
  result<task_record> stop(int64_t now_ms, const std::string& id);
  /// Forgets all ended tasks; returns how many.
  size_t clear();

  const task_record* find(const std::string& id) const;
  /// The latest start first.
  std::vector<task_record> list() const;
  size_t running() const { return running_; }

  /// Takes a record of an earlier run of the node: one that says running has failed, since the
  /// node was restarted.
  void restore(int64_t now_ms, task_record task);
  /// The ids of tasks that were forgotten (cleared, or too many) since the last call, so that
  /// their records can be deleted.
  std::vector<std::string> take_forgotten();

 private:
  task_record* running_task(const std::string& id);
  void end(int64_t now_ms, task_record& task, task_state state);
  void forget_oldest();
  std::string new_id(int64_t now_ms);

  uint64_t node_;
  size_t max_ended_;
  size_t max_running_;
  size_t running_ = 0;
  uint64_t counter_ = 0;
  std::map<std::string, task_record> tasks_;
  std::vector<std::string> forgotten_;
};

}  // namespace stip

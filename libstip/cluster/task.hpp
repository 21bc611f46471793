#pragma once

#include <cstddef>
#include <cstdint>
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

/// What one node does of a task.
struct task_share {
  /// The node to which it was given, and the one that works on it now, or did last.
  uint64_t origin = 0;
  uint64_t node = 0;
  task_state state = task_state::running;
  uint64_t completed = 0;
  uint64_t skipped = 0;
  uint64_t total = 0;

  bool operator==(const task_share&) const = default;
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
  /// The node to which it was given.
  uint64_t node = 0;
  /// Who works on it; in answers to users alone.
  std::vector<task_share> shares;

  bool operator==(const task_record&) const = default;
  bool running() const { return state == task_state::running; }
};

/// Adds to a counter, which stops at its end and never wraps: counters come from other nodes too.
void add(uint64_t& counter, uint64_t more);

/// The total covers what is through.
void keep_total(task_record& task);

/// Adds an error within the bounds: texts are cut, errors beyond the limit counted.
void add_error(task_record& task, task_error err);

/// Adds an error that must not be lost among many others: another one makes room for it.
void add_last_error(task_record& task, task_error err);

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

}  // namespace stip

#pragma once

#include <functional>
#include <string>

#include "actors/client.hpp"
#include "apps/stip/session.hpp"

namespace stip::cli {

/// What a command does for its task while that is followed.
struct own_part {
  /// Stands at the end of the progress line.
  std::function<std::string()> line = [] { return std::string(); };
  /// Whether the task can go on without the command.
  std::function<bool()> may_leave = [] { return true; };
  /// The user stops the task.
  std::function<void()> stop = [] {};
};

/// Waits until the task ends, with a progress bar on a terminal. Ctrl-C there asks whether to stop
/// the task or to leave it running; a second Ctrl-C stops it. Prints the outcome, and each skipped
/// input with its reason on standard error; returns the exit status.
result<int> follow(context& with, const client& node, task_record task, const own_part& own = {});

/// Prints the task's id first, where that is a line of its own.
void announce(context& with, const task_record& task);

/// 0 when at least one input was stored or already there, else 1.
int status_of(const task_record& task);

}  // namespace stip::cli

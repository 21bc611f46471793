#pragma once

#include <string>
#include <vector>

#include "actors/client.hpp"
#include "apps/stip/command.hpp"
#include "apps/stip/session.hpp"

// What the commands have in common that begin a task which makes or reads images of cells.

namespace stip::cli {

struct task_options_given {
  /// 0: as many as a node has cores.
  uint32_t threads = 0;
  /// Empty: the node chooses.
  std::string id;
};

/// --threads, --task, --detach.
std::vector<option> task_options();
/// Reads the first two. Errors: invalid_argument.
result<task_options_given> wanted_task(const arguments& given);

/// --precision.
option precision_option();
/// Reads it. `command` is for errors: "image split". Errors: invalid_argument, without it too.
result<int32_t> wanted_precision(const arguments& given, const std::string& command);

/// Errors: invalid_argument for --detach from an embedded node, which ends with the command.
result<void> check_detach(context& with, const arguments& given, const std::string& command);

/// Announces the task and follows it to its end, or shows it as it has begun if --detach says so;
/// the exit status.
result<int> follow_or_leave(context& with, const arguments& given, const client& node,
                            task_record task);

}  // namespace stip::cli

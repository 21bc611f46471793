#pragma once

#include <string>
#include <vector>

#include "actors/client.hpp"
#include "apps/stip/command.hpp"
#include "apps/stip/session.hpp"

// What the commands have in common that begin a task which makes images of cells.

namespace stip::cli {

struct cell_work {
  int32_t precision = 0;
  /// 0: as many as a node has cores.
  uint32_t threads = 0;
  /// The task's id; empty: the node chooses.
  std::string task;
};

/// --precision, --threads, --task, --detach.
std::vector<option> cell_work_options();

/// Reads them. `command` is for errors: "image split". Errors: invalid_argument.
result<cell_work> wanted_cell_work(const arguments& given, const std::string& command);

/// Errors: invalid_argument for --detach from an embedded node, which ends with the command.
result<void> check_detach(context& with, const arguments& given, const std::string& command);

/// Announces the task and follows it to its end, or shows it as it has begun if --detach says so;
/// the exit status.
result<int> follow_or_leave(context& with, const arguments& given, const client& node,
                            task_record task);

}  // namespace stip::cli

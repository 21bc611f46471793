#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/cluster/task.hpp"

namespace stip {

/// A part of a task by what never changes: the task's id and the node to which it was given.
struct part_key {
  std::string id;
  uint64_t origin = 0;

  auto operator<=>(const part_key&) const = default;
};

/// Which record of a part is the newer one. Each epoch has one owner, who alone makes its
/// revisions; where two nodes took a part over at once, the greater id is the owner.
struct part_stamp {
  version began;
  uint64_t epoch = 0;
  uint64_t owner = 0;
  uint64_t revision = 0;

  auto operator<=>(const part_stamp&) const = default;
};

/// The work of one owner on a part: what it reports belongs to no other.
struct part_run {
  part_key key;
  version began;
  uint64_t epoch = 0;

  bool operator==(const part_run&) const = default;
};
std::string to_string(const part_run& run);

using task_inputs = std::shared_ptr<const std::vector<std::string>>;
uint64_t hash_of(const std::vector<std::string>& inputs);

/// What one node was given of a task, and how far it is: the record that is copied to other nodes,
/// so that one of them can go on.
struct task_part {
  /// Counters, errors and outcome of this part; its `node` is the origin.
  task_record task;
  uint64_t epoch = 0;
  /// Who works on it, or did last.
  uint64_t owner = 0;
  uint64_t revision = 0;
  /// Nodes that have copies, in the order in which they take over.
  std::vector<uint64_t> keepers;
  /// Nodes that could not open all of the inputs that were left.
  std::vector<uint64_t> tried;
  /// What the kind of task needs to go on, in a form of its own; empty: it cannot go on elsewhere,
  /// nor after a restart.
  std::string work;
  /// Each node has files of its own: where the list is missing, no other node can make it.
  bool own_files = false;
  /// The inputs are known by name: their hash, and which of them are done or skipped. Else there
  /// are too many of them, or they were not found yet.
  bool listed = false;
  uint64_t inputs_hash = 0;
  std::vector<bool> settled;
  /// Their names; null where a message leaves them out.
  task_inputs inputs;

  part_key key() const { return {task.id, task.node}; }
  part_stamp stamp() const { return {task.began, epoch, owner, revision}; }
  part_run run() const { return {key(), task.began, epoch}; }
  bool running() const { return task.running(); }
  /// It can go on elsewhere.
  bool movable() const { return !work.empty(); }
  bool whole() const { return !listed || inputs != nullptr; }
};

/// Whether `a` says more than `b`, which is a record of the same part.
bool supersedes(const task_part& a, const task_part& b);

/// How much of a part is written: the names of its inputs are long and never change.
enum class carry : uint8_t { everything, no_inputs };
/// At most so many bytes of reasons are written, the others are counted.
std::string encode(const task_part& part, carry what = carry::everything,
                   size_t max_error_bytes = defaults::max_copied_error_bytes);
/// Errors: malformed, also where counters and inputs contradict each other.
result<task_part> decode_task_part(std::string_view bytes);

/// The tasks that these parts, of many nodes and some of them old, are of: one record each, the
/// latest start first, with a share for each part.
std::vector<task_record> merge_parts(const std::vector<task_part>& parts);

}  // namespace stip

#pragma once

#include <caf/result.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "actors/context.hpp"
#include "libstip/cluster/repair.hpp"

namespace stip {

struct node_state;
using node_pointer = node_actor::stateful_pointer<node_state>;

/// How far a node is that hands everything over to leave the cluster.
struct drain_progress {
  enum class phase : uint8_t {
    none,
    /// Its places on the ring are being given up, or taken back.
    changing,
    /// Rounds of repair bring what it holds to its owners.
    handing_over,
    /// It holds nothing, and takes nothing in: a last round looks for what came before that.
    sealed,
    leaving,
  };

  phase now = phase::none;
  /// Its task, kept by another node where there is one: this one will be gone.
  std::string task;
  tasks_actor keeper;
  bool beginning_task = false;
  /// Images and bytes here when last counted, and how many have gone in this run; images that had
  /// gone before.
  std::optional<uint64_t> images;
  uint64_t bytes = 0;
  uint64_t done = 0;
  uint64_t bytes_gone = 0;
  uint64_t before = 0;
  /// What of it the task has been told.
  uint64_t told_done = 0;
  uint64_t told_bytes = 0;
  std::set<std::string> told_problems;
  bool round_asked = false;
  /// Since when rounds have found nothing; 0: the last one found something.
  int64_t empty_since_ms = 0;
  /// When the node stops; 0: not yet.
  int64_t stop_ms = 0;
};

/// Begins to drain this node: it gives up its places on the ring, so that everything it holds
/// belongs elsewhere and is handed over; when nothing is left, it removes itself and stops. A node
/// that is started again in the middle goes on. The task as it has begun, or as it runs already.
/// Errors: forbidden (read only), unavailable (the ring is not known, nobody can take over).
caf::result<task_record> drain_node(node_pointer self);

/// Goes on with a drain that an earlier run has begun: `task` was its id.
void resume_drain(node_pointer self, const std::string& task);

/// Looks how far it is, and does what is next.
void drain_tick(node_pointer self);

/// What the directory keeps of a drain: a value of this kind and name, the id of the task.
inline constexpr const char* drain_kind = "drain";
inline constexpr const char* drain_name = "task";

}  // namespace stip

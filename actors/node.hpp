#pragma once

#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "actors/context.hpp"
#include "actors/drain.hpp"
#include "actors/network.hpp"

namespace stip {

struct node_state {
  static inline const char* name = "node";
  context_ptr context;
  node_handles handles;
  bool complete = false;
  bool stopping = false;
  cluster_view_ptr view;
  drain_progress drain;
};

/// The root of a node: gives out its actors, tells its state, ends it. When one of the others dies
/// of itself, the node stops: a node that is half there would look alive.
node_actor::behavior_type node_behavior(node_pointer self);

/// Tells the peers, keeps its tasks, and ends the node's parts; `done` just before they end.
void stop_node(node_pointer self, std::function<void()> done);

/// A node in this process: everything that stipd, the embedded mode and the tests start.
class running_node {
 public:
  struct parts {
    node_settings settings;
    std::shared_ptr<spdlog::logger> log;
    const clock* time = &system_clock();
    file_system* files = &posix_file_system();
  };

  /// Opens the directory, starts the actors, and, with networking, publishes the node (port 0: any
  /// free port). Errors: those of the directory; io_error when the port is taken.
  static result<std::unique_ptr<running_node>> start(caf::actor_system& system, parts p,
                                                     system_config::networking net);
  /// Stops the node if it still runs.
  ~running_node();

  const node_handles& handles() const { return handles_; }
  uint16_t port() const { return handles_.info.port; }
  uint64_t id() const { return handles_.info.id; }

  /// Asks the node to stop cleanly: peers are told, work under way ends at its next safe point.
  void stop();

  /// Waits until the node has ended (by stop(), `stip node stop`, or a failure) and its directory
  /// is closed. False when that takes longer than the deadline.
  bool wait(std::chrono::milliseconds deadline);

 private:
  running_node(caf::actor_system& system, node_handles handles,
               std::weak_ptr<const node_context> context);

  caf::actor_system& system_;
  node_handles handles_;
  /// Gone when the last actor and the last job have let go of the directory.
  std::weak_ptr<const node_context> context_;
};

}  // namespace stip

#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "actors/context.hpp"
#include "libstip/cluster/membership.hpp"

namespace stip {

struct membership_state {
  static inline const char* name = "membership";

  struct link {
    bool connected = false;
    uint64_t id = 0;
    node_handles handles;
  };

  context_ptr context;
  std::unique_ptr<stip::membership> protocol;
  node_handles self;
  std::map<std::string, link> links;
  std::function<void(cluster_view_ptr)> publish_view;
  /// The last failure by address, so that a log line is written once per change and not per probe.
  std::map<std::string, std::string> last_failure;
};

/// Adapts the membership protocol to messages: dials, says hello, and hands every change of the
/// cluster to `spread`. `handles` are this node's own.
membership_actor::behavior_type membership_behavior(
    membership_actor::stateful_pointer<membership_state> self, context_ptr context,
    std::unique_ptr<stip::membership> protocol, node_handles handles,
    std::function<void(cluster_view_ptr)> spread);

}  // namespace stip

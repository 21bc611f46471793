#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "libstip/cluster/gossip_membership.hpp"

namespace stip {

struct membership_state {
  static inline const char* name = "membership";

  /// What there is between this node and an address.
  struct link {
    enum class phase : uint8_t { none, dialling, open } now = phase::none;
    /// Who answered there.
    uint64_t id = 0;
    node_handles handles;
    /// Packets that wait for the dial, defaults::max_waiting_packets at most.
    std::vector<std::string> waiting;
    /// When an address where nobody answered is dialled again for its own sake.
    int64_t redial_ms = 0;
    int64_t gap_ms = 0;
  };

  context_ptr context;
  std::unique_ptr<gossip_membership> protocol;
  node_handles self;
  std::map<std::string, link> links;
  std::function<void(cluster_view_ptr)> publish_view;
  cluster_view_ptr view;
  /// What was logged last of each address or node, so that a line is written once a change.
  std::map<std::string, std::string> logged_problems;
  /// What the directory has, or is about to; one write at a time.
  std::string saved;
  bool saving = false;
};

/// Adapts the membership protocol to messages: dials every member, says hello, brings packets, and
/// hands every change of the cluster to `spread`. `handles` are this node's own.
membership_actor::behavior_type membership_behavior(
    membership_actor::stateful_pointer<membership_state> self, context_ptr context,
    std::unique_ptr<gossip_membership> protocol, node_handles handles,
    std::function<void(cluster_view_ptr)> spread);

}  // namespace stip

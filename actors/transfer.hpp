#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "actors/context.hpp"
#include "libstip/cluster/delivery.hpp"

namespace stip {

/// A parcel on its way, kept until it is answered. `answered` is called once, in the context of the
/// transfer actor, and must not block.
struct shipment {
  uint64_t node = 0;
  uint64_t bytes = 0;
  parcel content;
  std::function<void(result<parcel_answer>)> answered;
  /// Nobody waits for it any more: it is not tried again. Any thread; empty: somebody always does.
  std::function<bool()> abandoned;

  /// Tells the outcome, once.
  void answer(result<parcel_answer> outcome) {
    if (const auto tell = std::exchange(answered, nullptr)) tell(std::move(outcome));
  }
  /// One that is dropped, with the transfer actor or on the way to it, was not delivered: the
  /// loader's thread that waits for it must hear so.
  ~shipment() {
    answer(fail(ec::stopped, "send chips to node " + node_name(node), "this node is stopping"));
  }
};

struct transfer_state {
  static inline const char* name = "transfer";

  struct waiting {
    shipment_ptr content;
    /// The attempt that is out; 0: none.
    int attempt = 0;
  };
  struct lane {
    delivery_outbox outbox;
    std::map<uint64_t, waiting> under_way;
  };

  context_ptr context;
  albums_actor albums;
  /// This node's own, from the view.
  repair_actor repair;
  cluster_view_ptr view;
  std::map<uint64_t, lane> lanes;
  /// What each sender's run has delivered, by (node, incarnation).
  std::map<std::pair<uint64_t, uint64_t>, delivery_inbox> inboxes;
};

/// Sends parcels to their nodes under credit and with retries, and takes in what other nodes send.
/// A node sends to itself in the same way, without a socket.
transfer_actor::behavior_type transfer_behavior(
    transfer_actor::stateful_pointer<transfer_state> self, context_ptr context,
    albums_actor albums);

}  // namespace stip

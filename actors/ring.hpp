#pragma once

#include <caf/typed_event_based_actor.hpp>

#include "actors/context.hpp"

namespace stip {

struct ring_state {
  static inline const char* name = "ring";
  cluster_view_ptr view;
};

/// Answers where geocodes live, from the latest view of the cluster.
ring_actor::behavior_type ring_behavior(ring_actor::stateful_pointer<ring_state> self);

}  // namespace stip

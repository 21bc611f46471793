#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "actors/album_view.hpp"
#include "actors/context.hpp"

namespace stip {

struct query_state {
  static inline const char* name = "query";
  context_ptr context;
  albums_actor albums;
  cluster_view_ptr view;
  /// Albums that are open on this node, by uid: what a name means may change.
  std::map<std::string, album_view_ptr> open;

  /// Queries that are tried again with the next tick, since nodes are catching up.
  std::deque<std::function<void()>> postponed;
};

/// Answers filters and reads chips, from snapshots and never behind a commit: for this node
/// (`here`), and for the cluster by asking every node and merging, once per image.
query_actor::behavior_type query_behavior(query_actor::stateful_pointer<query_state> self,
                                          context_ptr context, albums_actor albums);

}  // namespace stip

#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "actors/album_view.hpp"
#include "actors/context.hpp"
#include "libstip/cluster/album_directory.hpp"

namespace stip {

struct albums_state {
  static inline const char* name = "albums";

  /// The storage of an album, or those who wait for it to open.
  struct opened {
    bool opening = false;
    /// It was closed a moment ago and somebody still reads it: opening waits for the next tick.
    bool postponed = false;
    /// When somebody last asked for the storage (steady clock).
    int64_t used_ms = 0;
    storage_actor storage;
    album_view_ptr view;
    std::vector<caf::typed_response_promise<storage_actor>> waiting;
  };

  context_ptr context;
  query_actor query;
  repair_actor repair;
  cluster_view_ptr view;
  album_directory directory;
  std::map<hash128, opened> open;
  /// Stores that were closed for want of use, as long as somebody still reads them: no directory is
  /// opened twice.
  std::map<hash128, std::weak_ptr<void>> leaving;
  /// Changes that users make wait for each other: a change is in the directory when it is saved,
  /// and the next one sees it.
  std::deque<std::function<void()>> changes;
  bool changing = false;
  size_t next_peer = 0;
};

using albums_pointer = albums_actor::stateful_pointer<albums_state>;

/// Albums on every node: definitions are kept on the disk, told to the peers when they change and
/// compared with theirs every now and then; deletes stay deleted. Opens the storage of each
/// (album_storages.cpp).
albums_actor::behavior_type albums_behavior(albums_pointer self, context_ptr context,
                                            std::vector<album> kept);

}  // namespace stip

#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <deque>
#include <functional>
#include <memory>

#include "actors/album_view.hpp"
#include "actors/context.hpp"
#include "libstip/store/chip_writer.hpp"

namespace stip {

struct storage_state {
  static inline const char* name = "storage";

  struct waiting_put {
    std::shared_ptr<const parcel> content;
    caf::typed_response_promise<parcel_answer> promise;
  };

  context_ptr context;
  album_view_ptr view;
  std::shared_ptr<chip_writer> writer;
  /// A job of the writer is on the pool; what comes meanwhile waits and goes in one commit.
  bool writing = false;
  /// Levels of the index are being merged.
  bool merging = false;
  std::deque<waiting_put> puts;
  /// Other work of the single writer (deletes, opening and closing), one after the other.
  std::deque<std::function<void()>> others;
};

/// The single writer of one album on this node. Commits are grouped: while one is under way, what
/// arrives is queued, and goes into the next one as a whole. Senders' credit bounds the queue.
storage_actor::behavior_type storage_behavior(storage_actor::stateful_pointer<storage_state> self,
                                              context_ptr context, album_view_ptr view);

}  // namespace stip

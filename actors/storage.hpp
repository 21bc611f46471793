#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "actors/album_view.hpp"
#include "actors/context.hpp"
#include "actors/executor.hpp"
#include "libstip/store/chip_writer.hpp"

namespace stip {

/// Where compaction and scrub of an album stand (maintenance.cpp).
struct maintenance_state {
  /// What comes next, and when (steady clock); nothing is to come without a time.
  std::function<void()> next;
  std::optional<int64_t> due_ms;
  /// Something is under way, or waits for its next step.
  bool busy = false;
  /// The album has changed meanwhile: look again afterwards.
  bool changed = false;
  std::optional<scrub_state> scrub;
  int64_t scrub_kept_ms = 0;
};

struct storage_state {
  static inline const char* name = "storage";

  struct waiting_put {
    std::shared_ptr<const parcel> content;
    caf::typed_response_promise<parcel_answer> promise;
  };
  struct waiting_job {
    std::function<void()> run;
    /// It will never run.
    std::function<void(const error&)> give_up;
  };

  context_ptr context;
  album_view_ptr view;
  std::shared_ptr<chip_writer> writer;
  /// A job of the writer is on the pool; what comes meanwhile waits and goes in one commit.
  bool writing = false;
  /// Levels of the index are being merged.
  bool merging = false;
  /// Tells those who wait for that job that nobody will hear of its outcome.
  std::function<void(const error&)> give_up_writing;
  std::deque<waiting_put> puts;
  /// Other work of the single writer (deletes, opening and closing, the short turns of compaction),
  /// one after the other.
  std::deque<waiting_job> others;
  maintenance_state maintenance;
  /// Nothing begins any more; a job that is on the pool ends by itself.
  bool ended = false;
};

using storage_pointer = storage_actor::stateful_pointer<storage_state>;

/// The single writer of one album on this node. Commits are grouped: while one is under way, what
/// arrives is queued, and goes into the next one as a whole. Senders' credit bounds the queue.
/// Whoever waits when it ends gets an error at once.
storage_actor::behavior_type storage_behavior(storage_pointer self, context_ptr context,
                                              album_view_ptr view);

/// Runs what is next in the writer's line.
void start_next(storage_pointer self);

/// Runs one job of the writer on the pool; `then` sees its outcome in the actor's context. A job is
/// never given up: the next one would write beside it. Those who asked have deadlines of their own.
template <class Work, class Then>
void write(storage_pointer self, Work work, Then then) {
  using outcome = std::invoke_result_t<Work&>;
  auto& state = self->state;
  if (state.ended) return;
  state.writing = true;
  state.give_up_writing = [then](const error& why) mutable { then(outcome{fail(why)}); };
  run_blocking(self, state.context->writers, defaults::longest_job, std::move(work),
               [self, then](outcome done) mutable {
                 self->state.give_up_writing = nullptr;
                 then(std::move(done));
                 self->state.writing = false;
                 start_next(self);
               });
}

/// The same when its turn has come.
template <class Work, class Then>
void write_in_turn(storage_pointer self, Work work, Then then) {
  using outcome = std::invoke_result_t<Work&>;
  if (self->state.ended) return;
  self->state.others.push_back({[self, work, then] { write(self, work, then); },
                                [then](const error& why) mutable { then(outcome{fail(why)}); }});
  start_next(self);
}

// -- maintenance.cpp ------------------------------------------------------------

/// The album has changed: looks after it in a while, unless that is under way.
void note_change(storage_pointer self);

/// Its time may have come: does what is due.
void maintain(storage_pointer self);

}  // namespace stip

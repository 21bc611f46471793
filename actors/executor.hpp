#pragma once

#include <caf/actor_system.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/protocol.hpp"

namespace stip {

/// Spawns a pool of `threads` detached workers behind a queue of at most `queue` jobs; a job beyond
/// that is refused with limit_exceeded. Ends when it is told to exit; jobs that run are finished.
executor_actor spawn_executor(caf::actor_system& system, size_t threads, size_t queue);

/// Runs each job at once in its own handler: deterministic, for tests without threads.
executor_actor spawn_inline_executor(caf::actor_system& system);

/// Runs `work` (returning a result<T>) on the pool and hands what it returned to `then` in the
/// context of `self`. A refusal or a missed deadline reaches `then` as an error.
template <class Self, class Work, class Then>
void run_blocking(Self* self, const executor_actor& pool, std::chrono::milliseconds deadline,
                  Work work, Then then) {
  using outcome = std::invoke_result_t<Work&>;
  auto slot = std::make_shared<std::optional<outcome>>();
  auto todo = std::make_shared<std::function<void()>>([slot, work = std::move(work)]() mutable {
    try {
      slot->emplace(work());
    } catch (const std::exception& e) {
      slot->emplace(fail(ec::internal, "run work", e.what()));
    }
  });
  ask(self, pool, deadline, atom::run_v, std::move(todo))
      .then([slot, then](bool) mutable { then(std::move(**slot)); },
            [then](caf::error& err) mutable {
              then(outcome{fail(from_caf(err, "run work on the pool"))});
            });
}

}  // namespace stip

#include "actors/executor.hpp"

#include <caf/all.hpp>
#include <deque>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

using worker_actor = caf::typed_actor<takes<atom::run, job>::with<bool>>;

worker_actor::behavior_type worker(worker_actor::pointer) {
  return {[](atom::run, const job& todo) {
    (*todo)();
    return true;
  }};
}

struct pool_state {
  static inline const char* name = "executor";

  struct waiting {
    job todo;
    caf::typed_response_promise<bool> promise;
  };
  std::vector<worker_actor> idle;
  std::deque<waiting> queue;
  std::vector<worker_actor> all;
};

using pool_pointer = executor_actor::stateful_pointer<pool_state>;

void give(pool_pointer self, const worker_actor& to, job todo,
          caf::typed_response_promise<bool> promise) {
  auto finished = [self, to, promise](bool ok) mutable {
    promise.deliver(ok);
    if (self->state.queue.empty()) {
      self->state.idle.push_back(to);
      return;
    }
    auto next = std::move(self->state.queue.front());
    self->state.queue.pop_front();
    give(self, to, std::move(next.todo), std::move(next.promise));
  };
  // Whoever asked for the job has a deadline; one that runs cannot be taken back.
  ask(self, to, defaults::longest_job, atom::run_v, std::move(todo))
      .then(finished, [finished, promise](caf::error& err) mutable {
        promise.deliver(std::move(err));
        finished(false);
      });
}

executor_actor::behavior_type pool(pool_pointer self, size_t threads, size_t bound) {
  for (size_t i = 0; i < threads; ++i) {
    auto w = self->spawn<caf::detached + caf::linked>(worker);
    self->state.all.push_back(w);
    self->state.idle.push_back(w);
  }
  return {[self, bound](atom::run, job& todo) -> caf::result<bool> {
    auto& state = self->state;
    // The promise comes last: an error that is returned after it is never sent.
    if (state.idle.empty() && state.queue.size() >= bound)
      return to_caf({ec::limit_exceeded, "queue work",
                     std::to_string(bound) + " jobs are waiting already", "try again later"});
    auto promise = self->make_response_promise<bool>();
    if (state.idle.empty()) {
      state.queue.push_back({std::move(todo), promise});
    } else {
      auto w = state.idle.back();
      state.idle.pop_back();
      give(self, w, std::move(todo), promise);
    }
    return promise;
  }};
}

executor_actor::behavior_type inline_pool(executor_actor::pointer) {
  return {[](atom::run, const job& todo) -> caf::result<bool> {
    (*todo)();
    return true;
  }};
}

}  // namespace

executor_actor spawn_executor(caf::actor_system& system, size_t threads, size_t queue) {
  return system.spawn(pool, threads, queue);
}

executor_actor spawn_inline_executor(caf::actor_system& system) {
  return system.spawn(inline_pool);
}

}  // namespace stip

#pragma once

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "actors/ask.hpp"
#include "actors/errors.hpp"

namespace stip {

/// One request of a thread that is no actor, and its answer or why there is none. CAF says nothing
/// of a request whose link goes down, so the receiver is watched beside it: a node that ends is
/// noticed at once.
template <class T>
class question {
 public:
  template <class Handle, class... Ts>
  question(caf::actor_system& system, const Handle& whom, std::chrono::milliseconds deadline,
           const std::string& what, const Ts&... message)
      : what_(what) {
    auto outcome = std::make_shared<std::promise<result<T>>>();
    answer_ = outcome->get_future();
    asker_ = caf::actor_cast<caf::actor>(system.spawn([=](caf::event_based_actor* self) {
      // Whichever comes first ends the actor, and with it the others.
      self->set_down_handler([=](const caf::down_msg&) {
        outcome->set_value(fail(ec::unavailable, what, "the node has ended or cannot be reached",
                                "look at `stip node list`, or start it again"));
        self->quit();
      });
      self->monitor(whom);
      ask(self, whom, deadline, message...)
          .then(
              [=](T& value) {
                outcome->set_value(std::move(value));
                self->quit();
              },
              [=](caf::error& err) {
                outcome->set_value(fail(from_caf(err, what)));
                self->quit();
              });
    }));
  }

  result<T> wait() {
    try {
      return answer_.get();
    } catch (const std::future_error&) {
      // The asker was ended with its actor system.
      return fail(ec::stopped, what_, "the node stops");
    }
  }

  /// Gives up when `stopped()`, which is asked every tick.
  template <class Stopped>
  result<T> wait(Stopped stopped) {
    while (answer_.wait_for(defaults::tick_interval) != std::future_status::ready) {
      if (!stopped()) continue;
      caf::anon_send_exit(asker_, caf::exit_reason::user_shutdown);
      return fail(ec::stopped, what_, "the work that wanted to know is over");
    }
    return wait();
  }

 private:
  const std::string what_;
  std::future<result<T>> answer_;
  caf::actor asker_;
};

}  // namespace stip

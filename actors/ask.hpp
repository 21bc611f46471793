#pragma once

#include <caf/actor_clock.hpp>
#include <caf/detail/type_list.hpp>
#include <caf/detail/type_traits.hpp>
#include <caf/response_handle.hpp>
#include <chrono>
#include <utility>

namespace stip {

/// An answer that is waited for; see ask().
template <class Self, class Handle>
class awaited_answer {
 public:
  awaited_answer(Self* self, Handle handle) : self_(self), handle_(std::move(handle)) {}

  /// One of the two is called, in the context of the actor that asked: `ok` with the answer, or
  /// `fail` with a `caf::error&`, which a missed deadline is as well.
  template <class Ok, class Fail>
  void then(Ok ok, Fail fail) {
    handle_.then(without_timeout(std::move(ok)), without_timeout(std::move(fail)));
  }

 private:
  template <class F>
  auto without_timeout(F f) {
    return wrap(std::move(f), typename caf::detail::get_callable_trait<F>::arg_types{});
  }

  // CAF looks for the type of the answer in the handler's signature, so it has to be kept.
  template <class F, class... Ts>
  auto wrap(F f, caf::detail::type_list<Ts...>) {
    return [self = self_, id = handle_.id(), f = std::move(f)](Ts... answer) mutable {
      self->clock().cancel_request_timeout(self, id);
      f(std::forward<Ts>(answer)...);
    };
  }

  Self* self_;
  Handle handle_;
};

/// Sends a request, like `self->request(whom, deadline, content...)`, and forgets its timeout when
/// the answer is there. CAF 0.17.6 keeps it until it is due: with deadlines of minutes and a
/// hundred answers a second that is what a node's memory would go to.
template <class Self, class Whom, class... Ts>
auto ask(Self* self, const Whom& whom, std::chrono::milliseconds deadline, Ts&&... content) {
  return awaited_answer{self, self->request(whom, deadline, std::forward<Ts>(content)...)};
}

}  // namespace stip

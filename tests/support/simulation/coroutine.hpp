#pragma once

#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <functional>
#include <memory>
#include <utility>

namespace stip::sim {

/// Stacks of coroutines that have ended are used again.
using coroutine_stacks = boost::context::pooled_fixedsize_stack;
inline constexpr size_t coroutine_stack_bytes = size_t{96} << 10;

/// A function that is written as if it might block, and runs in the simulator's one thread: it
/// gives control back where it waits and goes on when it is resumed. What stands on its stack is
/// destroyed with it.
class coroutine {
 public:
  coroutine(coroutine_stacks& stacks, std::function<void(coroutine&)> body)
      : inside_(std::allocator_arg, stacks,
                [this, body = std::move(body)](boost::context::fiber&& caller) {
                  outside_ = std::move(caller);
                  body(*this);
                  done_ = true;
                  return std::move(outside_);
                }) {}
  coroutine(const coroutine&) = delete;
  coroutine& operator=(const coroutine&) = delete;

  /// From outside: runs it until it waits or ends.
  void resume() { inside_ = std::move(inside_).resume(); }
  bool is_done() const { return done_; }

  /// From inside: gives control back until it is resumed.
  void wait() { outside_ = std::move(outside_).resume(); }

 private:
  bool done_ = false;
  // The inside goes first: what it destroys may look at the rest.
  boost::context::fiber outside_;
  boost::context::fiber inside_;
};

}  // namespace stip::sim

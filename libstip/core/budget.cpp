#include "libstip/core/budget.hpp"

#include <algorithm>
#include <chrono>

namespace stip {

namespace {
constexpr std::chrono::milliseconds stop_poll_interval{100};
}

result<uint64_t> budget::acquire(uint64_t amount, const std::function<bool()>& stop) {
  const auto wanted = std::min(amount, total_);
  std::unique_lock lock{mutex_};
  const auto ticket = next_ticket_++;
  bool stopped = false;
  // First come, first served: a large request is not starved by small ones. One that gives up
  // keeps its turn until it comes, so that the line behind it stays in order.
  while (serving_ != ticket || (!stopped && free_ < wanted)) {
    changed_.wait_for(lock, stop_poll_interval);
    stopped = stopped || (stop && stop());
  }
  ++serving_;
  changed_.notify_all();
  if (stopped) return fail(ec::stopped, "wait for a turn", "the task was stopped");
  free_ -= wanted;
  high_water_ = std::max(high_water_, total_ - free_);
  return wanted;
}

void budget::release(uint64_t amount) {
  const std::lock_guard guard{mutex_};
  free_ = std::min(total_, free_ + amount);
  changed_.notify_all();
}

uint64_t budget::high_water() const {
  const std::lock_guard guard{mutex_};
  return high_water_;
}

}  // namespace stip

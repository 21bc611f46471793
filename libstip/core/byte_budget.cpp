#include "libstip/core/byte_budget.hpp"

#include <algorithm>
#include <chrono>

namespace stip {

namespace {
constexpr std::chrono::milliseconds stop_poll_interval{100};
}

result<uint64_t> byte_budget::acquire(uint64_t bytes, const std::function<bool()>& stop) {
  const auto wanted = std::min(bytes, total_);
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
  if (stopped) return fail(ec::stopped, "wait for memory", "the task was stopped");
  free_ -= wanted;
  high_water_ = std::max(high_water_, total_ - free_);
  return wanted;
}

void byte_budget::release(uint64_t bytes) {
  const std::lock_guard guard{mutex_};
  free_ = std::min(total_, free_ + bytes);
  changed_.notify_all();
}

uint64_t byte_budget::high_water() const {
  const std::lock_guard guard{mutex_};
  return high_water_;
}

}  // namespace stip

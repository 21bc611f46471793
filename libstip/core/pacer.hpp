#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace stip {

/// Keeps work that several share to a number of bytes a second. Thread-safe.
class pacer {
 public:
  explicit pacer(uint64_t bytes_per_second) : rate_(std::max<uint64_t>(bytes_per_second, 1)) {}

  /// After work of so many bytes that ended now: how long to rest before the next. Rests are shared
  /// out: whoever comes while another one rests waits behind it.
  int64_t rest_ms(uint64_t bytes, int64_t now_ms) {
    const std::lock_guard lock{mutex_};
    const auto cost = static_cast<double>(bytes) * 1000 / static_cast<double>(rate_);
    free_at_ = std::max(free_at_, static_cast<double>(now_ms)) + cost;
    return static_cast<int64_t>(free_at_) - now_ms;
  }

 private:
  const uint64_t rate_;
  std::mutex mutex_;
  double free_at_ = 0;
};

}  // namespace stip

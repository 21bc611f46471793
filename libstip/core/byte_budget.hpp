#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "libstip/core/error.hpp"

namespace stip {

/// A bound on bytes that several threads share: whoever wants some waits, in order of arrival,
/// until others have given theirs back. Thread-safe.
class byte_budget {
 public:
  explicit byte_budget(uint64_t bytes) : total_(bytes), free_(bytes) {}

  uint64_t total() const { return total_; }

  /// Takes `bytes` (more than the total counts as the total), waiting for them; `stop` is asked
  /// about ten times a second. Error: stopped. Returns what was taken and must be released.
  result<uint64_t> acquire(uint64_t bytes, const std::function<bool()>& stop);
  void release(uint64_t bytes);

  /// The most that was ever taken at once.
  uint64_t high_water() const;

 private:
  const uint64_t total_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t free_;
  uint64_t high_water_ = 0;
  uint64_t next_ticket_ = 0;
  uint64_t serving_ = 0;
};

}  // namespace stip

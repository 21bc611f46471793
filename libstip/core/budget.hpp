#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

#include "libstip/core/error.hpp"

namespace stip {

/// A bound on what several threads share, such as bytes or processors: whoever wants some waits, in
/// order of arrival, until others have given theirs back. Thread-safe.
class budget {
 public:
  explicit budget(uint64_t total) : total_(total), free_(total) {}

  uint64_t total() const { return total_; }

  /// Takes `amount` (more than the total counts as the total), waiting for it; `stop` is asked
  /// about ten times a second. Error: stopped. Returns what was taken and must be released.
  result<uint64_t> acquire(uint64_t amount, const std::function<bool()>& stop);
  void release(uint64_t amount);

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

/// What was taken of a budget; given back at the end of the scope, if not before.
class budget_share {
 public:
  static result<budget_share> acquire(budget& of, uint64_t amount,
                                      const std::function<bool()>& stop) {
    STIP_ASSIGN(const auto taken, of.acquire(amount, stop));
    return budget_share{of, taken};
  }
  budget_share(budget_share&& other) noexcept
      : of_(std::exchange(other.of_, nullptr)), amount_(other.amount_) {}
  budget_share& operator=(budget_share&&) = delete;
  ~budget_share() { release(); }

  /// Whether it has not been given back.
  explicit operator bool() const { return of_ != nullptr; }
  uint64_t amount() const { return amount_; }

  /// Gives back all but `amount`.
  void shrink_to(uint64_t amount) {
    if (of_ == nullptr || amount >= amount_) return;
    of_->release(amount_ - amount);
    amount_ = amount;
  }

  void release() {
    if (auto* of = std::exchange(of_, nullptr)) of->release(amount_);
  }

 private:
  budget_share(budget& of, uint64_t amount) : of_(&of), amount_(amount) {}

  budget* of_;
  uint64_t amount_;
};

}  // namespace stip

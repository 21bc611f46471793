#include "libstip/analysis/value_ranges.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace stip {

namespace {

/// Buckets at most: with them, few thresholds share one, and the table stays in the first cache.
constexpr uint32_t max_buckets = 1024;

}  // namespace

value_ranges::value_ranges(std::vector<float> thresholds) : thresholds_(std::move(thresholds)) {
  for (auto& threshold : thresholds_) threshold += 0.0f;
  std::sort(thresholds_.begin(), thresholds_.end());
  thresholds_.erase(std::unique(thresholds_.begin(), thresholds_.end()), thresholds_.end());
  count_ = thresholds_.size();
  starts_ = {0};
  if (count_ == 0) return;
  lowest_ = sortable(thresholds_.front());
  highest_ = sortable(thresholds_.back());
  while ((highest_ - lowest_) >> shift_ >= max_buckets) ++shift_;
  starts_.clear();
  uint32_t passed = 0, fullest = 0;
  for (uint32_t bucket = 0; bucket <= (highest_ - lowest_) >> shift_; ++bucket) {
    starts_.push_back(passed);
    while (passed < count_ && (sortable(thresholds_[passed]) - lowest_) >> shift_ == bucket)
      ++passed;
    fullest = std::max(fullest, passed - starts_.back());
  }
  first_step_ = std::bit_floor(size_t{fullest});
  thresholds_.resize(count_ + 2 * first_step_, std::numeric_limits<float>::infinity());
}

}  // namespace stip

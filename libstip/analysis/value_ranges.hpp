#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace stip {

/// The ranges into which thresholds part the numbers: a value's range is the number of thresholds
/// below it, so that it is at most threshold i when its range is at most i.
class value_ranges {
 public:
  /// Sorts the thresholds, none of which is NaN, and keeps each once.
  explicit value_ranges(std::vector<float> thresholds = {});

  /// Thresholds; ranges are one more.
  size_t size() const noexcept { return count_; }

  /// The number of thresholds below a value that is not NaN: for a threshold, its own number.
  size_t of(float value) const noexcept {
    // -0 is 0.
    value += 0.0f;
    // Steps that do not depend on the value: no branch is ever mispredicted.
    auto range = size_t{starts_[bucket_of(value)]};
    for (auto step = first_step_; step != 0; step /= 2)
      range += thresholds_[range + step - 1] < value ? step : 0;
    return range;
  }

 private:
  /// Bits that sort as the numbers do.
  static uint32_t sortable(float value) noexcept {
    const auto bits = std::bit_cast<uint32_t>(value);
    const auto negative = static_cast<uint32_t>(static_cast<int32_t>(bits) >> 31);
    return bits ^ (negative | 0x8000'0000U);
  }

  size_t bucket_of(float value) const noexcept {
    return (std::clamp(sortable(value), lowest_, highest_) - lowest_) >> shift_;
  }

  /// Ascending, followed by infinities as far as a search may look.
  std::vector<float> thresholds_;
  size_t count_ = 0;
  /// Buckets of numbers whose bits are alike, from that of the first threshold to that of the last:
  /// thresholds before each.
  std::vector<uint32_t> starts_;
  uint32_t lowest_ = 0;
  uint32_t highest_ = 0;
  unsigned shift_ = 0;
  size_t first_step_ = 0;
};

}  // namespace stip

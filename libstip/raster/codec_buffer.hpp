#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace stip {

/// Memory that grows to what was asked for and is kept; nobody reads of it what was not written.
/// Internal to the codec.
class buffer {
 public:
  std::span<std::byte> get(size_t bytes) {
    if (bytes > capacity_) {
      memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
      capacity_ = bytes;
    }
    return {memory_.get(), bytes};
  }

 private:
  std::unique_ptr<std::byte[]> memory_;
  size_t capacity_ = 0;
};

}  // namespace stip

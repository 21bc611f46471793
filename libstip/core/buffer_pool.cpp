#include "libstip/core/buffer_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

/// What a cache line takes; rows of pixels start on one.
constexpr size_t alignment = 64;

/// Buffers of this size and more come straight from the system, so that freeing them lowers the
/// process' memory at once, whatever the allocator's arenas look like.
constexpr uint64_t mapped_bytes = uint64_t{64} << 10;

std::byte* allocate(uint64_t bytes) noexcept {
  if (bytes < mapped_bytes)
    return static_cast<std::byte*>(
        ::operator new (bytes, std::align_val_t{alignment}, std::nothrow));
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : static_cast<std::byte*>(data);
}

void deallocate(std::byte* data, uint64_t bytes) noexcept {
  if (bytes < mapped_bytes)
    ::operator delete (data, std::align_val_t{alignment});
  else
    ::munmap(data, bytes);
}

}  // namespace

void pooled_buffer::release() noexcept {
  if (data_ != nullptr) pool_->give_back(data_, size_);
  pool_ = nullptr;
  data_ = nullptr;
  size_ = 0;
}

buffer_pool::buffer_pool(uint64_t max_bytes) noexcept : max_bytes_(max_bytes) {}

buffer_pool::~buffer_pool() {
  trim();
}

uint64_t buffer_pool::class_bytes(uint64_t size) noexcept {
  if (size <= defaults::min_pooled_bytes) return defaults::min_pooled_bytes;
  if (size > uint64_t{1} << 63) return UINT64_MAX;
  // Eight classes a doubling, all of them multiples of the alignment.
  const uint64_t step = std::bit_floor(size - 1) / 8;
  return (size + step - 1) / step * step;
}

pooled_buffer buffer_pool::acquire(size_t size) {
  const uint64_t rounded = class_bytes(size);
  if (rounded > max_bytes_) return {};
  std::unique_lock lock(mutex_);
  released_.wait(lock, [&] { return loaned_bytes_ + rounded <= max_bytes_; });
  return take(size, rounded, lock);
}

pooled_buffer buffer_pool::try_acquire(size_t size) {
  const uint64_t rounded = class_bytes(size);
  std::unique_lock lock(mutex_);
  if (rounded > max_bytes_ || loaned_bytes_ + rounded > max_bytes_) return {};
  return take(size, rounded, lock);
}

pooled_buffer buffer_pool::take(size_t size, uint64_t rounded, std::unique_lock<std::mutex>& lock) {
  std::byte* data = nullptr;
  if (const auto found = idle_.find(rounded); found != idle_.end() && !found->second.empty()) {
    data = found->second.back();
    found->second.pop_back();
    idle_bytes_ -= rounded;
  } else {
    evict(rounded);
  }
  loaned_bytes_ += rounded;
  peak_loaned_bytes_ = std::max(peak_loaned_bytes_, loaned_bytes_);
  peak_bytes_ = std::max(peak_bytes_, loaned_bytes_ + idle_bytes_);
  if (data == nullptr) {
    lock.unlock();
    data = allocate(rounded);
    if (data == nullptr) {
      lock.lock();
      loaned_bytes_ -= rounded;
      released_.notify_all();
      return {};
    }
  }
  return {this, data, size};
}

void buffer_pool::evict(uint64_t room) {
  while (!idle_.empty() && loaned_bytes_ + idle_bytes_ + room > max_bytes_) {
    const auto largest = std::prev(idle_.end());
    auto& [bytes, buffers] = *largest;
    if (!buffers.empty()) {
      deallocate(buffers.back(), bytes);
      buffers.pop_back();
      idle_bytes_ -= bytes;
    }
    if (buffers.empty()) idle_.erase(largest);
  }
}

void buffer_pool::give_back(std::byte* data, size_t size) noexcept {
  const uint64_t rounded = class_bytes(size);
  {
    const std::lock_guard lock(mutex_);
    loaned_bytes_ -= rounded;
    idle_bytes_ += rounded;
    idle_[rounded].push_back(data);
  }
  released_.notify_all();
}

void buffer_pool::trim() {
  const std::lock_guard lock(mutex_);
  for (auto& [bytes, buffers] : idle_)
    for (std::byte* data : buffers) deallocate(data, bytes);
  idle_.clear();
  idle_bytes_ = 0;
}

uint64_t buffer_pool::loaned_bytes() const {
  const std::lock_guard lock(mutex_);
  return loaned_bytes_;
}

uint64_t buffer_pool::peak_loaned_bytes() const {
  const std::lock_guard lock(mutex_);
  return peak_loaned_bytes_;
}

uint64_t buffer_pool::peak_bytes() const {
  const std::lock_guard lock(mutex_);
  return peak_bytes_;
}

}  // namespace stip

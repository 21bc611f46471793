#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace stip {

class buffer_pool;

/// A buffer on loan from a pool; goes back when it dies. The pool must outlive it.
class pooled_buffer {
 public:
  pooled_buffer() = default;
  pooled_buffer(pooled_buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  pooled_buffer& operator=(pooled_buffer&& other) noexcept {
    if (this != &other) {
      release();
      pool_ = std::exchange(other.pool_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~pooled_buffer() { release(); }

  /// Whether there is a buffer; an empty handle comes from try_acquire and from moving.
  explicit operator bool() const noexcept { return data_ != nullptr; }

  /// The bytes that were asked for, aligned to 64; their values are unspecified.
  std::span<std::byte> bytes() const noexcept { return {data_, size_}; }
  std::byte* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }

  /// Gives the buffer back at once.
  void release() noexcept;

 private:
  friend class buffer_pool;
  pooled_buffer(buffer_pool* pool, std::byte* data, size_t size) noexcept
      : pool_(pool), data_(data), size_(size) {}

  buffer_pool* pool_ = nullptr;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Large buffers that are used again instead of fresh memory, under a hard bound of bytes. Sizes
/// are rounded up to classes (class_bytes), of which idle buffers are kept until the bound needs
/// their room. Any thread may acquire and release.
class buffer_pool {
 public:
  /// `max_bytes` bounds what is on loan and idle together, counted by class.
  explicit buffer_pool(uint64_t max_bytes) noexcept;
  ~buffer_pool();
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  /// Bytes that a buffer of `size` bytes takes of the bound: at most an eighth more, at least
  /// defaults::min_pooled_bytes.
  static uint64_t class_bytes(uint64_t size) noexcept;

  /// A buffer of `size` bytes; waits until it fits under the bound. Empty only when it never can,
  /// or when the system has no memory left.
  pooled_buffer acquire(size_t size);

  /// The same without waiting: empty when the buffer does not fit now.
  pooled_buffer try_acquire(size_t size);

  /// Frees all idle buffers.
  void trim();

  uint64_t max_bytes() const noexcept { return max_bytes_; }

  /// Bytes on loan, by class.
  uint64_t loaned_bytes() const;

  /// The most bytes that were ever on loan at once, by class.
  uint64_t peak_loaned_bytes() const;

  /// The most bytes that the pool ever held, on loan and idle; never more than max_bytes().
  uint64_t peak_bytes() const;

 private:
  friend class pooled_buffer;

  pooled_buffer take(size_t size, uint64_t rounded, std::unique_lock<std::mutex>& lock);
  void give_back(std::byte* data, size_t size) noexcept;
  void evict(uint64_t room);

  const uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable released_;
  std::map<uint64_t, std::vector<std::byte*>> idle_;
  uint64_t idle_bytes_ = 0;
  uint64_t loaned_bytes_ = 0;
  uint64_t peak_loaned_bytes_ = 0;
  uint64_t peak_bytes_ = 0;
};

/// A pool for all who need one at the same time; its memory is given back when the last of them is
/// done. Thread-safe.
class shared_pool {
 public:
  explicit shared_pool(uint64_t max_bytes) noexcept : max_bytes_(max_bytes) {}

  std::shared_ptr<buffer_pool> use() {
    const std::lock_guard guard{mutex_};
    auto pool = pool_.lock();
    if (!pool) pool_ = pool = std::make_shared<buffer_pool>(max_bytes_);
    return pool;
  }

 private:
  const uint64_t max_bytes_;
  std::mutex mutex_;
  std::weak_ptr<buffer_pool> pool_;
};

}  // namespace stip

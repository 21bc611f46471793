#define CAF_SUITE core.buffer_pool
#include "libstip/core/buffer_pool.hpp"

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "libstip/core/defaults.hpp"

using namespace stip;

CAF_TEST(a class is never smaller than what was asked for and at most an eighth larger) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t size = random() >> (20 + random() % 43);
    const uint64_t rounded = buffer_pool::class_bytes(size);
    CAF_REQUIRE(rounded >= size);
    CAF_REQUIRE(rounded >= defaults::min_pooled_bytes);
    if (size > defaults::min_pooled_bytes) CAF_REQUIRE((rounded - size) * 8 <= size);
    CAF_REQUIRE_EQUAL(buffer_pool::class_bytes(rounded), rounded);
    CAF_REQUIRE(buffer_pool::class_bytes(size + 1) >= rounded);
  }
}

CAF_TEST(a released buffer is used again for the same class) {
  buffer_pool pool(1 << 20);
  auto first = pool.acquire(100'000);
  CAF_REQUIRE(first);
  CAF_CHECK_EQUAL(first.size(), 100'000u);
  CAF_CHECK_EQUAL(reinterpret_cast<uintptr_t>(first.data()) % 64, 0u);
  std::memset(first.data(), 1, first.size());
  const std::byte* address = first.data();
  first.release();
  CAF_CHECK(!first);
  CAF_CHECK_EQUAL(pool.loaned_bytes(), 0u);
  auto second = pool.acquire(99'000);
  CAF_CHECK(second.data() == address);
}

CAF_TEST(what does not fit is refused and idle buffers of other sizes make room) {
  buffer_pool pool(1 << 20);
  CAF_CHECK(!pool.acquire((1 << 20) + 1));
  CAF_CHECK(!pool.try_acquire(size_t{1} << 60));
  {
    auto a = pool.try_acquire(500'000);
    auto b = pool.try_acquire(400'000);
    CAF_REQUIRE(a);
    CAF_REQUIRE(b);
    CAF_CHECK(!pool.try_acquire(400'000));
  }
  auto whole = pool.try_acquire(1 << 20);
  CAF_REQUIRE(whole);
  std::memset(whole.data(), 1, whole.size());
  CAF_CHECK_EQUAL(pool.peak_bytes(), uint64_t{1} << 20);
  CAF_CHECK(!pool.try_acquire(1));
  whole.release();
  pool.trim();
  CAF_CHECK(pool.try_acquire(1));
}

CAF_TEST(a handle gives its buffer back once however it is moved) {
  buffer_pool pool(1 << 20);
  {
    auto a = pool.acquire(10'000);
    auto b = std::move(a);
    CAF_CHECK(!a);
    auto c = pool.acquire(20'000);
    c = std::move(b);
    CAF_CHECK_EQUAL(pool.loaned_bytes(), buffer_pool::class_bytes(10'000));
  }
  CAF_CHECK_EQUAL(pool.loaned_bytes(), 0u);
}

CAF_TEST(threads never hold more than the bound and never share a buffer) {
  buffer_pool pool(3 << 20);
  std::atomic<bool> intact{true};
  {
    std::vector<std::jthread> threads;
    for (int id = 0; id < 4; ++id)
      threads.emplace_back([&, id] {
        std::mt19937_64 random(static_cast<uint64_t>(id));
        for (int i = 0; i < 500; ++i) {
          auto buffer = pool.acquire(1 + random() % 1'500'000);
          if (!buffer) intact = false;
          std::memset(buffer.data(), id, buffer.size() / 16 + 1);
          std::this_thread::yield();
          for (size_t k = 0; k <= buffer.size() / 16; k += 97)
            if (buffer.data()[k] != static_cast<std::byte>(id)) intact = false;
        }
      });
  }
  CAF_CHECK(intact);
  CAF_CHECK_EQUAL(pool.loaned_bytes(), 0u);
  CAF_CHECK(pool.peak_bytes() <= pool.max_bytes());
}

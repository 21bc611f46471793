#define CAF_SUITE core.budget
#include "libstip/core/budget.hpp"

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "libstip/core/buffer_pool.hpp"

using namespace stip;

CAF_TEST(shares never exceed the budget and all come back) {
  constexpr uint64_t total = 10;
  budget of{total};
  std::atomic<uint64_t> taken{0};
  std::atomic<bool> exceeded{false};
  {
    std::vector<std::jthread> threads;
    for (uint64_t t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < 500; ++i) {
          auto share = budget_share::acquire(of, 1 + (i * (t + 3)) % 12, {});
          if ((taken += share->amount()) > total) exceeded = true;
          taken -= share->amount();
          if (i % 2 == 0) share->release();
        }
      });
  }
  CAF_CHECK(!exceeded);
  CAF_CHECK(of.high_water() <= total);
  // More than the total counts as the total: it is free again.
  const auto all = budget_share::acquire(of, total + 5, {});
  CAF_REQUIRE(all.has_value());
  CAF_CHECK_EQUAL(all->amount(), total);
}

CAF_TEST(a share is given back once however often it is released and moved) {
  budget of{3};
  {
    auto first = budget_share::acquire(of, 2, {});
    CAF_REQUIRE(first.has_value());
    auto moved = std::move(*first);
    moved.shrink_to(5);
    CAF_CHECK_EQUAL(moved.amount(), 2u);
    moved.shrink_to(1);
    CAF_CHECK_EQUAL(moved.amount(), 1u);
    CAF_CHECK(of.acquire(2, {}).has_value());
    of.release(2);
    moved.release();
    moved.release();
  }
  CAF_CHECK(of.acquire(3, {}).has_value());
  const auto more = budget_share::acquire(of, 1, [] { return true; });
  CAF_REQUIRE(!more.has_value());
  CAF_CHECK(more.error().code == ec::stopped);
  of.release(3);
  CAF_CHECK(of.acquire(3, {}).has_value());
}

CAF_TEST(a shared pool lives as long as somebody uses it) {
  shared_pool pools{1 << 20};
  auto first = pools.use();
  const auto* same = first.get();
  auto second = pools.use();
  CAF_CHECK(second.get() == same);
  const auto* address = first->acquire(5000).data();
  first.reset();
  CAF_CHECK(second->acquire(5000).data() == address);
  std::weak_ptr<buffer_pool> gone = second;
  second.reset();
  CAF_CHECK(gone.expired());
  CAF_CHECK_EQUAL(pools.use()->max_bytes(), uint64_t{1} << 20);
}

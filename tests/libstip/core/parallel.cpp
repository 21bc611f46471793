#define CAF_SUITE core.parallel
#include "libstip/core/parallel.hpp"

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <set>
#include <stdexcept>

using namespace stip;

CAF_TEST(every call is made once and the first by the caller) {
  for (const size_t count : {0, 1, 2, 9}) {
    std::mutex mutex;
    std::multiset<size_t> made;
    std::thread::id first;
    in_parallel(count, [&](size_t i) {
      const std::lock_guard lock(mutex);
      made.insert(i);
      if (i == 0) first = std::this_thread::get_id();
    });
    CAF_CHECK_EQUAL(made.size(), count);
    for (size_t i = 0; i < count; ++i) CAF_CHECK_EQUAL(made.count(i), 1u);
    if (count > 0) CAF_CHECK(first == std::this_thread::get_id());
  }
}

CAF_TEST(what a call throws reaches the caller after all others) {
  for (const size_t thrower : {0, 3}) {
    std::atomic<int> ended{0};
    bool thrown = false;
    try {
      in_parallel(5, [&](size_t i) {
        if (i == thrower) throw std::runtime_error("no memory");
        ++ended;
      });
    } catch (const std::runtime_error& e) {
      thrown = std::string(e.what()) == "no memory";
    }
    CAF_CHECK(thrown);
    CAF_CHECK_EQUAL(ended.load(), 4);
  }
}

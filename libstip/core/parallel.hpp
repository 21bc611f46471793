#pragma once

#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace stip {

/// Calls f(0) ... f(count - 1), each in a thread of its own but f(0), which this thread calls;
/// returns when all of them have. Where the system gives no more threads, this one makes the
/// remaining calls, one after the other. The calls must not wait for each other. What one of them
/// throws is thrown here when all have ended.
template <class F>
void in_parallel(size_t count, F&& f) {
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto call = [&](size_t i) {
    try {
      f(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      thrown = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    size_t next = 1;
    try {
      for (; next < count; ++next) others.emplace_back([&call, i = next] { call(i); });
    } catch (const std::system_error&) {
    }
    if (count > 0) call(0);
    for (; next < count; ++next) call(next);
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace stip

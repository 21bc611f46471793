#pragma once

#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace stip {

/// Calls f(0) ... f(count - 1), each in a thread of its own but f(0), which this thread calls;
/// returns when all of them have. Where the system gives no more threads, this one makes the
/// remaining calls, one after the other. The calls must not wait for each other.
template <class F>
void in_parallel(size_t count, F&& f) {
  if (count == 0) return;
  std::vector<std::jthread> others;
  others.reserve(count - 1);
  size_t next = 1;
  try {
    for (; next < count; ++next) others.emplace_back([&f, i = next] { f(i); });
  } catch (const std::system_error&) {
  }
  f(0);
  for (; next < count; ++next) f(next);
}

}  // namespace stip

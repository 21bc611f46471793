#pragma once

#include <cstdlib>

namespace stip::test {

/// The number in a variable of the environment, which makes a test longer than it is by default.
inline int from_environment(const char* name, int otherwise) {
  const auto* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoi(value);
}

}  // namespace stip::test

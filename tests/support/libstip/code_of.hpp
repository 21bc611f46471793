#pragma once

#include "libstip/core/error.hpp"

namespace stip::test {

/// The code with which something failed; none when it did not.
template <class T>
ec code_of(const result<T>& outcome) {
  return outcome ? ec::none : outcome.error().code;
}

}  // namespace stip::test

#define CAF_SUITE core.error
#include "libstip/core/error.hpp"

#include <caf/test/unit_test.hpp>
#include <cerrno>

using namespace stip;

namespace {

result<int> half(int x) {
  if (x % 2 != 0) return fail(ec::invalid_argument, "halve", "odd", "give an even number");
  return x / 2;
}

result<int> quarter(int x) {
  STIP_ASSIGN(auto once, half(x));
  STIP_ASSIGN(const int twice, half(once));
  return twice;
}

}  // namespace

CAF_TEST(an error reads as what why and advice on one line) {
  CAF_CHECK_EQUAL(to_string(error{ec::io_error, "read x", "it\nbroke", "mend it"}),
                  "read x: it broke; mend it");
  CAF_CHECK_EQUAL(to_string(error{ec::io_error, "read x", "", ""}), "read x");
}

CAF_TEST(a failure passes through every caller unchanged) {
  auto quartered = quarter(8);
  CAF_REQUIRE(quartered.has_value());
  CAF_CHECK_EQUAL(*quartered, 2);
  auto failed = quarter(6);
  CAF_REQUIRE(!failed);
  CAF_CHECK_EQUAL(failed.error().why, "odd");
}

CAF_TEST(a full disk is named as such) {
  CAF_CHECK(system_error("write", ENOSPC).code == ec::no_space);
  CAF_CHECK(system_error("open", ENOENT).code == ec::not_found);
}

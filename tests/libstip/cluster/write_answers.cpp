#define CAF_SUITE cluster.write_answers
#include "libstip/cluster/write_answers.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

result<void> failure(ec code) {
  return fail(code, "send", "it failed");
}

}  // namespace

CAF_TEST(a write that nobody refuses is confirmed when all is answered) {
  write_answers a{0};
  CAF_CHECK(a.is_settled());
  for (int i = 0; i < 3; ++i) a.sent();
  a.answered(1, {});
  a.answered(2, {});
  CAF_CHECK(!a.is_settled());
  a.answered(1, {});
  CAF_CHECK(a.is_settled());
  CAF_CHECK(a.outcome().has_value());
}

CAF_TEST(copies of nodes that are no members any more count for nothing) {
  const auto all_but = [](uint64_t gone) { return [gone](uint64_t node) { return node != gone; }; };
  for (const size_t spare : {0u, 1u}) {
    write_answers a{spare};
    for (int i = 0; i < 3; ++i) a.sent();
    for (uint64_t node = 1; node <= 3; ++node) a.answered(node, {});
    a.drop_gone(all_but(4));
    CAF_CHECK(a.outcome().has_value());
    a.drop_gone(all_but(2));
    CAF_CHECK_EQUAL(a.outcome().has_value(), spare == 1);
    if (spare == 1) continue;
    const auto outcome = a.outcome();
    CAF_CHECK(outcome.error().code == ec::unavailable);
  }
}

CAF_TEST(as many nodes may fail as can be spared and each counts once) {
  write_answers a{1};
  for (int i = 0; i < 5; ++i) a.sent();
  a.answered(7, failure(ec::timeout));
  a.answered(7, failure(ec::no_space));
  CAF_CHECK(!a.takes(7));
  CAF_CHECK(a.takes(8));
  CAF_CHECK(!a.too_few());
  CAF_CHECK(a.outcome().has_value());
  // What it took after it had failed counts for nothing.
  a.answered(7, {});
  CAF_CHECK(!a.takes(7));
  a.answered(8, failure(ec::unavailable));
  CAF_CHECK(a.too_few());
  a.answered(9, {});
  const auto outcome = a.outcome();
  CAF_REQUIRE(!outcome);
  CAF_CHECK(outcome.error().code == ec::timeout);
}

#define CAF_SUITE cluster.push_claims
#include "libstip/cluster/push_claims.hpp"

#include <caf/test/unit_test.hpp>
#include <set>

using namespace stip;

CAF_TEST(the first node that asks brings a fact and the others do not ) {
  push_claims claims;
  CAF_CHECK(claims.claim(1, 77, 0));
  CAF_CHECK(!claims.claim(2, 77, 10));
  CAF_CHECK(claims.claim(1, 77, 20));
  CAF_CHECK(claims.claim(2, 78, 20));
  CAF_CHECK(!claims.claim(1, 78, 20));
}

CAF_TEST(a claim that has lasted too long is given to the next who asks) {
  push_claims claims{{1'000, 100}};
  CAF_CHECK(claims.claim(1, 77, 0));
  CAF_CHECK(!claims.claim(2, 77, 999));
  CAF_CHECK(claims.claim(2, 77, 1'000));
  CAF_CHECK(!claims.claim(1, 77, 1'500));
  // Who asks again takes as long again.
  CAF_CHECK(claims.claim(2, 77, 1'900));
  CAF_CHECK(!claims.claim(1, 77, 2'500));
}

CAF_TEST(beyond the bound everybody brings and old claims make room) {
  push_claims claims{{1'000, 3}};
  for (uint64_t fact = 1; fact <= 3; ++fact) CAF_CHECK(claims.claim(1, fact, 0));
  CAF_CHECK(claims.claim(1, 4, 10));
  CAF_CHECK(claims.claim(2, 4, 10));
  CAF_CHECK(!claims.claim(2, 3, 10));
  CAF_CHECK(claims.claim(1, 5, 1'000));
  CAF_CHECK(!claims.claim(2, 5, 1'000));
}

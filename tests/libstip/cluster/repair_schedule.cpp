#define CAF_SUITE cluster.repair_schedule
#include "libstip/cluster/repair_schedule.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

constexpr repair_intervals intervals{10, 1000, 50, 20};

}  // namespace

CAF_TEST(a round is due at the start and after each interval) {
  repair_schedule s{intervals};
  CAF_CHECK(s.due_ms() <= 0);
  s.round_began();
  CAF_CHECK_EQUAL(s.due_ms(), INT64_MAX);
  s.round_ended(100, false);
  CAF_CHECK_EQUAL(s.due_ms(), 1100);
}

CAF_TEST(what happens during a round is looked at soon after it) {
  repair_schedule s{intervals};
  s.round_began();
  s.cluster_changed(100);
  s.round_ended(500, false);
  CAF_CHECK_EQUAL(s.due_ms(), 110);
  s.round_began();
  s.round_ended(600, false);
  CAF_CHECK_EQUAL(s.due_ms(), 1600);
  s.cluster_changed(700);
  s.cluster_changed(900);
  CAF_CHECK_EQUAL(s.due_ms(), 710);
}

CAF_TEST(strays are handed over before long) {
  repair_schedule s{intervals};
  s.round_began();
  s.round_ended(0, false);
  s.strays_came(100);
  s.strays_came(115);
  CAF_CHECK_EQUAL(s.due_ms(), 120);
}

CAF_TEST(rounds that end with something left over come ever less often until one does not ) {
  repair_schedule s{intervals};
  int64_t now = 0;
  for (const int64_t rest : {50, 100, 200, 400, 800, 1000, 1000}) {
    s.round_began();
    s.round_ended(now, true);
    CAF_CHECK_EQUAL(s.due_ms(), now + rest);
    now = s.due_ms();
  }
  s.round_began();
  s.round_ended(now, false);
  CAF_CHECK_EQUAL(s.due_ms(), now + 1000);
  s.round_began();
  s.round_ended(now, true);
  CAF_CHECK_EQUAL(s.due_ms(), now + 50);
}

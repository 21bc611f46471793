#define CAF_SUITE simulation.unrest
#include <caf/test/unit_test.hpp>

#include "tests/support/simulation/scenario.hpp"
#include "tests/support/simulation/world.hpp"

using namespace stip;
using namespace stip::sim;

// A short form of what `sbin/simulate` runs.

CAF_TEST(views converge and tell the living from the dead once faults end) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    scenario_options options;
    options.seed = seed;
    options.nodes = 2 + seed % 9;
    const auto outcome = run_scenario(options);
    if (!outcome.failure.empty())
      CAF_FAIL("seed " << seed << " on " << options.nodes << " nodes: " << outcome.failure);
    CAF_CHECK(outcome.faults >= 5);
  }
}

CAF_TEST(one seed is one run to the bit and another seed is another) {
  scenario_options options;
  options.seed = 7;
  options.unrest_ms = 120'000;
  const auto first = run_scenario(options);
  const auto again = run_scenario(options);
  CAF_CHECK_EQUAL(first.digest, again.digest);
  CAF_CHECK_EQUAL(first.packets, again.packets);
  options.seed = 8;
  CAF_CHECK(run_scenario(options).digest != first.digest);
}

CAF_TEST(two halves that were apart become one cluster again) {
  world_options options;
  options.nodes = 12;
  world w{options};
  for (size_t i = 0; i < options.nodes; ++i) w.start(i);
  w.run_until(20'000);
  for (size_t i = 0; i < options.nodes; ++i)
    for (size_t k = 0; k < options.nodes; ++k) w.cut(i, k, i % 2 != k % 2);
  w.run_until(60'000);
  CAF_CHECK_EQUAL(w.state(0, 1), "down");
  CAF_CHECK_EQUAL(w.state(0, 2), "up");
  CAF_CHECK_EQUAL(w.state(1, 0), "down");
  w.heal();
  const auto healed = w.now_ms();
  const bool whole = w.run_until(healed + 60'000, [&] {
    for (size_t i = 0; i < options.nodes; ++i)
      for (size_t k = 0; k < options.nodes; ++k)
        if (w.state(i, k) != "up") return false;
    return true;
  });
  CAF_CHECK(whole);
  CAF_MESSAGE("whole again after " << w.now_ms() - healed << " ms");
}

CAF_TEST(a frozen node that thaws is up again and has suspected nobody) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    world_options options;
    options.seed = seed;
    options.nodes = 10;
    world w{options};
    for (size_t i = 0; i < options.nodes; ++i) w.start(i);
    w.run_until(10'000);
    w.freeze(3);
    w.run_until(40'000);
    CAF_CHECK_EQUAL(w.state(0, 3), "down");
    w.thaw(3);
    w.run_until(46'000);
    for (size_t i = 0; i < options.nodes; ++i) {
      CAF_CHECK_EQUAL(w.state(i, 3), "up");
      CAF_CHECK_EQUAL(w.state(3, i), "up");
    }
    CAF_CHECK_EQUAL(w.membership(3).suspicions(), 0u);
  }
}

#define CAF_SUITE simulation.copies
#include <caf/test/unit_test.hpp>

#include "tests/support/simulation/copies_scenario.hpp"

using namespace stip;
using namespace stip::sim;

// A short form of what `sbin/simulate` and `sbin/simulate --bugs` run.

namespace {

copies_options options_of(uint64_t seed) {
  copies_options options;
  options.seed = seed;
  options.nodes = 3 + seed % 8;
  return options;
}

/// The first seed that finds it; 0: none of so many does.
uint64_t seed_that_finds(bug what, uint64_t seeds) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    auto options = options_of(seed);
    options.broken = what;
    if (!run_copies(options).failure.empty()) return seed;
  }
  return 0;
}

}  // namespace

CAF_TEST(nothing that was confirmed is lost and nothing that was deleted comes back) {
  size_t stores = 0, deletions = 0, searches = 0, disks = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const auto outcome = run_copies(options_of(seed));
    if (!outcome.failure.empty()) CAF_FAIL("seed " << seed << ": " << outcome.failure);
    CAF_CHECK(outcome.faults >= 5);
    stores += outcome.stores;
    deletions += outcome.deletions;
    searches += outcome.searches;
    disks += outcome.disks_destroyed;
  }
  CAF_MESSAGE(stores << " stores, " << deletions << " deletions, " << searches << " searches, "
                     << disks << " disks destroyed");
  CAF_CHECK(stores > 2000);
  CAF_CHECK(deletions > 100);
  CAF_CHECK(searches > 500);
  CAF_CHECK(disks > 40);
}

CAF_TEST(one seed is one run of the copies to the bit) {
  const auto first = run_copies(options_of(11));
  const auto again = run_copies(options_of(11));
  CAF_CHECK_EQUAL(first.digest, again.digest);
  CAF_CHECK_EQUAL(first.stores, again.stores);
  CAF_CHECK(run_copies(options_of(12)).digest != first.digest);
}

CAF_TEST(mistakes that are made on purpose are found) {
  for (const auto what :
       {bug::ack_before_sync, bug::no_tombstone, bug::dropped_hint, bug::dropped_before_confirmed,
        bug::confirmed_by_too_few, bug::complete_with_too_few, bug::skipped_slices,
        bug::tombstone_dropped_early}) {
    const auto seed = seed_that_finds(what, 60);
    CAF_MESSAGE("bug " << int(what) << " is found by seed " << seed);
    CAF_CHECK(seed != 0);
  }
}

#define CAF_SUITE simulation.removal
#include <caf/test/unit_test.hpp>

#include "tests/support/simulation/world.hpp"

using namespace stip;
using namespace stip::sim;

// Members that stay down, or leave for good.

namespace {

constexpr int64_t down_after_ms = 60'000;

world_options options_of(uint64_t seed, size_t nodes) {
  world_options options;
  options.seed = seed;
  options.nodes = nodes;
  options.seeds = 2;
  options.gossip.down_after_ms = down_after_ms;
  options.gossip.most_given_up = nodes;
  return options;
}

void start_all(world& w) {
  for (size_t i = 0; i < w.size(); ++i) w.start(i);
  w.run_until(20'000);
}

/// Whether every running node sees the ones that hold `up` as up and the others as `otherwise`.
template <class Up>
bool all_see(const world& w, Up up, const std::string& otherwise) {
  for (size_t i = 0; i < w.size(); ++i) {
    if (!w.runs(i)) continue;
    for (size_t k = 0; k < w.size(); ++k)
      if (w.state(i, k) != (up(k) ? "up" : otherwise)) return false;
  }
  return true;
}

/// Changes of view in which that node was not known any more, whoever saw it.
bool anyone_removed(const world& w, size_t from, size_t below) {
  for (size_t i = from; i < below; ++i)
    for (size_t k = 0; k < w.size(); ++k)
      if (w.runs(i) && w.state(i, k) == "unknown") return true;
  return false;
}

}  // namespace

CAF_TEST(a dead node is removed everywhere after its time and not before) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    world w{options_of(seed, 3 + seed % 8)};
    start_all(w);
    const auto victim = size_t(w.random()() % w.size());
    w.kill(victim);
    const auto killed = w.now_ms();
    w.run_until(killed + down_after_ms);
    CAF_REQUIRE(all_see(
        w, [&](size_t k) { return k != victim; }, "down"));
    w.run_until(killed + down_after_ms + 15'000);
    CAF_REQUIRE(all_see(
        w, [&](size_t k) { return k != victim; }, "unknown"));
    // It is a member again as soon as it is started.
    w.start(victim);
    w.run_until(w.now_ms() + 10'000);
    CAF_REQUIRE(all_see(
        w, [](size_t) { return true; }, ""));
  }
}

CAF_TEST(two that are down together are not removed and then one after the other) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    auto options = options_of(seed, 7);
    options.gossip.most_given_up = 1;
    world w{options};
    start_all(w);
    w.kill(3);
    w.kill(5);
    w.run_until(w.now_ms() + 10 * down_after_ms);
    CAF_REQUIRE(all_see(
        w, [](size_t k) { return k != 3 && k != 5; }, "down"));
    // With one of them back there is time to make the other's copies anew.
    w.start(5);
    w.run_until(w.now_ms() + down_after_ms - 1'000);
    CAF_REQUIRE_EQUAL(w.state(0, 3), "down");
    w.run_until(w.now_ms() + 15'000);
    CAF_REQUIRE(all_see(
        w, [](size_t k) { return k != 3; }, "unknown"));
    // The next that stays down after that has its own time.
    w.kill(4);
    const auto killed = w.now_ms();
    w.run_until(killed + down_after_ms);
    CAF_REQUIRE_EQUAL(w.state(0, 4), "down");
    w.run_until(killed + down_after_ms + 15'000);
    CAF_REQUIRE_EQUAL(w.state(0, 4), "unknown");
  }
}

CAF_TEST(a part without a majority removes nobody however long it is cut off) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const size_t nodes = 4 + seed % 7;
    world w{options_of(seed, nodes)};
    start_all(w);
    // The first `small` are half of them or less.
    const size_t small = 1 + seed % (nodes / 2);
    for (size_t i = 0; i < nodes; ++i)
      for (size_t k = 0; k < nodes; ++k) w.cut(i, k, (i < small) != (k < small));
    const auto cut = w.now_ms();
    bool removed = false;
    while (w.now_ms() < cut + 10 * down_after_ms) {
      w.run_until(w.now_ms() + 500);
      removed = removed || anyone_removed(w, 0, small);
    }
    CAF_REQUIRE(!removed);
    // Two halves of one size both wait; else the larger part has closed its ring.
    CAF_CHECK_EQUAL(anyone_removed(w, small, nodes), 2 * small < nodes);
    w.heal();
    const bool whole = w.run_until(w.now_ms() + 60'000, [&] {
      return all_see(
          w, [](size_t) { return true; }, "");
    });
    CAF_REQUIRE(whole);
  }
}

CAF_TEST(a frozen node that was removed meanwhile joins again by itself) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    world w{options_of(seed, 5)};
    start_all(w);
    w.freeze(3);
    w.run_until(w.now_ms() + 10 * down_after_ms);
    CAF_REQUIRE_EQUAL(w.state(0, 3), "unknown");
    w.thaw(3);
    const bool back = w.run_until(w.now_ms() + 30'000, [&] {
      return all_see(
          w, [](size_t) { return true; }, "");
    });
    CAF_REQUIRE(back);
    // It has not removed those that it did not hear of.
    CAF_CHECK(w.machine(3).self().incarnation > 1);
  }
}

CAF_TEST(a node that starts after a long time removes nobody that it has not looked for) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    world w{options_of(seed, 5)};
    start_all(w);
    for (size_t i = 0; i < 5; ++i) w.kill(i);
    w.run_until(w.now_ms() + 10 * down_after_ms);
    bool removed = false;
    // One after the other, as an operator does after a power failure.
    for (size_t i = 0; i < 5; ++i) {
      w.start(i);
      const auto started = w.now_ms();
      while (w.now_ms() < started + down_after_ms / 3) {
        w.run_until(w.now_ms() + 500);
        removed = removed || anyone_removed(w, 0, 5);
      }
    }
    CAF_REQUIRE(!removed);
    CAF_REQUIRE(all_see(
        w, [](size_t) { return true; }, ""));
  }
}

CAF_TEST(a drained node owns nothing in any view and is gone when it departs) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    auto options = options_of(seed, 4 + seed % 7);
    options.air.loss = 0.05;
    world w{options};
    start_all(w);
    const size_t leaver = 1 + seed % 3;
    w.drain(leaver);
    const auto drains = [&](size_t i) {
      const auto* r = w.machine(i).view().find(world::id_of(leaver));
      return r != nullptr && r->description->info.tokens.empty();
    };
    const bool known = w.run_until(w.now_ms() + 20'000, [&] {
      for (size_t i = 0; i < w.size(); ++i)
        if (!drains(i)) return false;
      return true;
    });
    CAF_REQUIRE(known);
    CAF_REQUIRE(all_see(
        w, [](size_t) { return true; }, ""));
    w.depart(leaver);
    const bool gone = w.run_until(w.now_ms() + 20'000, [&] {
      return all_see(
          w, [&](size_t k) { return k != leaver; }, "unknown");
    });
    CAF_REQUIRE(gone);
  }
}

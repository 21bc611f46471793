#define CAF_SUITE simulation.figures
#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cstdlib>

#include "tests/support/simulation/world.hpp"

using namespace stip;
using namespace stip::sim;

// What the membership promises at default settings, under a virtual clock.

namespace {

bool all_up(const world& w) {
  size_t running = 0;
  for (size_t i = 0; i < w.size(); ++i) running += w.runs(i);
  uint64_t view = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    if (!w.runs(i)) continue;
    const auto& v = w.machine(i).view();
    if (v.records().size() < running || !w.machine(i).missing().empty()) return false;
    if (view == 0) view = v.fingerprint();
    if (v.fingerprint() != view) return false;
  }
  for (size_t i = 0; i < w.size(); ++i)
    if (w.runs(i)) {
      for (const auto& [id, r] : w.machine(i).view().records())
        if (w.runs(id - 1) && r.key.state != fact_state::up) return false;
      return true;
    }
  return true;
}

/// Milliseconds until nobody that runs sees it as up any more.
int64_t until_noticed(world& w, size_t victim, int64_t limit_ms) {
  const auto since = w.now_ms();
  const bool noticed = w.run_until(
      since + limit_ms,
      [&] {
        for (size_t i = 0; i < w.size(); ++i)
          if (i != victim && w.runs(i) && w.state(i, victim) == "up") return false;
        return true;
      },
      10);
  return noticed ? w.now_ms() - since : INT64_MAX;
}

enum class fault { kill, host_gone, freeze };

void check_detection(fault how, int64_t limit_ms, const char* name) {
  for (const size_t nodes : {3, 10, 100}) {
    const int seeds = nodes == 100 ? 20 : 100;
    int64_t worst = 0;
    std::vector<int64_t> all;
    for (int seed = 1; seed <= seeds; ++seed) {
      world_options options;
      options.seed = uint64_t(seed);
      options.nodes = nodes;
      options.kills_are_told = how != fault::host_gone;
      world w{options};
      for (size_t i = 0; i < nodes; ++i) w.start(i);
      CAF_REQUIRE(w.run_until(60'000, [&] { return all_up(w); }));
      w.run_until(w.now_ms() + 1000 + seed * 37);
      const auto victim = size_t(w.random()() % nodes);
      how == fault::freeze ? w.freeze(victim) : w.kill(victim);
      const auto ms = until_noticed(w, victim, 60'000);
      if (ms > limit_ms) CAF_MESSAGE("seed " << seed << ": " << ms << " ms");
      worst = std::max(worst, ms);
      all.push_back(ms);
    }
    std::sort(all.begin(), all.end());
    CAF_MESSAGE(nodes << " nodes, " << seeds << " seeds, " << name << ": noticed by all in "
                      << all[all.size() / 2] << " ms (median), " << worst << " ms (worst)");
    CAF_CHECK(worst <= limit_ms);
  }
}

}  // namespace

CAF_TEST(a killed node is not up anywhere within three seconds) {
  check_detection(fault::kill, 3000, "killed");
}

CAF_TEST(a node whose host is gone is not up anywhere within five seconds) {
  check_detection(fault::host_gone, 5000, "host gone");
}

CAF_TEST(a frozen node is not up anywhere within five seconds) {
  check_detection(fault::freeze, 5000, "frozen");
}

CAF_TEST(nodes that start at once agree within a minute and twenty more in five seconds) {
  // The whole thousand, in half a minute, with STIP_SIMULATED_NODES=1000.
  const auto* wanted = std::getenv("STIP_SIMULATED_NODES");
  world_options options;
  options.nodes = wanted == nullptr ? 300 : size_t(std::atoi(wanted));
  CAF_REQUIRE(options.nodes > 20 && options.nodes <= defaults::max_members);
  const auto first = options.nodes - 20;
  world w{options};
  for (size_t i = 0; i < first; ++i) w.start(i);
  CAF_REQUIRE(w.run_until(
      60'000, [&] { return all_up(w); }, 250));
  CAF_MESSAGE(first << " nodes agree after " << w.now_ms() << " ms, " << w.packets() << " packets");
  w.run_until(w.now_ms() + 10'000);
  const auto since = w.now_ms();
  for (size_t i = first; i < options.nodes; ++i) w.start(i);
  const bool agree = w.run_until(
      since + 60'000, [&] { return all_up(w); }, 50);
  CAF_REQUIRE(agree);
  CAF_MESSAGE("20 more after " << w.now_ms() - since << " ms");
  CAF_CHECK(w.now_ms() - since <= 5000);
  size_t suspicions = 0;
  for (size_t i = 0; i < w.size(); ++i) suspicions += w.membership(i).suspicions();
  CAF_CHECK_EQUAL(suspicions, 0u);
}

CAF_TEST(an hour of a hundred nodes on a normal network has no false suspicion) {
  world_options options;
  options.nodes = 100;
  options.air.loss = 0.001;
  world w{options};
  for (size_t i = 0; i < options.nodes; ++i) w.start(i);
  w.run_until(3'600'000);
  size_t suspicions = 0;
  for (size_t i = 0; i < options.nodes; ++i) suspicions += w.membership(i).suspicions();
  CAF_MESSAGE(w.packets() << " packets, " << suspicions << " suspicions");
  CAF_CHECK_EQUAL(suspicions, 0u);
  CAF_CHECK(all_up(w));
}

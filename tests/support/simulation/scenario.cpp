#include "tests/support/simulation/scenario.hpp"

#include <algorithm>
#include <iterator>

#include "tests/support/simulation/unrest.hpp"

namespace stip::sim {

scenario_outcome run_scenario(const scenario_options& options) {
  world_options of_world;
  of_world.seed = options.seed;
  of_world.nodes = options.nodes;
  // Any of the first few is enough to join.
  of_world.seeds = 1 + options.seed % std::min<size_t>(options.nodes, 3);
  of_world.kills_are_told = options.seed % 2 == 0;
  constexpr int64_t down_after_ms[] = {0, 600'000, 60'000, 5'000};
  of_world.gossip.down_after_ms = down_after_ms[options.seed / 2 % std::size(down_after_ms)];
  world w{of_world};
  unrest faults{w, options.seed};
  scenario_outcome out;

  for (size_t i = 0; i < options.nodes; ++i) w.start(i);
  int64_t next = faults.pause_ms();
  while (next < options.unrest_ms) {
    w.run_until(next);
    faults.next();
    next += faults.pause_ms();
  }
  const auto dead = faults.end();
  std::string last;
  const auto calm = [&] { return (last = disagreement(w, dead)).empty(); };
  if (!w.run_until(w.now_ms() + options.peace_ms, calm, 500)) out.failure = last;
  // And stays so.
  if (out.failure.empty()) {
    w.run_until(w.now_ms() + options.peace_ms / 4);
    if (!calm()) out.failure = last + ", after it was settled";
  }
  out.simulated_ms = w.now_ms();
  out.faults = faults.faults();
  out.packets = w.packets();
  out.digest = w.digest();
  return out;
}

}  // namespace stip::sim

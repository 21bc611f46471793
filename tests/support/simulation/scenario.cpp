#include "tests/support/simulation/scenario.hpp"

#include <iterator>
#include <random>
#include <set>

#include "tests/support/simulation/world.hpp"

namespace stip::sim {

namespace {

constexpr int64_t longest_pause_ms = 20'000;
constexpr int64_t longest_clock_jump_ms = 3'600'000;

/// The faults of one run.
class unrest {
 public:
  unrest(world& w, uint64_t seed) : world_(w), random_(seed * 0x9e3779b97f4a7c15) {}

  size_t faults() const { return faults_; }

  void next() {
    const auto i = below(world_.size());
    const auto k = below(world_.size());
    ++faults_;
    switch (below(14)) {
      case 0:
      case 1:
        return world_.runs(i) ? world_.kill(i) : world_.start(i);
      case 2:
        return world_.runs(i) ? world_.stop(i) : world_.start(i);
      case 3:
        return world_.frozen(i) ? world_.thaw(i) : world_.freeze(i);
      case 4:
        return world_.cut(i, k);
      case 5:
        world_.cut(i, k);
        return world_.cut(k, i);
      case 6:
        return halve();
      case 7:
      case 8:
        return world_.heal();
      case 9:
        return weather();
      case 10:
        world_.jump_clock(i, int64_t(below(2 * longest_clock_jump_ms)) - longest_clock_jump_ms);
        return;
      case 11:
        return world_.drain(i, below(3) != 0);
      case 12:
        // Whoever has gone for good may be started all the same.
        return world_.runs(i) ? world_.depart(i) : world_.start(i);
      default:
        // A few are brought back, so that there is a cluster to disturb.
        for (size_t n = 0; n < world_.size(); ++n) {
          if (below(2) == 0) world_.thaw(n);
          if (below(2) == 0) world_.start(n);
        }
    }
  }

  int64_t pause_ms() { return 1 + int64_t(below(longest_pause_ms)); }

  /// All faults end; whoever stays dead stays so.
  std::set<size_t> end() {
    world_.heal();
    world_.air() = {};
    std::set<size_t> dead;
    for (size_t i = 0; i < world_.size(); ++i) {
      world_.thaw(i);
      const bool stays_dead = !world_.runs(i) && dead.size() + 2 < world_.size() && below(3) == 0;
      if (stays_dead)
        dead.insert(i);
      else
        world_.start(i);
    }
    return dead;
  }

 private:
  size_t below(size_t bound) { return size_t(random_() % bound); }

  void halve() {
    std::vector<bool> side;
    for (size_t i = 0; i < world_.size(); ++i) side.push_back(below(2) == 0);
    const bool one_way = below(3) == 0;
    for (size_t i = 0; i < world_.size(); ++i)
      for (size_t k = 0; k < world_.size(); ++k)
        if (side[i] != side[k] && (!one_way || side[i])) world_.cut(i, k);
  }

  void weather() {
    auto& air = world_.air();
    air.loss = below(2) == 0 ? 0 : double(below(30)) / 100;
    air.repeat = below(2) == 0 ? 0 : double(below(30)) / 100;
    air.max_delay_us = below(2) == 0 ? 5'000 : int64_t(below(800'000)) + 1'000;
  }

  world& world_;
  std::mt19937_64 random_;
  size_t faults_ = 0;
};

/// Why the views have not converged; empty: they have.
std::string disagreement(const world& w, const std::set<size_t>& dead) {
  const gossip_view* first = nullptr;
  for (size_t i = 0; i < w.size(); ++i) {
    if (!w.runs(i)) continue;
    const auto name = std::string{"node "}.append(std::to_string(i));
    const auto& machine = w.machine(i);
    if (first == nullptr) first = &machine.view();
    if (machine.view().fingerprint() != first->fingerprint()) return name + " has another view";
    for (size_t k = 0; k < w.size(); ++k) {
      const auto state = w.state(i, k);
      const bool alive = w.runs(k);
      if (alive ? state != "up" : (state != "down" && state != "unknown"))
        return name + " sees node " + std::to_string(k) + " " + state + " though it " +
               (alive ? "lives" : "is dead");
    }
    if (dead.empty() && !machine.missing().empty()) return name + " still waits for a seed";
  }
  return {};
}

}  // namespace

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

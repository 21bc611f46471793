#include "tests/support/simulation/unrest.hpp"

#include <algorithm>

namespace stip::sim {

namespace {

constexpr size_t common_faults = 14;
constexpr size_t all_faults = 18;
constexpr int64_t slow_sync_ms = 3'000;
constexpr int64_t slowest_node_us = 2'000'000;

}  // namespace

void unrest::start(size_t i) {
  if (i < options_.first_to_join) world_.start(i);
}

void unrest::next() {
  const auto i = below(world_.size());
  const auto k = below(world_.size());
  ++faults_;
  const auto what = below(options_.disks ? all_faults : common_faults);
  if (options_.trace)
    options_.trace("fault " + std::to_string(what) + " " + std::to_string(i) + " " +
                   std::to_string(k));
  switch (what) {
    case 0:
    case 1:
      return world_.runs(i) ? world_.kill(i) : start(i);
    case 2:
      return world_.runs(i) ? world_.stop(i) : start(i);
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
    case 10: {
      const auto jump = size_t(options_.longest_clock_jump_ms);
      return world_.jump_clock(i, int64_t(below(2 * jump)) - int64_t(jump));
    }
    case 11:
      if (!options_.drains) return;
      return world_.drain(i, below(3) != 0);
    case 12:
      if (!options_.drains) return;
      // Whoever has gone for good may be started all the same.
      return world_.runs(i) ? world_.depart(i) : start(i);
    case 14:
    case 15:
      return disk_fault(i);
    case 16:
      if (options_.first_to_join < world_.size()) options_.join(options_.first_to_join++);
      return;
    case 17:
      if (destroyable_ == 0 || i >= options_.first_to_join) return;
      --destroyable_;
      ++destroyed_;
      world_.destroy(i);
      // Its place is taken by a new node, now or later.
      if (below(2) == 0) start(i);
      return;
    default:
      // A few are brought back, so that there is a cluster to disturb.
      for (size_t n = 0; n < world_.size(); ++n) {
        if (below(2) == 0) world_.thaw(n);
        if (below(2) == 0) start(n);
      }
  }
}

std::set<size_t> unrest::end(size_t most_dead) {
  world_.heal();
  world_.air() = {};
  std::set<size_t> dead;
  for (size_t i = 0; i < world_.size(); ++i) {
    world_.thaw(i);
    world_.slow(i, 0);
    world_.set_clock(i);
    world_.files(i).is_full = false;
    world_.files(i).sync_ms = disk{}.sync_ms;
    const bool stays_dead = i >= options_.first_to_join ||
                            (dead.size() < most_dead &&
                             (!world_.runs(i) && dead.size() + 2 < world_.size() && below(3) == 0));
    if (stays_dead)
      dead.insert(i);
    else
      world_.start(i);
  }
  return dead;
}

void unrest::halve() {
  std::vector<bool> side;
  for (size_t i = 0; i < world_.size(); ++i) side.push_back(below(2) == 0);
  const bool one_way = below(3) == 0;
  for (size_t i = 0; i < world_.size(); ++i)
    for (size_t k = 0; k < world_.size(); ++k)
      if (side[i] != side[k] && (!one_way || side[i])) world_.cut(i, k);
}

void unrest::weather() {
  auto& air = world_.air();
  air.loss = below(2) == 0 ? 0 : double(below(30)) / 100;
  air.repeat = below(2) == 0 ? 0 : double(below(30)) / 100;
  air.max_delay_us = below(2) == 0 ? 5'000 : int64_t(below(800'000)) + 1'000;
}

void unrest::disk_fault(size_t i) {
  auto& files = world_.files(i);
  switch (below(4)) {
    case 0:
      files.is_full = !files.is_full;
      return;
    case 1:
      files.sync_ms = files.sync_ms == slow_sync_ms ? disk{}.sync_ms : slow_sync_ms;
      return;
    case 2:
      return world_.slow(i, int64_t(below(size_t(slowest_node_us))));
    default:
      files.is_full = false;
      files.sync_ms = disk{}.sync_ms;
      return world_.slow(i, 0);
  }
}

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

}  // namespace stip::sim

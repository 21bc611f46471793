// stip-simulate: many seeds of the simulator (sbin/simulate).

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "tests/simulation/program/seeds.hpp"
#include "tests/support/simulation/copies_scenario.hpp"

namespace {

using namespace stip::sim;

struct request {
  uint64_t seeds = 100;
  uint64_t from = 1;
  size_t nodes = 0;
  int64_t minutes = 10;
  size_t jobs = 0;
  bool twice = false;
  bool membership = false;
  bool trace = false;
  bool all_bugs = false;
  bug broken = bug::none;
};

constexpr const char* usage =
    "usage: stip-simulate [--seeds N] [--from S] [--nodes K] [--minutes M] [--jobs J] [--twice]\n"
    "                     [--membership] [--trace] [--bug NAME] [--bugs]\n"
    "  runs the seeds S .. S+N-1, each on K nodes (3 to 10 by seed when not given) with M minutes\n"
    "  of faults, in J processes (as many as there are cores)\n"
    "  --twice       runs each again and compares the runs\n"
    "  --membership  nodes have their membership alone, and no images\n"
    "  --trace       prints what happens\n"
    "  --bug NAME    makes a mistake on purpose, and stops at the first seed that finds it\n"
    "  --bugs        does so with each mistake in turn:\n";

bool parse(int count, char** words, request& out) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--twice" || word == "--membership" || word == "--bugs" || word == "--trace") {
      (word == "--twice"   ? out.twice
       : word == "--bugs"  ? out.all_bugs
       : word == "--trace" ? out.trace
                           : out.membership) = true;
      continue;
    }
    if (i + 1 == count) return false;
    const auto* text = words[++i];
    if (word == "--bug") {
      const auto found = find_bug(text);
      if (!found) return false;
      out.broken = *found;
      continue;
    }
    uint64_t value = 0;
    const auto* end = text + std::strlen(text);
    if (std::from_chars(text, end, value) != std::from_chars_result{end, {}}) return false;
    if (word == "--seeds")
      out.seeds = value;
    else if (word == "--from")
      out.from = value;
    else if (word == "--nodes" && value >= 2 && value <= 1000)
      out.nodes = size_t(value);
    else if (word == "--minutes" && value >= 1 && value <= 1440)
      out.minutes = int64_t(value);
    else if (word == "--jobs" && value >= 1 && value <= 1024)
      out.jobs = size_t(value);
    else
      return false;
  }
  if (out.jobs == 0) out.jobs = std::max(1u, std::thread::hardware_concurrency());
  return true;
}

size_t nodes_of(const request& wanted, uint64_t seed) {
  return wanted.nodes != 0 ? wanted.nodes : 3 + seed % 8;
}

copies_outcome run_once(const request& wanted, uint64_t seed) {
  if (wanted.membership) {
    scenario_options options;
    options.seed = seed;
    options.nodes = nodes_of(wanted, seed);
    options.unrest_ms = wanted.minutes * 60'000;
    copies_outcome out;
    static_cast<scenario_outcome&>(out) = run_scenario(options);
    return out;
  }
  copies_options options;
  options.seed = seed;
  options.nodes = nodes_of(wanted, seed);
  options.unrest_ms = wanted.minutes * 60'000;
  options.broken = wanted.broken;
  options.trace = wanted.trace;
  return run_copies(options);
}

copies_outcome run_seed(const request& wanted, uint64_t seed) {
  auto outcome = run_once(wanted, seed);
  if (wanted.twice && run_once(wanted, seed).digest != outcome.digest)
    outcome.failure = "a second run of the seed went another way";
  return outcome;
}

using ull = unsigned long long;

/// The number of the seed that finds it; 0: none does.
uint64_t find(request wanted, bug_name b) {
  wanted.broken = b.what;
  uint64_t found = 0;
  run_seeds(
      wanted.from, wanted.seeds, wanted.jobs, [&](uint64_t seed) { return run_seed(wanted, seed); },
      [&](uint64_t seed, const copies_outcome& outcome) {
        if (outcome.failure.empty()) return true;
        found = seed;
        std::printf("%-26s seed %4llu  %s\n", std::string{b.name}.c_str(), ull(seed),
                    outcome.failure.c_str());
        return false;
      });
  if (found == 0)
    std::printf("%-26s not found in %llu seeds\n", std::string{b.name}.c_str(), ull(wanted.seeds));
  std::fflush(stdout);
  return found;
}

int run_all(const request& wanted) {
  const auto began = std::chrono::steady_clock::now();
  int64_t simulated_ms = 0;
  uint64_t seeds = 0, failures = 0;
  size_t fewest_faults = SIZE_MAX;
  copies_outcome sum;
  run_seeds(
      wanted.from, wanted.seeds, wanted.jobs, [&](uint64_t seed) { return run_seed(wanted, seed); },
      [&](uint64_t seed, const copies_outcome& outcome) {
        ++seeds;
        simulated_ms += outcome.simulated_ms;
        sum.faults += outcome.faults;
        sum.packets += outcome.packets;
        sum.stores += outcome.stores;
        sum.deletions += outcome.deletions;
        sum.searches += outcome.searches;
        sum.disks_destroyed += outcome.disks_destroyed;
        if (outcome.failure.empty()) {
          fewest_faults = std::min(fewest_faults, outcome.faults);
          return true;
        }
        ++failures;
        std::printf("seed %llu, %zu nodes: %s\n", ull(seed), nodes_of(wanted, seed),
                    outcome.failure.c_str());
        std::fflush(stdout);
        return true;
      });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const auto simulated_s = double(simulated_ms) / 1000;
  std::printf(
      "%llu seeds, %llu failed; %.0f s simulated in %.1f s by %zu processes: %.0f times as fast "
      "each; %zu faults (at least %zu a seed), %zu disks destroyed, %llu packets\n",
      ull(seeds), ull(failures), simulated_s, took.count(), wanted.jobs,
      simulated_s / took.count() / double(wanted.jobs), sum.faults,
      fewest_faults == SIZE_MAX ? 0 : fewest_faults, sum.disks_destroyed, ull(sum.packets));
  if (!wanted.membership)
    std::printf("confirmed: %zu stores, %zu deletions; complete: %zu searches\n", sum.stores,
                sum.deletions, sum.searches);
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  request wanted;
  if (!parse(count, words, wanted)) {
    std::fputs(usage, stderr);
    for (const auto& b : bugs()) std::fprintf(stderr, "    %s\n", std::string{b.name}.c_str());
    return 2;
  }
  if (wanted.all_bugs) {
    bool all = true;
    for (const auto& b : bugs()) all &= find(wanted, b) != 0;
    return all ? 0 : 1;
  }
  if (wanted.broken != bug::none)
    for (const auto& b : bugs())
      if (b.what == wanted.broken) return find(wanted, b) != 0 ? 0 : 1;
  return run_all(wanted);
}

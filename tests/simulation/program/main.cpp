// stip-simulate: many seeds of the simulator (sbin/simulate).

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "tests/support/simulation/scenario.hpp"

namespace {

struct request {
  uint64_t seeds = 100;
  uint64_t from = 1;
  size_t nodes = 0;
  int64_t minutes = 10;
  bool twice = false;
};

constexpr const char* usage =
    "usage: stip-simulate [--seeds N] [--from S] [--nodes K] [--minutes M] [--twice]\n"
    "  runs the seeds S .. S+N-1, each on K nodes (3 to 10 by seed when not given) with M minutes\n"
    "  of faults; --twice runs each again and compares the runs\n";

bool parse(int count, char** words, request& out) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--twice") {
      out.twice = true;
      continue;
    }
    if (i + 1 == count) return false;
    const auto* text = words[++i];
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
    else
      return false;
  }
  return true;
}

}  // namespace

int main(int count, char** words) {
  request wanted;
  if (!parse(count, words, wanted)) {
    std::fputs(usage, stderr);
    return 2;
  }
  const auto began = std::chrono::steady_clock::now();
  int64_t simulated_ms = 0;
  uint64_t faults = 0, packets = 0, failures = 0;
  size_t fewest_faults = SIZE_MAX;
  for (uint64_t n = 0; n < wanted.seeds; ++n) {
    stip::sim::scenario_options options;
    options.seed = wanted.from + n;
    options.nodes = wanted.nodes != 0 ? wanted.nodes : 3 + options.seed % 8;
    options.unrest_ms = wanted.minutes * 60'000;
    auto outcome = stip::sim::run_scenario(options);
    if (wanted.twice && stip::sim::run_scenario(options).digest != outcome.digest)
      outcome.failure = "a second run of the seed went another way";
    simulated_ms += outcome.simulated_ms;
    faults += outcome.faults;
    packets += outcome.packets;
    fewest_faults = std::min(fewest_faults, outcome.faults);
    if (outcome.failure.empty()) continue;
    ++failures;
    std::printf("seed %llu, %zu nodes: %s\n", static_cast<unsigned long long>(options.seed),
                options.nodes, outcome.failure.c_str());
    std::fflush(stdout);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf(
      "%llu seeds, %llu failed; %.0f s simulated in %.1f s: %.0f times as fast; "
      "%llu faults (at least %zu a seed), %llu packets\n",
      static_cast<unsigned long long>(wanted.seeds), static_cast<unsigned long long>(failures),
      double(simulated_ms) / 1000, took.count(), double(simulated_ms) / 1000 / took.count(),
      static_cast<unsigned long long>(faults), wanted.seeds == 0 ? 0 : fewest_faults,
      static_cast<unsigned long long>(packets));
  return failures == 0 ? 0 : 1;
}

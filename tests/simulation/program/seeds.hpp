#pragma once

#include <cstdint>
#include <functional>

#include "tests/support/simulation/copies_scenario.hpp"

namespace stip::sim {

/// Runs the seeds from .. from + count - 1 in so many processes, and hands the outcomes to `take`
/// in the order of the seeds until it says false.
void run_seeds(uint64_t from, uint64_t count, size_t processes,
               const std::function<copies_outcome(uint64_t seed)>& run,
               const std::function<bool(uint64_t seed, const copies_outcome& outcome)>& take);

}  // namespace stip::sim

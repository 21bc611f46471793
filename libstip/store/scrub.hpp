#pragma once

#include <cstdint>
#include <string>

#include "libstip/store/commit.hpp"
#include "libstip/store/environment.hpp"
#include "libstip/store/maintenance.hpp"
#include "libstip/store/records.hpp"
#include "libstip/store/segment.hpp"

namespace stip {

std::string encode(const scrub_state& state);
/// An absent one is that of a store that was never scrubbed. Errors: corrupt.
result<scrub_state> read_scrub_state(const transaction& txn);

/// Reads on from `done.state`, about so many bytes, and leaves there where it came to, and what it
/// found. Chips that are known to be lost are left out. Errors: those of the metadata; what is
/// wrong with a block is a finding.
result<void> scrub_chips(const environment& env, segment_reader& reader,
                         geocode_algorithm algorithm, const lost_keys& lost, uint64_t bytes,
                         scrub_step& done);

}  // namespace stip

#pragma once

// What Highway compiles the codecs for. Include it before any header of Highway, so that tests and
// the codecs mean the same targets.
//
// SSSE3 is left out because every machine that has it and not SSE4 is older than stip's other
// demands; SVE because the packed rows are 32 bytes and NEON serves them as well. Machines without
// any of the targets run the scalar code.

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

#include <hwy/targets.h>

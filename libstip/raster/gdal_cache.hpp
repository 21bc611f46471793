#pragma once

#include <cstdint>

namespace stip {

/// Bounds GDAL's cache of decoded blocks. GDAL has one cache a process, so only a program's main
/// calls this, before anything is opened.
void limit_gdal_cache(uint64_t bytes);

}  // namespace stip

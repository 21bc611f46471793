#pragma once

#include <string>
#include <vector>

#include "tests/support/scenes/product.hpp"

namespace stip::scenes {

/// What checking found.
struct findings {
  uint64_t layers = 0;
  uint64_t pixels = 0;
  /// One line each; empty when the product is as promised.
  std::vector<std::string> faults;
};

/// Reads every layer of a made product with GDAL and compares size, type, grid, CRS, nodata, scale
/// and all pixels with what was promised. The drivers must be registered; for HDF4 use a process
/// of its own. At most `most_pixels` of each layer are compared, from its top (0: all).
findings check(const product& p, uint64_t most_pixels = 0);

}  // namespace stip::scenes

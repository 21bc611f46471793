#pragma once

#include "tests/support/scenes/product.hpp"

namespace stip::scenes {

/// Which share of the layers to read: `index` of `count` shares.
struct share {
  size_t index = 0;
  size_t count = 1;
};

/// Reads every block of a made product's native layers once with GDAL and throws it away: each
/// thread with handles and buffers of its own, blocks as the files have them (chunks of arrays for
/// NetCDF, whose bands cut across chunks). What any loader has to wait for. The bytes of pixels
/// that were read. Errors: io_error.
result<uint64_t> decode(const product& p, size_t threads, share part = {});

}  // namespace stip::scenes

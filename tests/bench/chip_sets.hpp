#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "libstip/raster/pixel_type.hpp"

namespace stip::bench {

/// Bands of one place, as a store cuts them: planar, dense, row by row.
struct chip {
  pixel_type type = pixel_type::uint16;
  size_t rows = 0;
  size_t columns = 0;
  std::vector<std::vector<std::byte>> bands;

  size_t band_bytes() const { return rows * columns * size_of(type); }
  size_t bytes() const { return bands.size() * band_bytes(); }
};

/// Chips that are measured together: 1 to 4 MiB, so that they and their copies stay in the cache.
struct chip_set {
  std::string name;
  std::vector<chip> chips;

  size_t bytes() const;
};

/// Four chips of 256 x 256 x 4 whose horizontal differences have the entropy of real Sentinel-2
/// bands.
chip_set synthetic_chips();

/// Real uint16 chips: Sentinel-2 L1C and Landsat. Sets without their files are left out, which is
/// said. `shared` is the folder of sample data.
std::vector<chip_set> real_uint16_chips(const std::string& shared);

/// Real chips of the other types, and the synthetic one as types that no sample file has.
std::vector<chip_set> other_chips(const std::string& shared);

/// Mean entropy in bits of the differences of neighbours in a row, of one band.
double difference_entropy(const chip& c, size_t band);

}  // namespace stip::bench

#pragma once

#include <string>
#include <vector>

#include "tests/support/scenes/eos_metadata.hpp"

namespace stip::scenes {

/// A field of an HDF4-EOS grid and what its attributes say.
struct hdf4_field {
  const layer* pixels = nullptr;
  std::string long_name, units;
  /// The type's own fill value.
  double fill = 0;
  double valid_low = 0, valid_high = 0;
};

struct hdf4_grid {
  std::string name;
  std::vector<hdf4_field> fields;
};

/// Writes an HDF4-EOS file: scientific data sets in chunks, deflated, in Vgroups as the HDF-EOS2
/// library has them, with the metadata as attributes of the file. The library is not thread-safe:
/// one such file at a time is written in a process. Errors: io_error with the library's words.
result<void> write_hdf4(const std::string& path, const std::vector<hdf4_grid>& grids,
                        const std::string& structure, const std::string& core,
                        const std::string& archive);

}  // namespace stip::scenes

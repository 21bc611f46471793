#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/scenes/eos_metadata.hpp"

namespace stip::scenes {

struct hdf5_grid {
  eos_grid shape;
  /// Layers of this grid, each a field of the layer's name.
  std::vector<const layer*> fields;
};

struct hdf5_form {
  std::vector<hdf5_grid> grids;
  /// Attributes of the file, all texts.
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string structure;
  size_t threads = 0;
};

/// Writes an HDF-EOS5 file. Chunks are painted and deflated by all threads and written one by one:
/// the library is not thread-safe, and no other thread may use it meanwhile. Errors: io_error.
result<void> write_hdf5(const std::string& path, const hdf5_form& form);

}  // namespace stip::scenes

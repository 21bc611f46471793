#pragma once

#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/format/odl.hpp"
#include "libstip/geo/georeference.hpp"

// What StructMetadata.0 of a HDF-EOS5 file says of its grids and swaths (HDF-EOS Interface Based on
// HDF5, Volume 2, and the GCTP's projection parameters).

namespace stip {

/// A field of a grid or swath, with its dimensions from the slowest to the fastest.
struct eos5_field {
  std::string name;
  /// "H5T_NATIVE_SCHAR" and the like.
  std::string type;
  std::vector<std::string> dimensions;
};

struct eos5_grid {
  std::string name;
  stip::grid grid;
  std::vector<eos5_field> fields;
};

struct eos5_swath {
  std::string name;
  std::vector<eos5_field> geolocation;
  std::vector<eos5_field> data;
};

struct eos5_structure {
  std::vector<eos5_grid> grids;
  std::vector<eos5_swath> swaths;
};

/// Errors: malformed, for a grid without size or corners; unsupported, for a projection that is not
/// known or an origin other than the upper left corner.
result<eos5_structure> read_eos5_structure(const odl_node& root, const std::string& input);

/// Degrees of a packed number DDDMMMSSS.SS.
double degrees_of_packed(double packed) noexcept;

}  // namespace stip

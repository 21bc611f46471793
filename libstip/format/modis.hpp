#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/format/eos_identity.hpp"
#include "libstip/format/format.hpp"
#include "libstip/raster/gdal_dataset.hpp"

// HDF4-EOS products of MODIS; docs/formats/modis.md.

namespace stip {

/// A field of a HDF4-EOS file as GDAL lists it.
struct eos_field {
  /// GDAL's name of the subdataset.
  std::string dataset;
  std::string grid;
  std::string name;
  bool swath = false;
  /// GDAL gives signed bytes as unsigned ones.
  bool signed_bytes = false;
};

/// The fields that a container lists, in its order; at most max_bands. Names that do not lie within
/// the input are left out.
std::vector<eos_field> eos_fields(const gdal_dataset& container, const std::string& input);

/// What a container says of itself.
eos_metadata eos_metadata_of(const gdal_dataset& container);

}  // namespace stip

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/scenes/product.hpp"

// Rasters that GDAL's drivers write while the pixels are painted: a scene of any size takes the
// memory of a few blocks.

namespace stip::scenes {

struct raster_form {
  /// GDAL's short name of the driver.
  std::string driver = "GTiff";
  std::vector<std::string> creation;
  /// How pixels are painted for the driver: at best as it asks for them. 0: whole rows.
  int block_width = 0;
  int block_height = 0;
  /// Items of GDAL's default domain.
  std::vector<std::pair<std::string, std::string>> metadata;
  /// Of all bands: red, green, blue of each class, and names; empty for none.
  std::vector<std::array<uint8_t, 3>> colours;
  std::vector<std::string> categories;
  /// Colour interpretations as numbers of GDALColorInterp, one a band; empty: GDAL's own.
  std::vector<int> interpretation;
};

/// Writes layers of one size and grid as the bands of one file. Error: io_error.
result<void> write_raster(const std::string& path, const std::vector<const layer*>& bands,
                          const raster_form& form);

/// Polygons around the pixels of a layer that have a value: pairs of value and rings
/// ("x y x y ..."), in units of the layer's CRS. Error: io_error.
result<std::vector<std::pair<int, std::string>>> polygons_of(const layer& mask);

}  // namespace stip::scenes

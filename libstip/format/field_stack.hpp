#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/gdal_scene.hpp"

namespace stip {

/// A band of a product whose layers are rasters of their own (the fields of a HDF-EOS grid).
struct field_band {
  stip::grid grid;
  pixel_type type = pixel_type::uint8;
  /// Without nodata: that is told below.
  band_description description;
  std::optional<uint64_t> nodata;
  /// Numbers (DN) that can be; others are no data.
  std::optional<std::pair<double, double>> plausible;
  gdal_band source;
  source_tiling tiling;
  /// Tells how good or under which angles others were measured.
  bool quality = false;
};

/// Puts bands of one grid and pixel type together into subdatasets "0", "1", ... in the order in
/// which the first of each came, adding them to description and sources of `parts`. A subdataset is
/// one of quality when all of its bands are, unless all subdatasets were. Errors: unsupported
/// without a band; limit_exceeded (max_bands, max_subdatasets).
result<void> stack_fields(std::vector<field_band> bands, gdal_scene_parts& parts);

/// The tiling of bands that are read together from blocks of that size: thin strips are joined.
source_tiling field_tiling(int64_t block_width, int64_t block_height, const grid& grid,
                           size_t pixel_bytes);

}  // namespace stip

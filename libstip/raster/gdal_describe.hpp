#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/scene.hpp"

// What GDAL says of a dataset, as descriptions; and where the pixels of each band come from.

namespace stip {

/// A band of one of a scene's datasets, by GDAL's number (from 1).
struct gdal_band {
  size_t dataset = 0;
  int band = 1;

  bool operator==(const gdal_band&) const = default;
};

/// Where a mask plane comes from.
struct gdal_mask {
  enum class kind : uint8_t {
    /// GDAL's mask band of the band: 0 is invalid.
    gdal,
    /// The band's pixels that equal this pattern are invalid (0 of an alpha band).
    nodata,
    /// Every pixel is valid.
    none,
    /// The band's pixels that lie outside of [low, high], or equal the pattern where `named`, are
    /// invalid: what cannot be, where the file does not name all of its values for "no data".
    range,
  };
  kind from = kind::none;
  gdal_band band;
  /// Type of the band, and its pattern.
  pixel_type type = pixel_type::uint8;
  uint64_t nodata = 0;
  /// For kind::range; as numbers of the band (DN).
  bool named = false;
  double low = 0;
  double high = 0;
};

/// Where the pixels of one subdataset come from: a source for every band, and for every mask plane
/// that read_mask gives (validity::mask: 1, band_masks: as many as bands, else none).
struct gdal_source {
  std::vector<gdal_band> bands;
  std::vector<gdal_mask> masks;
  source_tiling tiling;
};

/// A subdataset and its source.
struct gdal_subdataset {
  subdataset_description description;
  gdal_source source;
};

/// Bounds what is kept of one scene's texts (defaults::max_description_bytes and the like).
struct description_budget {
  size_t bytes = defaults::max_description_bytes;
  size_t palette_entries = defaults::max_palette_entries;
};

/// The dataset's grid. CRS as WKT2:2019. Errors: unsupported, when it has no affine georeference or
/// no CRS that says where on the Earth it lies; the reason says which, and what it has instead.
result<grid> gdal_grid(const gdal_dataset& dataset, const std::string& name);

/// The dataset's bands, grouped into subdatasets by pixel type in order of first appearance, with
/// ids "0", "1", ... `index` is the dataset's number among the scene's. A band's nodata is set only
/// where it decides on validity (validity::nodata, band_masks); else it is a property "nodata".
/// Errors: unsupported (no bands, complex numbers), limit_exceeded (defaults::max_bands).
result<std::vector<gdal_subdataset>> describe_gdal(const gdal_dataset& dataset,
                                                   const std::string& name, size_t index,
                                                   const stip::grid& grid,
                                                   description_budget& budget);

/// The metadata items of a GDAL object (dataset or band), by domain; bounded and cleaned.
std::map<std::string, std::string> gdal_properties(GDALMajorObjectH object, const char* domain,
                                                   description_budget& budget);

}  // namespace stip

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/new_file.hpp"
#include "libstip/raster/scene.hpp"
#include "libstip/raster/tiff_directory.hpp"

// The bytes of a cloud optimized GeoTIFF around its compressed tiles.

namespace stip {

/// Columns and rows of a tile.
inline constexpr int64_t cog_tile_edge = 512;

/// What a picture is whose pixels come in parts.
struct cog_description {
  /// Grid, type, bands. validity::nodata, with one nodata value for all bands: pixels without data
  /// hold it; validity::mask: the file has a mask.
  subdataset_description pixels;
  /// Overviews take one of four pixels, not their mean: classes and flags.
  bool classes = false;
  /// Metadata of the domain STIP, and of the default one.
  std::map<std::string, std::string> items;
  std::map<std::string, std::string> properties;
};

/// Where the compressed bytes of a tile lie; 0 bytes: it has none.
struct cog_piece {
  uint64_t offset = 0;
  uint32_t bytes = 0;
};

/// The picture, or an overview of it: tiles row by row, and those of its mask if it has one.
struct cog_level {
  int64_t width = 0, height = 0;
  int64_t columns = 0, rows = 0;
  std::vector<cog_piece> pixels;
  std::vector<cog_piece> masks;
};

/// The tags that tell type, colours, place, names and metadata of a picture, as GDAL writes them.
/// Errors: those of plain_tiff.
result<tiff_tags> cog_tags(const cog_description& of);

/// Writes the file: header, directories of the picture and of its overviews, then their tiles out
/// of `spool`, from the smallest overview to the picture, row by row. `tags` are those of cog_tags.
/// The same tiles give the same bytes. Errors: io_error, no_space.
result<void> write_cog_layout(const std::string& name, const cog_description& of,
                              const tiff_tags& tags, const std::vector<cog_level>& levels,
                              const nameless_file& spool);

}  // namespace stip

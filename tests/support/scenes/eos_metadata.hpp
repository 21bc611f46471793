#pragma once

#include <string>
#include <vector>

#include "tests/support/scenes/product.hpp"

// What HDF-EOS files of both generations say of themselves: the same language (ODL), slightly
// different words.

namespace stip::scenes {

/// A grid of a file and its fields.
struct eos_grid {
  std::string name;
  int64_t edge = 0;
  /// Upper left and lower right corner in metres of the sinusoidal projection.
  double left = 0, top = 0, right = 0, bottom = 0;
  struct field {
    std::string name;
    pixel_type type;
  };
  std::vector<field> fields;
};

struct eos_facts {
  /// "MCD43A4", 61, "h10v05"
  std::string short_name;
  int collection = 61;
  int tile_h = 0, tile_v = 0;
  std::string granule, platform, instrument, long_name;
  /// YYYY-MM-DD of begin and end.
  std::string begins, ends;
  std::string begin_time = "00:00:00", end_time = "23:59:59";
  std::string produced;
  /// Longitude, latitude of UL, UR, LR, LL, as far as they are on the globe.
  std::vector<std::array<double, 2>> ring;
};

/// The projection of all these grids: a sphere of 6371007.181 m.
std::string sinusoidal_wkt();
/// The grid of a tile: 36 columns, 18 rows over the globe.
eos_grid tile_grid(const std::string& name, int tile_h, int tile_v, int64_t edge);

/// StructMetadata.0; `eos5`: in the words of HDF-EOS5.
std::string struct_metadata(const std::vector<eos_grid>& grids, bool eos5);
/// CoreMetadata.0 and ArchiveMetadata.0.
std::string core_metadata(const eos_facts& f);
std::string archive_metadata(const eos_facts& f, const eos_grid& grid);

/// The corners of a tile, clamped to the globe.
std::vector<std::array<double, 2>> tile_ring(int tile_h, int tile_v);

}  // namespace stip::scenes

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libstip/catalog/rows.hpp"
#include "libstip/core/error.hpp"
#include "libstip/geo/geocode.hpp"
#include "libstip/raster/picture.hpp"

// A map of where images are: cells with counts over the outline of the land.

namespace stip {

/// One cell of a map.
struct mapped_cell {
  std::string geocode;
  bounds box;
  uint64_t count = 0;
  /// A line for each platform, precision and source: "Landsat7, precision 5, raw: 12".
  std::vector<std::string> lines;
};

/// Cells of a map at most.
inline constexpr size_t max_mapped_cells = 100'000;
/// Lines that a cell's tooltip has at most.
inline constexpr size_t max_cell_lines = 12;

/// Adds up the extents of an album by geocode, sorted. Errors: malformed for what is no geocode;
/// limit_exceeded beyond max_mapped_cells.
result<std::vector<mapped_cell>> mapped_cells(const std::vector<extent_row>& extents,
                                              geocode_algorithm algorithm);

/// What a map shows, in degrees: the cells with room around them, the world where they lie far
/// apart or there are none.
bounds map_view(const std::vector<mapped_cell>& cells);

/// The map as one HTML file without references to others: an SVG with a tooltip for each cell.
std::string map_html(const std::string& title, const std::vector<mapped_cell>& cells);

/// The map as a picture of so many pixels across.
picture map_picture(const std::vector<mapped_cell>& cells, int64_t width);

}  // namespace stip

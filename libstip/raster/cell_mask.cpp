#include "libstip/raster/cell_mask.hpp"

#include <algorithm>

#include "libstip/geo/cell_runs.hpp"

namespace stip {

result<std::vector<uint8_t>> cell_mask(const grid& of, const pixel_rect& window,
                                       geocode_algorithm algorithm, const std::string& geocode) {
  STIP_ASSIGN(const auto place, cell_grid::of_code(algorithm, geocode));
  const auto& [cells, index] = place;
  STIP_ASSIGN(auto mapper, pixel_mapper::make(of, cells));
  cell_runs runs{std::move(mapper), cells};
  std::vector<uint8_t> mask(window.pixels(), 0);
  std::vector<cell_run> found;
  for (int64_t row = 0; row < window.height; ++row) {
    runs.runs(window.row + row, window.column, window.end_column(), found);
    for (const auto& run : found) {
      if (run.cell_column != index.column || run.cell_row != index.row) continue;
      const auto first = mask.begin() + row * window.width + run.col_begin - window.column;
      std::fill(first, first + (run.col_end - run.col_begin), uint8_t{1});
    }
  }
  return mask;
}

}  // namespace stip

#include "libstip/raster/chip_runs.hpp"

namespace stip {

chip_table::chip_table(const cell_census& census, std::span<const uint64_t> codes,
                       const cell_grid& cells)
    : row_begin_(census.row_begin) {
  cell_finder finder(cells);
  runs_.reserve(census.runs.size());
  for (const auto& run : census.runs) {
    const auto at = finder.find({0, 0, run.cell_column, run.cell_row}, codes);
    runs_.push_back({run.col_end, at ? static_cast<uint32_t>(*at) : no_chip});
  }
}

uint64_t chip_table::bytes() const {
  return runs_.size() * sizeof(run) + row_begin_.size() * sizeof(uint32_t);
}

result<chip_runs> chip_runs::make(const chip_table* table, std::span<const uint64_t> codes,
                                  const grid& raster, const cell_grid& cells) {
  chip_runs out(table, codes, cells);
  if (table == nullptr) {
    STIP_ASSIGN(auto mapper, pixel_mapper::make(raster, cells));
    out.computed_.emplace(std::move(mapper), cells);
  }
  return out;
}

}  // namespace stip

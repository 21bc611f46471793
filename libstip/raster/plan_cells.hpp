#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/geo/cell_runs.hpp"

namespace stip {

/// Finds the place of cells in an ascending list of packed codes; quick where the same few cells
/// are asked for again and again, as the runs of consecutive rows do.
class cell_finder {
 public:
  explicit cell_finder(const cell_grid& cells) : cells_(cells) {}

  /// The position in `codes`, always the same list, of the run's cell.
  std::optional<size_t> find(const cell_run& run, std::span<const uint64_t> codes) {
    if (run.cell_column < 0) return std::nullopt;
    const cell_index cell{run.cell_column, run.cell_row};
    auto& known = recent_[static_cast<size_t>(cell.column + cell.row * 37) % recent_.size()];
    if (known.cell != cell) {
      const uint64_t code = cells_.packed(cell);
      const auto at = std::lower_bound(codes.begin(), codes.end(), code);
      const bool found = at != codes.end() && *at == code;
      known = {cell, found ? static_cast<size_t>(at - codes.begin()) + 1 : 0};
    }
    if (known.position == 0) return std::nullopt;
    return known.position - 1;
  }

 private:
  struct entry {
    cell_index cell;
    /// Position + 1; 0: the cell is not in the list.
    size_t position = 0;
  };

  cell_grid cells_;
  std::array<entry, 256> recent_{};
};

/// Pixel centres per cell.
struct cell_count {
  uint64_t code = 0;
  uint64_t pixels = 0;
};

struct cell_census {
  /// A cell_run from the end of the one before; cells of the finest precision have indices of 30
  /// bits.
  struct run {
    int32_t col_end = 0;
    int32_t cell_column = -1;
    int32_t cell_row = -1;
  };

  /// The cells that hold a pixel centre of the scene, ascending by packed code, with their number.
  std::vector<cell_count> cells;
  uint64_t pixels_without_cell = 0;

  /// The runs of row i: runs[row_begin[i] .. row_begin[i+1]). Both are empty where there were too
  /// many to be kept.
  std::vector<run> runs;
  std::vector<uint32_t> row_begin;
};

/// Counts the pixels of the grid's raster by cell, exactly, and keeps the runs if there are no more
/// than `max_runs`. ec::limit_exceeded when there are more than `max_cells` cells. Each of
/// `finders`, at least one and all made alike, serves a thread of its own; what comes out does not
/// depend on their number.
result<cell_census> count_cells(std::span<cell_runs* const> finders, size_t max_cells,
                                uint64_t max_runs);

/// Adds to counts[i] the pixels of window[i] that lie in the cell codes[i] but not on the raster.
void count_beyond_raster(cell_runs& runs, std::span<const uint64_t> codes,
                         std::span<const pixel_window> windows, std::span<uint64_t> counts);

}  // namespace stip

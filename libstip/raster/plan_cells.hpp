#pragma once

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

  /// The position in `codes` (or in the list that `ordinals` picks of it) of the run's cell.
  std::optional<size_t> find(const cell_run& run, std::span<const uint64_t> codes) {
    return find(run, codes.size(), [&](size_t i) { return codes[i]; });
  }
  std::optional<size_t> find(const cell_run& run, std::span<const uint64_t> codes,
                             std::span<const uint32_t> ordinals) {
    return find(run, ordinals.size(), [&](size_t i) { return codes[ordinals[i]]; });
  }

  /// Forgets what it knows of one list, before another is searched.
  void reset() { recent_ = {}; }

 private:
  struct entry {
    cell_index cell;
    /// Position + 1; 0: the cell is not in the list.
    size_t position = 0;
  };

  template <class CodeAt>
  std::optional<size_t> find(const cell_run& run, size_t size, CodeAt&& code_at) {
    if (run.cell_column < 0) return std::nullopt;
    const cell_index cell{run.cell_column, run.cell_row};
    auto& known = recent_[static_cast<size_t>(cell.column + cell.row * 37) % recent_.size()];
    if (known.cell != cell) {
      const uint64_t code = cells_.packed(cell);
      size_t low = 0;
      for (size_t length = size; length > 0;) {
        const size_t half = length / 2;
        if (code_at(low + half) < code) {
          low += half + 1;
          length -= half + 1;
        } else {
          length = half;
        }
      }
      known = {cell, low < size && code_at(low) == code ? low + 1 : 0};
    }
    if (known.position == 0) return std::nullopt;
    return known.position - 1;
  }

  cell_grid cells_;
  std::array<entry, 256> recent_{};
};

/// Pixel centres per cell.
struct cell_count {
  uint64_t code = 0;
  uint64_t pixels = 0;
};

struct cell_census {
  /// The cells that hold a pixel centre of the scene, ascending by packed code, with their number.
  std::vector<cell_count> cells;
  uint64_t pixels_without_cell = 0;
};

/// Counts the pixels of the grid's raster by cell, exactly.
/// ec::limit_exceeded when there are more than `max_cells` cells.
result<cell_census> count_cells(cell_runs& runs, size_t max_cells);

/// Adds to counts[i] the pixels of window[i] that lie in the cell codes[i] but not on the raster.
void count_beyond_raster(cell_runs& runs, std::span<const uint64_t> codes,
                         std::span<const pixel_window> windows, std::span<uint64_t> counts);

}  // namespace stip

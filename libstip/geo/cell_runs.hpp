#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "libstip/geo/cell.hpp"
#include "libstip/geo/georeference.hpp"
#include "libstip/geo/patch.hpp"

namespace stip {

/// Consecutive pixels [col_begin, col_end) of one row whose centres lie in one cell; the cell's
/// column and row are -1 for pixels without a cell.
struct cell_run {
  int64_t col_begin = 0;
  int64_t col_end = 0;
  int64_t cell_column = -1;
  int64_t cell_row = -1;
  bool operator==(const cell_run&) const = default;
};

/// The exact partition of pixels into cells: what projecting the centre of every single pixel would
/// give, at a fraction of the projections. Pixels are interpolated on patches with a measured error
/// bound, and those within the bound of a cell's edge are projected. One object per thread.
class cell_runs {
 public:
  /// `mapper` was made for the CRS of `cells`.
  cell_runs(pixel_mapper mapper, const cell_grid& cells);

  /// Replaces `out` by the runs of a row in ascending order; they fill [col_begin, col_end).
  /// Row and columns may lie outside of the raster; on periodic grids columns wrap. Rows that
  /// ascend are cheapest.
  void runs(int64_t row, int64_t col_begin, int64_t col_end, std::vector<cell_run>& out);

  /// The smallest window of the pixel grid that covers a cell; see stip::window_of.
  pixel_window window_of(cell_index cell);

  /// The cell of one pixel, by projection.
  cell_index cell_of_pixel(int64_t col, int64_t row);

  const cell_grid& cells() const noexcept { return cells_; }
  pixel_mapper& mapper() noexcept { return mapper_; }

 private:
  /// A part of a row of patches: smooth, without any cell, projected pixel by pixel, or divided.
  struct node {
    enum class kind : uint8_t { smooth, none, exact, divided };
    kind state = kind::none;
    pixel_window window;
    patch fit;
    /// exact: cells of the pixels, row by row.
    std::vector<std::pair<int32_t, int32_t>> pixels;
    /// smooth: the last pixels of the runs within the row that was walked last, but for the last
    /// run. Edges of cells move little from row to row.
    std::vector<int64_t> breaks;
    /// divided: upper left, upper right, lower left, lower right; -1 where empty.
    int32_t children[4] = {-1, -1, -1, -1};
  };
  struct patch_row {
    int64_t number = 0;
    std::unordered_map<int64_t, int32_t> roots;
    std::vector<node> nodes;
  };
  /// Cell of an interpolated pixel, columns not yet wrapped.
  struct guess {
    int64_t column;
    int64_t row;
    bool certain;
  };
  /// One row of a smooth node.
  struct line;

  patch_row& patches_of(int64_t row);
  int32_t build(patch_row& patches, const pixel_window& window);
  void walk(patch_row& patches, int32_t number, int64_t row, int64_t begin, int64_t end);
  void walk_smooth(node& part, int64_t row, int64_t begin, int64_t end);
  void bisect(const line& along, int64_t first, const guess& at_first, int64_t last,
              const guess& at_last);
  guess guess_at(const line& along, int64_t col) const;
  void emit_guess(const line& along, int64_t begin, int64_t end, const guess& of);
  void emit(int64_t begin, int64_t end, cell_index cell);
  void flat_runs(int64_t row, int64_t col_begin, int64_t col_end, int64_t shift);

  pixel_mapper mapper_;
  cell_grid cells_;
  std::list<patch_row> recent_;
  std::vector<cell_run>* out_ = nullptr;
  int64_t shift_ = 0;
};

}  // namespace stip

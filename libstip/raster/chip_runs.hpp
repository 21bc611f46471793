#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "libstip/geo/cell_runs.hpp"
#include "libstip/raster/plan_cells.hpp"

namespace stip {

/// Which chip each pixel of a raster belongs to, as its plan found out.
class chip_table {
 public:
  static constexpr uint32_t no_chip = UINT32_MAX;

  /// Pixels of a row from the end of the run before; `ordinal` is the place of their cell in the
  /// codes of the plan, or no_chip.
  struct run {
    int32_t col_end = 0;
    uint32_t ordinal = no_chip;
  };

  /// `codes` are those of the census' cells.
  chip_table(const cell_census& census, std::span<const uint64_t> codes, const cell_grid& cells);

  std::span<const run> row(int64_t row) const {
    const auto i = static_cast<size_t>(row);
    return std::span(runs_).subspan(row_begin_[i], row_begin_[i + 1] - row_begin_[i]);
  }
  uint64_t bytes() const;

  /// Runs that a table of so many bytes can hold.
  static uint64_t max_runs(uint64_t bytes) { return bytes / sizeof(run); }

 private:
  std::vector<run> runs_;
  std::vector<uint32_t> row_begin_;
};

/// Tells for one thread which chip of a subdataset each pixel belongs to: out of the plan's table,
/// or by projection where there is none. Both say the same.
class chip_runs {
 public:
  /// `table` (nullptr: there is none) and `codes` must outlive this. Errors: those of
  /// pixel_mapper::make.
  static result<chip_runs> make(const chip_table* table, std::span<const uint64_t> codes,
                                const grid& raster, const cell_grid& cells);

  /// Calls f(first column, column behind the last, ordinal or chip_table::no_chip) for the pixels
  /// [begin, end) of a row of the raster, in ascending order.
  template <class F>
  void for_each(int64_t row, int64_t begin, int64_t end, F&& f) {
    if (table_ == nullptr) {
      computed_->runs(row, begin, end, found_);
      for (const auto& run : found_) {
        const auto at = finder_.find(run, codes_);
        f(run.col_begin, run.col_end, at ? static_cast<uint32_t>(*at) : chip_table::no_chip);
      }
      return;
    }
    const auto runs = table_->row(row);
    auto at =
        std::upper_bound(runs.begin(), runs.end(), begin,
                         [](int64_t column, const auto& run) { return column < run.col_end; });
    for (; at != runs.end() && begin < end; ++at) {
      const auto stop = std::min<int64_t>(at->col_end, end);
      f(begin, stop, at->ordinal);
      begin = stop;
    }
  }

 private:
  chip_runs(const chip_table* table, std::span<const uint64_t> codes, const cell_grid& cells)
      : table_(table), codes_(codes), finder_(cells) {}

  const chip_table* table_;
  std::span<const uint64_t> codes_;
  cell_finder finder_;
  std::optional<cell_runs> computed_;
  std::vector<cell_run> found_;
};

}  // namespace stip

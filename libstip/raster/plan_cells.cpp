#include "libstip/raster/plan_cells.hpp"

#include <algorithm>
#include <limits>

#include "libstip/core/defaults.hpp"
#include "libstip/core/parallel.hpp"

namespace stip {

namespace {

/// Leaves one count of each cell, ascending by code.
void sum_by_code(std::vector<cell_count>& counts) {
  std::sort(counts.begin(), counts.end(),
            [](const auto& a, const auto& b) { return a.code < b.code; });
  size_t kept = 0;
  for (const auto& count : counts) {
    if (kept > 0 && counts[kept - 1].code == count.code)
      counts[kept - 1].pixels += count.pixels;
    else
      counts[kept++] = count;
  }
  counts.resize(kept);
}

/// Counts by cell in memory that is proportional to the number of cells, not of runs.
class tally {
 public:
  explicit tally(const cell_grid& cells) : cells_(cells) {}

  void add(const cell_run& run) {
    const cell_index cell{run.cell_column, run.cell_row};
    auto& slot = recent_[static_cast<size_t>(cell.column + cell.row * 37) % recent_.size()];
    if (slot.cell != cell) {
      flush(slot);
      slot.cell = cell;
    }
    slot.pixels += static_cast<uint64_t>(run.col_end - run.col_begin);
  }

  /// Merges what was counted of each cell when much has come together since the last time.
  /// Returns the number of cells that are known for certain.
  size_t compact_at_times() {
    if (counts_.size() >= 2 * merged_ + min_unmerged) compact();
    return merged_;
  }

  std::vector<cell_count> take() {
    for (auto& slot : recent_) flush(slot);
    compact();
    return std::move(counts_);
  }

 private:
  static constexpr size_t min_unmerged = size_t{1} << 16;

  struct slot {
    cell_index cell;
    uint64_t pixels = 0;
  };

  void flush(slot& slot) {
    if (slot.pixels > 0) counts_.push_back({cells_.packed(slot.cell), slot.pixels});
    slot = {};
  }

  void compact() {
    sum_by_code(counts_);
    merged_ = counts_.size();
  }

  cell_grid cells_;
  std::array<slot, 1024> recent_{};
  std::vector<cell_count> counts_;
  size_t merged_ = 0;
};

tl::unexpected<error> too_many_cells(const cell_grid& cells, size_t most) {
  return fail(ec::limit_exceeded, "plan the cut",
              "the scene falls into more than " + std::to_string(most) + " cells at precision " +
                  std::to_string(cells.precision()),
              "choose a lower precision, or raise the memory limit where that is the bound");
}

/// The census of some rows alone. Without runs, row_begin is empty.
result<cell_census> count_rows(cell_runs& finder, int64_t begin, int64_t end, size_t max_cells,
                               uint64_t max_runs) {
  const auto width = finder.mapper().raster().width;
  cell_census census;
  tally counts(finder.cells());
  std::vector<cell_run> row_runs;
  // Every row has one run at least.
  bool kept = static_cast<uint64_t>(end - begin) <= max_runs;
  for (auto row = begin; row < end; ++row) {
    finder.runs(row, 0, width, row_runs);
    kept = kept && census.runs.size() + row_runs.size() <= max_runs;
    if (kept) census.row_begin.push_back(static_cast<uint32_t>(census.runs.size()));
    for (const auto& run : row_runs) {
      if (kept)
        census.runs.push_back({static_cast<int32_t>(run.col_end),
                               static_cast<int32_t>(run.cell_column),
                               static_cast<int32_t>(run.cell_row)});
      if (run.cell_column >= 0)
        counts.add(run);
      else
        census.pixels_without_cell += static_cast<uint64_t>(run.col_end - run.col_begin);
    }
    if (counts.compact_at_times() > max_cells) return too_many_cells(finder.cells(), max_cells);
  }
  if (kept) {
    census.row_begin.push_back(static_cast<uint32_t>(census.runs.size()));
  } else {
    census.runs = {};
    census.row_begin = {};
  }
  census.cells = counts.take();
  if (census.cells.size() > max_cells) return too_many_cells(finder.cells(), max_cells);
  return census;
}

/// Appends the census of the rows below.
void append(cell_census& census, cell_census below, uint64_t max_runs) {
  const bool kept = !census.row_begin.empty() && !below.row_begin.empty() &&
                    census.runs.size() + below.runs.size() <= max_runs;
  if (kept) {
    const auto before = static_cast<uint32_t>(census.runs.size());
    census.row_begin.pop_back();
    for (const auto begin : below.row_begin) census.row_begin.push_back(before + begin);
    census.runs.insert(census.runs.end(), below.runs.begin(), below.runs.end());
  } else {
    census.runs = {};
    census.row_begin = {};
  }
  census.cells.insert(census.cells.end(), below.cells.begin(), below.cells.end());
  sum_by_code(census.cells);
  census.pixels_without_cell += below.pixels_without_cell;
}

}  // namespace

result<cell_census> count_cells(std::span<cell_runs* const> finders, size_t max_cells,
                                uint64_t max_runs) {
  // Shares end where rows of patches do, which are then made once.
  const auto height = finders.front()->mapper().raster().height;
  const auto count = static_cast<int64_t>(finders.size());
  const auto patches = (height + defaults::patch_pixels - 1) / defaults::patch_pixels;
  const auto end_of = [&](int64_t share) {
    return std::min(height, patches * share / count * defaults::patch_pixels);
  };
  std::vector<result<cell_census>> shares(finders.size());
  in_parallel(finders.size(), [&](size_t i) {
    const auto share = static_cast<int64_t>(i);
    shares[i] = count_rows(*finders[i], end_of(share), end_of(share + 1), max_cells, max_runs);
  });
  STIP_TRY(shares.front());
  auto census = std::move(*shares.front());
  for (size_t i = 1; i < shares.size(); ++i) {
    STIP_TRY(shares[i]);
    append(census, std::move(*shares[i]), max_runs);
  }
  if (census.cells.size() > max_cells) return too_many_cells(finders.front()->cells(), max_cells);
  return census;
}

void count_beyond_raster(cell_runs& runs, std::span<const uint64_t> codes,
                         std::span<const pixel_window> windows, std::span<uint64_t> counts) {
  const auto& raster = runs.mapper().raster();
  // On a periodic grid no pixel lies beyond a column.
  const bool periodic = runs.mapper().period_columns().has_value();
  constexpr int64_t far = std::numeric_limits<int64_t>::max();
  pixel_window hull{far, far, -far, -far};
  for (const auto& window : windows) {
    const bool inside = window.row_begin >= 0 && window.row_end <= raster.height &&
                        (periodic || (window.col_begin >= 0 && window.col_end <= raster.width));
    if (inside) continue;
    hull = {std::min(hull.col_begin, window.col_begin), std::min(hull.row_begin, window.row_begin),
            std::max(hull.col_end, window.col_end), std::max(hull.row_end, window.row_end)};
  }
  if (hull.empty()) return;
  if (periodic) {
    hull.col_begin = 0;
    hull.col_end = raster.width;
  }
  cell_finder finder(runs.cells());
  std::vector<cell_run> row_runs;
  const auto count = [&](int64_t row, int64_t begin, int64_t end) {
    if (begin >= end) return;
    runs.runs(row, begin, end, row_runs);
    for (const auto& run : row_runs) {
      const auto at = finder.find(run, codes);
      if (!at) continue;
      // The window of a cell that cannot be projected wholly ends within it.
      const auto& window = windows[*at];
      if (row < window.row_begin || row >= window.row_end) continue;
      const auto first = periodic ? run.col_begin : std::max(run.col_begin, window.col_begin);
      const auto last = periodic ? run.col_end : std::min(run.col_end, window.col_end);
      counts[*at] += static_cast<uint64_t>(std::max<int64_t>(0, last - first));
    }
  };
  for (int64_t row = hull.row_begin; row < hull.row_end; ++row) {
    if (row < 0 || row >= raster.height) {
      count(row, hull.col_begin, hull.col_end);
    } else {
      count(row, hull.col_begin, std::min<int64_t>(0, hull.col_end));
      count(row, std::max(raster.width, hull.col_begin), hull.col_end);
    }
  }
}

}  // namespace stip

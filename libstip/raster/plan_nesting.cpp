#include "libstip/raster/plan_nesting.hpp"

#include <cmath>
#include <optional>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

/// The integer next to `value`, if it is within the tolerance of one.
std::optional<int64_t> as_integer(double value) {
  const double nearest = std::round(value);
  constexpr double far = 1e15;
  if (!(std::abs(nearest) < far) || std::abs(value - nearest) > defaults::window_snap_pixels)
    return std::nullopt;
  return static_cast<int64_t>(nearest);
}

/// How `fine` lies in `coarse`, base left open.
std::optional<grid_nesting> nest(const grid& fine, const grid& coarse) {
  const auto& c = coarse.transform;
  const auto corner = [&](double col, double row) {
    return pixel_of(fine, coarse.x_of(col, row), coarse.y_of(col, row));
  };
  const auto [origin_col, origin_row] = corner(0, 0);
  const auto width = static_cast<double>(coarse.width);
  const auto height = static_cast<double>(coarse.height);
  const double pixel = std::hypot(fine.transform[1], fine.transform[4]);
  const auto ratio = static_cast<int64_t>(std::llround(std::hypot(c[1], c[4]) / pixel));
  const auto column = as_integer(origin_col);
  const auto row = as_integer(origin_row);
  if (!column || !row || ratio < 1 || ratio > defaults::max_raster_edge) return std::nullopt;
  // All four corners of the coarse raster must be where the ratio puts them.
  for (const double col : {0.0, width})
    for (const double line : {0.0, height}) {
      const auto [at_col, at_row] = corner(col, line);
      const double want_col = static_cast<double>(*column) + col * static_cast<double>(ratio);
      const double want_row = static_cast<double>(*row) + line * static_cast<double>(ratio);
      if (std::abs(at_col - want_col) > defaults::window_snap_pixels ||
          std::abs(at_row - want_row) > defaults::window_snap_pixels)
        return std::nullopt;
    }
  return grid_nesting{0, ratio, *column, *row};
}

}  // namespace

pixel_window grid_nesting::refine(const pixel_window& w) const noexcept {
  if (w.empty()) return {};
  return {column + w.col_begin * ratio, row + w.row_begin * ratio, column + w.col_end * ratio,
          row + w.row_end * ratio};
}

pixel_window grid_nesting::round_out(const pixel_window& w) const noexcept {
  if (w.empty()) return {};
  const auto down = [&](int64_t v, int64_t origin) {
    return origin + floor_divide(v - origin, ratio) * ratio;
  };
  const auto up = [&](int64_t v, int64_t origin) {
    return origin - floor_divide(origin - v, ratio) * ratio;
  };
  return {down(w.col_begin, column), down(w.row_begin, row), up(w.col_end, column),
          up(w.row_end, row)};
}

std::vector<grid_nesting> nest_grids(const std::vector<grid>& grids) {
  std::vector<grid_nesting> nesting;
  for (size_t i = 0; i < grids.size(); ++i) {
    grid_nesting best{i, 1, 0, 0};
    for (size_t k = 0; k < grids.size(); ++k) {
      if (k == i) continue;
      auto found = nest(grids[i], grids[k]);
      if (!found || found->ratio <= best.ratio) continue;
      if (grids[i].crs_wkt != grids[k].crs_wkt && !same_crs(grids[i].crs_wkt, grids[k].crs_wkt))
        continue;
      found->base = k;
      best = *found;
    }
    nesting.push_back(best);
  }
  return nesting;
}

}  // namespace stip

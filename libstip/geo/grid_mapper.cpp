#include "libstip/geo/grid_mapper.hpp"

#include <algorithm>
#include <cmath>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

/// The whole columns and rows between two grids of one CRS whose pixels coincide.
std::optional<std::pair<int64_t, int64_t>> shift_between(const grid& from, const grid& to) {
  const auto& a = from.transform;
  const auto& b = to.transform;
  const auto span = static_cast<double>(std::max(from.width, from.height));
  const double pixel = std::min(std::hypot(b[1], b[4]), std::hypot(b[2], b[5]));
  for (const size_t i : {1, 2, 4, 5})
    if (std::abs(a[i] - b[i]) * span > grid_mapper::aligned_pixels * pixel) return std::nullopt;
  const auto [column, row] = pixel_of(to, a[0], a[3]);
  if (!(std::abs(column) < 9e15) || !(std::abs(row) < 9e15)) return std::nullopt;
  const double whole_column = std::round(column), whole_row = std::round(row);
  if (std::abs(column - whole_column) > grid_mapper::aligned_pixels ||
      std::abs(row - whole_row) > grid_mapper::aligned_pixels)
    return std::nullopt;
  return std::pair{static_cast<int64_t>(whole_column), static_cast<int64_t>(whole_row)};
}

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && a < 0 ? 1 : 0);
}

}  // namespace

result<grid_mapper> grid_mapper::make(const grid& from, const grid& to) {
  STIP_TRY(check_grid(from));
  STIP_TRY(check_grid(to));
  STIP_ASSIGN(const auto traits, describe_crs(to.crs_wkt));
  grid_mapper out;
  out.from_ = from;
  out.to_ = to;
  if (traits.period > 0) {
    const auto& t = to.transform;
    const auto [c0, r0] = pixel_of(to, t[0], t[3]);
    const auto [c1, r1] = pixel_of(to, t[0] + traits.period, t[3]);
    out.period_ = {c1 - c0, r1 - r0};
  }
  if (same_crs(from.crs_wkt, to.crs_wkt)) {
    // A picture over the antimeridian lies a turn away from its sources.
    out.shift_ = shift_between(from, to);
    if (out.shift_ && out.period_.first != 0) {
      const auto [c, r] = *out.shift_;
      const double middle = static_cast<double>(c) + static_cast<double>(from.width) / 2;
      const double turns =
          std::round((static_cast<double>(to.width) / 2 - middle) / out.period_.first);
      const double moved = turns * out.period_.first;
      const double first = static_cast<double>(c) + moved, turn = std::abs(out.period_.first);
      const bool sees_both = first + static_cast<double>(from.width) > turn ||
                             first < static_cast<double>(to.width) - turn;
      // Columns may wrap within the picture, or not come to whole pixels: then they are mapped.
      if (std::abs(moved - std::round(moved)) > aligned_pixels || sees_both)
        out.shift_.reset();
      else
        out.shift_->first += static_cast<int64_t>(std::round(moved));
    }
    return out;
  }
  STIP_ASSIGN(out.projection_, coordinate_transform::make(from.crs_wkt, to.crs_wkt));
  const auto& t = from.transform;
  out.tolerance_ = tolerance_pixels * std::min(std::hypot(t[1], t[4]), std::hypot(t[2], t[5]));
  return out;
}

result<grid_mapper> grid_mapper::clone() const {
  grid_mapper out;
  out.from_ = from_;
  out.to_ = to_;
  out.shift_ = shift_;
  out.tolerance_ = tolerance_;
  out.period_ = period_;
  if (projection_) {
    STIP_ASSIGN(out.projection_, projection_->clone());
  }
  return out;
}

void grid_mapper::exact(std::span<double> x, std::span<double> y, std::span<uint8_t> ok) {
  for (size_t i = 0; i < x.size(); ++i) {
    const double column = x[i], row = y[i];
    x[i] = from_.x_of(column, row);
    y[i] = from_.y_of(column, row);
  }
  if (projection_)
    projection_->forward_checked(x, y, ok, tolerance_);
  else
    std::fill(ok.begin(), ok.end(), uint8_t{1});
  const double middle_column = static_cast<double>(to_.width) / 2;
  const double middle_row = static_cast<double>(to_.height) / 2;
  const double length = period_.first * period_.first + period_.second * period_.second;
  for (size_t i = 0; i < x.size(); ++i) {
    if (ok[i] == 0) continue;
    auto [column, row] = pixel_of(to_, x[i], y[i]);
    if (length > 0) {
      // The copy that is nearest to the middle of the source.
      const double along =
          ((middle_column - column) * period_.first + (middle_row - row) * period_.second) / length;
      const double turns = std::round(along);
      column += turns * period_.first;
      row += turns * period_.second;
    }
    x[i] = column;
    y[i] = row;
  }
}

const grid_mapper::cell& grid_mapper::cell_at(int64_t column, int64_t row) {
  if (row != cell_row_) {
    cells_.clear();
    cell_row_ = row;
  }
  const auto [at, added] = cells_.try_emplace(column);
  auto& out = at->second;
  if (!added) return out;
  std::array<uint8_t, 9> ok{};
  for (size_t i = 0; i < 9; ++i) {
    out.x[i] = static_cast<double>(column * cell_edge + static_cast<int64_t>(i % 3) * lattice_step);
    out.y[i] = static_cast<double>(row * cell_edge + static_cast<int64_t>(i / 3) * lattice_step);
  }
  exact(out.x, out.y, ok);
  out.smooth = std::find(ok.begin(), ok.end(), uint8_t{0}) == ok.end();
  if (!out.smooth) return out;
  // What the four corners say of the other five is four times as wrong as what is used.
  const auto off = [&](size_t i, const std::array<double, 9>& of) {
    const double u = static_cast<double>(i % 3) / 2, v = static_cast<double>(i / 3) / 2;
    const double said = (1 - v) * ((1 - u) * of[0] + u * of[2]) + v * ((1 - u) * of[6] + u * of[8]);
    return std::abs(said - of[i]);
  };
  for (const size_t i : {1, 3, 4, 5, 7})
    if (!(off(i, out.x) <= tolerance_pixels) || !(off(i, out.y) <= tolerance_pixels))
      out.smooth = false;
  return out;
}

void grid_mapper::row(int64_t column, int64_t row, std::span<double> x, std::span<double> y,
                      std::span<uint8_t> ok) {
  const auto end = column + static_cast<int64_t>(x.size());
  const int64_t cell_row = floor_divide(row, cell_edge);
  for (int64_t at = column; at < end;) {
    const int64_t cell_column = floor_divide(at, cell_edge);
    const int64_t stop = std::min(end, (cell_column + 1) * cell_edge);
    const auto first = static_cast<size_t>(at - column);
    const auto count = static_cast<size_t>(stop - at);
    const auto& c = cell_at(cell_column, cell_row);
    if (!c.smooth) {
      for (size_t i = 0; i < count; ++i) {
        x[first + i] = static_cast<double>(at + static_cast<int64_t>(i)) + 0.5;
        y[first + i] = static_cast<double>(row) + 0.5;
      }
      exact(x.subspan(first, count), y.subspan(first, count), ok.subspan(first, count));
      at = stop;
      continue;
    }
    constexpr auto step = static_cast<double>(lattice_step);
    const double v_cell = static_cast<double>(row - cell_row * cell_edge) + 0.5;
    const size_t lower = v_cell < step ? 0 : 3;
    const double v = v_cell / step - (lower == 0 ? 0 : 1);
    const auto between = [&](const std::array<double, 9>& of, size_t i) {
      return of[lower + i] + v * (of[lower + 3 + i] - of[lower + i]);
    };
    const std::array<double, 3> nx = {between(c.x, 0), between(c.x, 1), between(c.x, 2)};
    const std::array<double, 3> ny = {between(c.y, 0), between(c.y, 1), between(c.y, 2)};
    for (size_t i = 0; i < count; ++i) {
      const double u_cell =
          static_cast<double>(at - cell_column * cell_edge + static_cast<int64_t>(i)) + 0.5;
      const size_t left = u_cell < step ? 0 : 1;
      const double u = u_cell / step - static_cast<double>(left);
      x[first + i] = nx[left] + u * (nx[left + 1] - nx[left]);
      y[first + i] = ny[left] + u * (ny[left + 1] - ny[left]);
      ok[first + i] = 1;
    }
    at = stop;
  }
}

std::pair<double, double> grid_mapper::scale_at(double column, double row) {
  std::array<double, 4> x = {column - 0.5, column + 0.5, column, column};
  std::array<double, 4> y = {row, row, row - 0.5, row + 0.5};
  std::array<uint8_t, 4> ok{};
  exact(x, y, ok);
  if (std::find(ok.begin(), ok.end(), uint8_t{0}) != ok.end()) return {1, 1};
  const double across = std::hypot(x[1] - x[0], x[3] - x[2]);
  const double down = std::hypot(y[1] - y[0], y[3] - y[2]);
  return {std::isfinite(across) ? across : 1, std::isfinite(down) ? down : 1};
}

}  // namespace stip

#include "libstip/geo/cell_window.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

/// Points on an edge of a cell that are projected before its extremes are refined.
constexpr size_t edge_samples = 33;
constexpr size_t edges = 4;

/// Steps of successive parabolas; each gains several digits, so this ends at rounding errors.
constexpr int refinement_steps = 5;

/// An interval that is this much longer than the edge's average is looked at for a tear.
constexpr double suspicious_jump = 3.0;
constexpr int tear_halvings = 5;

/// Windows beyond this are no use to anyone; it keeps the conversion to integers defined.
constexpr double far_away = 1e15;

struct point {
  double col = 0;
  double row = 0;
};

struct extent {
  point low{HUGE_VAL, HUGE_VAL};
  point high{-HUGE_VAL, -HUGE_VAL};
  void add(point p) {
    low = {std::min(low.col, p.col), std::min(low.row, p.row)};
    high = {std::max(high.col, p.col), std::max(high.row, p.row)};
  }
};

/// The outline of a cell in pixel coordinates.
class outline {
 public:
  outline(pixel_mapper& mapper, const bounds& box) : mapper_(mapper), box_(box) {}

  enum class state { whole, off_globe, torn };

  /// Samples all edges.
  state sample() {
    std::array<double, edges * edge_samples> x{}, y{};
    std::array<uint8_t, edges * edge_samples> ok{};
    for (size_t i = 0; i < x.size(); ++i) {
      const auto [px, py] = place(i / edge_samples, parameter(i % edge_samples));
      x[i] = px;
      y[i] = py;
    }
    mapper_.to_pixel(x, y, ok);
    if (std::count(ok.begin(), ok.end(), 1) < static_cast<ptrdiff_t>(ok.size()))
      return state::off_globe;
    for (size_t i = 0; i < x.size(); ++i) {
      samples_[i] = {x[i], y[i]};
      if (i > 0) samples_[i] = nearest_copy(samples_[i], samples_[i - 1]);
    }
    for (size_t edge = 0; edge < edges; ++edge)
      if (is_torn(edge)) return state::torn;
    return state::whole;
  }

  extent extremes() {
    extent found;
    for (const point& p : samples_) found.add(p);
    for (size_t edge = 0; edge < edges; ++edge) {
      for (const auto member : {&point::col, &point::row}) {
        refine(edge, member, 1.0, found.high.*member, found);
        refine(edge, member, -1.0, -(found.low.*member), found);
      }
    }
    return found;
  }

 private:
  static double parameter(size_t i) {
    return static_cast<double>(i) / static_cast<double>(edge_samples - 1);
  }

  const point& at(size_t edge, size_t i) const { return samples_[edge * edge_samples + i]; }

  /// The edges follow each other around the cell, so that consecutive samples lie side by side.
  point place(size_t edge, double t) const {
    const auto between = [t](double a, double b) { return t == 1 ? b : a + t * (b - a); };
    switch (edge) {
      case 0:
        return {between(box_.west, box_.east), box_.south};
      case 1:
        return {box_.east, between(box_.south, box_.north)};
      case 2:
        return {between(box_.east, box_.west), box_.north};
      default:
        return {box_.west, between(box_.north, box_.south)};
    }
  }

  std::optional<point> project(size_t edge, double t, const point& beside) {
    point p = place(edge, t);
    uint8_t ok = 0;
    mapper_.to_pixel({&p.col, 1}, {&p.row, 1}, {&ok, 1});
    if (!ok) return std::nullopt;
    return nearest_copy(p, beside);
  }

  point nearest_copy(point p, const point& beside) const {
    const auto [col, row] = mapper_.period_pixels();
    const double length = col * col + row * row;
    if (length == 0) return p;
    const double turns =
        std::round(((p.col - beside.col) * col + (p.row - beside.row) * row) / length);
    return {p.col - turns * col, p.row - turns * row};
  }

  bool is_torn(size_t edge) {
    double total = 0, longest = 0;
    size_t worst = 0;
    for (size_t i = 0; i + 1 < edge_samples; ++i) {
      const double step = distance(at(edge, i), at(edge, i + 1));
      total += step;
      if (step > longest) {
        longest = step;
        worst = i;
      }
    }
    if (longest <= suspicious_jump * total / static_cast<double>(edge_samples - 1)) return false;
    double low_t = parameter(worst), high_t = parameter(worst + 1);
    point low = at(edge, worst), high = at(edge, worst + 1);
    for (int i = 0; i < tear_halvings; ++i) {
      const double t = (low_t + high_t) / 2;
      const auto middle = project(edge, t, low);
      if (!middle) return true;
      if (distance(low, *middle) > distance(*middle, high)) {
        high_t = t;
        high = *middle;
      } else {
        low_t = t;
        low = *middle;
      }
    }
    return distance(low, high) > longest / 2;
  }

  static double distance(const point& a, const point& b) {
    return std::hypot(a.col - b.col, a.row - b.row);
  }

  /// Follows the largest sign * member of an edge between its samples, if it can pass `best`.
  void refine(size_t edge, double point::*member, double sign, double best, extent& found) {
    const auto value = [&](size_t i) { return sign * (at(edge, i).*member); };
    size_t top = 0;
    double bend = 0;
    for (size_t i = 0; i < edge_samples; ++i) {
      if (value(i) > value(top)) top = i;
      if (i > 0 && i + 1 < edge_samples)
        bend = std::max(bend, std::abs(value(i - 1) - 2 * value(i) + value(i + 1)));
    }
    if (bend == 0 || value(top) + bend < best) return;
    double step = parameter(1);
    size_t centre = std::clamp<size_t>(top, 1, edge_samples - 2);
    double t = parameter(centre);
    double low = value(centre - 1), middle = value(centre), high = value(centre + 1);
    const point beside = at(edge, centre);
    for (int i = 0; i < refinement_steps; ++i) {
      const double curvature = low - 2 * middle + high;
      if (!(curvature < 0)) return;
      const double moved = t + step * std::clamp((low - high) / (2 * curvature), -1.0, 1.0);
      step /= 8;
      t = std::clamp(moved, 0.0, 1.0);
      const auto p = project(edge, t, beside);
      if (!p) return;
      found.add(*p);
      if (t - step < 0 || t + step > 1) return;
      const auto before = project(edge, t - step, beside);
      const auto after = project(edge, t + step, beside);
      if (!before || !after) return;
      found.add(*before);
      found.add(*after);
      const double gain =
          std::max({sign * ((*before).*member), sign * ((*after).*member)}) - sign * ((*p).*member);
      low = sign * ((*before).*member);
      middle = sign * ((*p).*member);
      high = sign * ((*after).*member);
      if (std::abs(gain) < 1e-11 * std::max(1.0, std::abs(middle)) && i > 1) return;
    }
  }

  pixel_mapper& mapper_;
  bounds box_;
  std::array<point, edges * edge_samples> samples_{};
};

/// The four corners are enough where the mapping is affine.
extent affine_extremes(const pixel_mapper& mapper, const bounds& box) {
  extent found;
  for (const double x : {box.west, box.east})
    for (const double y : {box.south, box.north}) {
      const auto [col, row] = pixel_of(mapper.raster(), x, y);
      found.add({col, row});
    }
  return found;
}

pixel_window snapped(const extent& e) {
  constexpr double snap = defaults::window_snap_pixels;
  const auto low = [](double v) {
    return static_cast<int64_t>(std::floor(std::clamp(v + snap, -far_away, far_away)));
  };
  const auto high = [](double v) {
    return static_cast<int64_t>(std::ceil(std::clamp(v - snap, -far_away, far_away)));
  };
  pixel_window window{low(e.low.col), low(e.low.row), high(e.high.col), high(e.high.row)};
  // A cell narrower than the snap still lies in some pixel.
  window.col_end = std::max(window.col_end, window.col_begin + 1);
  window.row_end = std::max(window.row_end, window.row_begin + 1);
  return window;
}

/// Moves the extent by whole periods to where it overlaps the raster most.
extent best_copy(const pixel_mapper& mapper, const extent& e) {
  const auto [col, row] = mapper.period_pixels();
  const double length = col * col + row * row;
  if (length == 0) return e;
  const auto width = static_cast<double>(mapper.raster().width);
  const auto height = static_cast<double>(mapper.raster().height);
  const double away = (((e.low.col + e.high.col - width) / 2) * col +
                       ((e.low.row + e.high.row - height) / 2) * row) /
                      length;
  extent best = e;
  double best_overlap = -1;
  for (const double turns : {std::round(away), std::floor(away), std::ceil(away)}) {
    const point by{turns * col, turns * row};
    const extent moved{{e.low.col - by.col, e.low.row - by.row},
                       {e.high.col - by.col, e.high.row - by.row}};
    const double overlap =
        std::max(0.0, std::min(moved.high.col, width) - std::max(moved.low.col, 0.0)) *
        std::max(0.0, std::min(moved.high.row, height) - std::max(moved.low.row, 0.0));
    if (overlap <= best_overlap) continue;
    best = moved;
    best_overlap = overlap;
  }
  return best;
}

/// A period that is no whole number of pixels places a pixel beyond the seam up to half a pixel
/// beside its copy in the raster; the window takes one more.
void widen_over_seam(const pixel_mapper& mapper, pixel_window& window) {
  const auto period = mapper.period_columns();
  if (!period) return;
  const double exact = std::abs(mapper.period_pixels().first);
  if (std::abs(exact - static_cast<double>(*period)) <= defaults::window_snap_pixels) return;
  if (window.col_begin < 0) --window.col_begin;
  if (window.col_end > *period) ++window.col_end;
}

/// The search for the pixels of one cell through the windows of a raster.
class pixel_search {
 public:
  pixel_search(pixel_mapper& mapper, const cell_grid& cells, cell_index cell)
      : mapper_(mapper), cells_(cells), cell_(cell), box_(cells.cell_bounds(cell)) {}

  /// The window around `known` and the pixels of the cell, one more on each side.
  pixel_window find(const pixel_window& known) {
    const pixel_window all{0, 0, mapper_.raster().width, mapper_.raster().height};
    off_globe_pixels_ = std::max<int64_t>(32, std::max(all.width(), all.height()) / 128);
    found_ = known;
    visit(all, nullptr);
    if (found_.empty()) return {};
    return {std::max<int64_t>(0, found_.col_begin - 1), std::max<int64_t>(0, found_.row_begin - 1),
            std::min(all.col_end, found_.col_end + 1), std::min(all.row_end, found_.row_end + 1)};
  }

 private:
  enum class side { outside, inside, both };

  side compare(const bounds& b) const {
    if (b.north < box_.south || b.south > box_.north) return side::outside;
    const double period = cells_.period();
    const double middle = (b.west + b.east) / 2, centre = (box_.west + box_.east) / 2;
    const double shift = period * std::round((middle - centre) / period);
    const double west = b.west - shift, east = b.east - shift;
    if (west < box_.west || east >= box_.east || b.south < box_.south || b.north >= box_.north) {
      if (b.east - b.west + box_.east - box_.west >= period) return side::both;
      return east < box_.west || west > box_.east ? side::outside : side::both;
    }
    return side::inside;
  }

  void add(const pixel_window& w) {
    if (found_.empty()) {
      found_ = w;
      return;
    }
    found_ = {std::min(found_.col_begin, w.col_begin), std::min(found_.row_begin, w.row_begin),
              std::max(found_.col_end, w.col_end), std::max(found_.row_end, w.row_end)};
  }

  void visit(const pixel_window& w, const patch* known) {
    if (w.empty() || found_.contains(w) || regions_++ > defaults::max_covering_regions) return;
    patch fit;
    if (!known) {
      fit = patch::fit(mapper_, w);
      if (fit.state() == patch::kind::off_globe &&
          std::max(w.width(), w.height()) <= off_globe_pixels_)
        return;
      if (fit.state() == patch::kind::smooth) {
        const side where = compare(fit.box(w));
        if (where == side::outside) return;
        if (fit.x_error() <= fit.x_step() * defaults::patch_error_pixels &&
            fit.y_error() <= fit.y_step() * defaults::patch_error_pixels)
          known = &fit;
      }
    }
    if (known) {
      const side where = compare(known->box(w));
      if (where == side::outside) return;
      if (where == side::inside) return add(w);
    }
    if (w.width() <= 2 && w.height() <= 2) return test_pixels(w);
    if (w.width() >= w.height()) {
      const int64_t middle = w.col_begin + w.width() / 2;
      visit({w.col_begin, w.row_begin, middle, w.row_end}, known);
      visit({middle, w.row_begin, w.col_end, w.row_end}, known);
    } else {
      const int64_t middle = w.row_begin + w.height() / 2;
      visit({w.col_begin, w.row_begin, w.col_end, middle}, known);
      visit({w.col_begin, middle, w.col_end, w.row_end}, known);
    }
  }

  void test_pixels(const pixel_window& w) {
    for (int64_t row = w.row_begin; row < w.row_end; ++row) {
      for (int64_t col = w.col_begin; col < w.col_end; ++col) {
        double x = static_cast<double>(col) + 0.5, y = static_cast<double>(row) + 0.5;
        uint8_t ok = 0;
        mapper_.to_cell_crs({&x, 1}, {&y, 1}, {&ok, 1});
        if (ok && cells_.cell_of(x, y) == cell_) add({col, row, col + 1, row + 1});
      }
    }
  }

  pixel_mapper& mapper_;
  const cell_grid& cells_;
  cell_index cell_;
  bounds box_;
  pixel_window found_;
  int64_t off_globe_pixels_ = 32;
  size_t regions_ = 0;
};

/// The part of the raster around a lattice of points of the cell, as far as they can be projected.
/// It is widened by more than the lattice's spacing, since the globe's edge runs between its
/// points.
pixel_window visible_part(pixel_mapper& mapper, const bounds& box) {
  constexpr size_t side = edge_samples;
  constexpr double widening = 1.5;
  std::vector<double> x(side * side), y(side * side);
  std::vector<uint8_t> ok(side * side);
  for (size_t i = 0; i < x.size(); ++i) {
    const double s = static_cast<double>(i % side) / (side - 1);
    const double t = static_cast<double>(i / side) / (side - 1);
    x[i] = box.west + s * (box.east - box.west);
    y[i] = box.south + t * (box.north - box.south);
  }
  mapper.to_pixel(x, y, ok);
  extent found;
  point step;
  const auto compare = [&](size_t a, size_t b) {
    if (!ok[b]) return;
    step = {std::max(step.col, std::abs(x[a] - x[b])), std::max(step.row, std::abs(y[a] - y[b]))};
  };
  for (size_t i = 0; i < x.size(); ++i) {
    if (!ok[i]) continue;
    found.add({x[i], y[i]});
    if (i % side > 0) compare(i, i - 1);
    if (i >= side) compare(i, i - side);
  }
  const auto limit = [](double v, int64_t end) {
    return static_cast<int64_t>(std::clamp(v, 0.0, static_cast<double>(end)));
  };
  const grid& raster = mapper.raster();
  const pixel_window window{limit(std::floor(found.low.col - widening * step.col), raster.width),
                            limit(std::floor(found.low.row - widening * step.row), raster.height),
                            limit(std::ceil(found.high.col + widening * step.col), raster.width),
                            limit(std::ceil(found.high.row + widening * step.row), raster.height)};
  return window.empty() ? pixel_window{} : window;
}

}  // namespace

pixel_window window_of(pixel_mapper& mapper, const cell_grid& cells, cell_index cell) {
  if (!cells.contains(cell)) return {};
  const bounds box = cells.cell_bounds(cell);
  extent found;
  if (mapper.is_affine()) {
    found = affine_extremes(mapper, box);
  } else {
    outline edge(mapper, box);
    const auto state = edge.sample();
    if (state != outline::state::whole) {
      const auto known = state == outline::state::torn ? pixel_window{} : visible_part(mapper, box);
      return pixel_search(mapper, cells, cell).find(known);
    }
    found = edge.extremes();
  }
  pixel_window window = snapped(best_copy(mapper, found));
  widen_over_seam(mapper, window);
  return window;
}

}  // namespace stip

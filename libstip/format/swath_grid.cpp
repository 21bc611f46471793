#include "libstip/format/swath_grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>

#include "libstip/geo/projection.hpp"

namespace stip {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double degree_metres = 111'320;
constexpr double earth_radius = 6'371'007;

/// From here on a grid of degrees would stretch pixels more than twice.
constexpr double polar_latitude = 60;
/// A swath that reaches from there to beyond does not suit a polar projection.
constexpr double least_polar_latitude = 20;
constexpr auto arctic = "EPSG:3995";
constexpr auto antarctic = "EPSG:3031";

/// Neighbours further apart, in pixels of the grid, are no neighbours on the ground.
constexpr double widest_gap = 24;

/// Points of the outline on each side at most.
constexpr int64_t side_points = 48;

double radians(double degrees) {
  return degrees * std::numbers::pi / 180;
}

double distance_metres(double lon_a, double lat_a, double lon_b, double lat_b) {
  const double s = std::sin(radians(lat_b - lat_a) / 2);
  const double t = std::sin(radians(lon_b - lon_a) / 2);
  const double h = s * s + std::cos(radians(lat_a)) * std::cos(radians(lat_b)) * t * t;
  return 2 * earth_radius * std::asin(std::min(1.0, std::sqrt(h)));
}

/// Three digits: grids of one product are then of one size.
double rounded(double value) {
  const double unit = std::pow(10, std::floor(std::log10(value)) - 2);
  return std::round(value / unit) * unit;
}

double wrapped(double lon) {
  const double out = std::remainder(lon, 360.0);
  return out >= 180 ? out - 360 : out;
}

}  // namespace

result<swath_map> swath_map::make(swath_points points) {
  constexpr auto what = "place a swath";
  const auto count = static_cast<size_t>(points.columns) * static_cast<size_t>(points.rows);
  if (points.columns < 2 || points.rows < 2 || points.lon.size() != count ||
      points.lat.size() != count)
    return fail(ec::unsupported, what, "its longitudes and latitudes are no image");
  if (static_cast<int64_t>(count) > max_swath_pixels)
    return fail(ec::limit_exceeded, what, "it has too many pixels");
  swath_map out;
  double east = 0, north = 0, low = 90, high = -90;
  size_t known = 0;
  for (size_t i = 0; i < count; ++i) {
    auto& lon = points.lon[i];
    auto& lat = points.lat[i];
    // 0, 0 is where a point is not known, too often to be believed: it may be real in one pixel.
    if (!(lat >= -90 && lat <= 90 && lon >= -360 && lon <= 360)) {
      lon = lat = nan;
      continue;
    }
    ++known;
    east += std::cos(radians(lon));
    north += std::sin(radians(lon));
    low = std::min(low, lat);
    high = std::max(high, lat);
  }
  if (known < 4) return fail(ec::unsupported, what, "it has no longitudes and latitudes");
  out.x_ = points.lon;
  out.y_ = points.lat;
  const bool far_north = high > polar_latitude && low > least_polar_latitude;
  const bool far_south = low < -polar_latitude && high < -least_polar_latitude;
  if (!far_north && !far_south) {
    out.crs_ = "EPSG:4326";
    const double middle = std::atan2(north, east) * 180 / std::numbers::pi;
    for (auto& lon : out.x_)
      if (lon == lon) lon = middle + std::remainder(lon - middle, 360.0);
  } else {
    out.crs_ = far_north ? arctic : antarctic;
    STIP_ASSIGN(auto transform, coordinate_transform::make("EPSG:4326", out.crs_));
    std::vector<uint8_t> ok(count);
    for (size_t i = 0; i < count; ++i)
      if (out.x_[i] != out.x_[i]) out.x_[i] = out.y_[i] = 0;
    transform.forward(out.x_, out.y_, ok);
    for (size_t i = 0; i < count; ++i)
      if (!ok[i] || points.lon[i] != points.lon[i]) out.x_[i] = out.y_[i] = nan;
  }
  out.points_ = std::move(points);
  return out;
}

double swath_map::spacing_metres() const {
  // Under the instrument pixels are smallest: the middle third of the columns.
  std::vector<double> found;
  const auto& p = points_;
  const auto at = [&](int64_t row, int64_t column) {
    return static_cast<size_t>(row * p.columns + column);
  };
  const auto row_stride = std::max<int64_t>(1, p.rows / 64);
  for (int64_t row = 0; row < p.rows; row += row_stride)
    for (int64_t column = p.columns / 3; column + 1 < p.columns - p.columns / 3; ++column) {
      const auto a = at(row, column), b = at(row, column + 1);
      const double d = distance_metres(p.lon[a], p.lat[a], p.lon[b], p.lat[b]);
      if (d > 0) found.push_back(d);
    }
  if (found.empty()) return 0;
  const auto middle = found.begin() + static_cast<std::ptrdiff_t>(found.size() / 2);
  std::nth_element(found.begin(), middle, found.end());
  return *middle;
}

result<void> swath_map::lay_out(std::vector<swath_shape>& shapes) const {
  constexpr auto what = "place a swath";
  if (shapes.empty()) return {};
  for (const auto& shape : shapes) {
    const auto& s = shape.steps;
    const bool fits = s.pixel_step >= 1 && s.line_step >= 1 && s.pixel_offset >= 0 &&
                      s.line_offset >= 0 && shape.columns >= 1 && shape.rows >= 1 &&
                      s.pixel_offset + s.pixel_step * double(points_.columns - 1) <=
                          double(shape.columns) - 0.5 + s.pixel_step &&
                      s.line_offset + s.line_step * double(points_.rows - 1) <=
                          double(shape.rows) - 0.5 + s.line_step &&
                      double(shape.columns) <= s.pixel_step * double(points_.columns + 1) &&
                      double(shape.rows) <= s.line_step * double(points_.rows + 1);
    if (!fits)
      return fail(ec::unsupported, what, "the sizes of its images do not fit its geolocation");
    if (shape.columns > max_swath_pixels / shape.rows)
      return fail(ec::limit_exceeded, what, "it has too many pixels");
  }
  const auto finest = std::max_element(
      shapes.begin(), shapes.end(),
      [](const swath_shape& a, const swath_shape& b) { return a.columns < b.columns; });
  const double metres = spacing_metres() / finest->steps.pixel_step;
  if (!(metres > 0)) return fail(ec::unsupported, what, "its pixels lie on each other");
  double west = std::numeric_limits<double>::max(), south = west, east = -west, north = -west;
  for (size_t i = 0; i < x_.size(); ++i) {
    if (x_[i] != x_[i]) continue;
    west = std::min(west, x_[i]);
    east = std::max(east, x_[i]);
    south = std::min(south, y_[i]);
    north = std::max(north, y_[i]);
  }
  double height = rounded(metres), width = height;
  if (crs_ == "EPSG:4326") {
    // Along a parallel degrees are shorter; not at the poles, where they would vanish.
    const double nearest = std::min(std::abs(south), std::abs(north));
    const double parallel = south * north < 0 ? 0 : nearest;
    height = rounded(metres / degree_metres);
    width = rounded(metres / degree_metres / std::cos(radians(std::min(parallel, polar_latitude))));
  }
  double coarsest = 1;
  for (const auto& shape : shapes)
    coarsest = std::max(coarsest, std::round(double(finest->columns) / double(shape.columns)));
  // Beyond the outermost points the pixels go on for half a step and more.
  const double margin_x = width * (finest->steps.pixel_step + 1);
  const double margin_y = height * (finest->steps.line_step + 1);
  const double unit_x = width * coarsest, unit_y = height * coarsest;
  const double first_column = std::floor((west - margin_x) / unit_x);
  const double first_row = std::ceil((north + margin_y) / unit_y);
  const double units_x = std::ceil((east + margin_x) / unit_x) - first_column;
  const double units_y = first_row - std::floor((south - margin_y) / unit_y);
  if (!(units_x * coarsest * units_y * coarsest <= double(max_swath_pixels)))
    return fail(ec::limit_exceeded, what, "the grid for it would have too many pixels");
  for (auto& shape : shapes) {
    const double ratio =
        std::clamp(std::round(double(finest->columns) / double(shape.columns)), 1.0, coarsest);
    auto& g = shape.grid;
    g.crs_wkt = crs_;
    g.transform = {first_column * unit_x, width * ratio, 0, first_row * unit_y, 0, -height * ratio};
    g.width = static_cast<int64_t>(std::ceil(units_x * coarsest / ratio));
    g.height = static_cast<int64_t>(std::ceil(units_y * coarsest / ratio));
    STIP_TRY(check_grid(g));
  }
  return {};
}

std::pair<double, double> swath_map::between(const std::vector<double>& a,
                                             const std::vector<double>& b, const swath_shape& shape,
                                             double column, double row) const {
  const auto& s = shape.steps;
  const double i = (column - s.pixel_offset) / s.pixel_step;
  const double j = (row - s.line_offset) / s.line_step;
  const auto i0 = std::clamp<int64_t>(static_cast<int64_t>(std::floor(i)), 0, points_.columns - 2);
  const auto j0 = std::clamp<int64_t>(static_cast<int64_t>(std::floor(j)), 0, points_.rows - 2);
  const double u = i - double(i0), v = j - double(j0);
  const auto at = static_cast<size_t>(j0 * points_.columns + i0);
  const auto below = at + static_cast<size_t>(points_.columns);
  const auto mix = [&](const std::vector<double>& of) {
    // On a point that one counts alone, whatever its neighbours are.
    if (u == 0 && v == 0) return of[at];
    if (v == 0) return of[at] * (1 - u) + of[at + 1] * u;
    if (u == 0) return of[at] * (1 - v) + of[below] * v;
    return (of[at] * (1 - u) + of[at + 1] * u) * (1 - v) +
           (of[below] * (1 - u) + of[below + 1] * u) * v;
  };
  return {mix(a), mix(b)};
}

std::vector<int32_t> swath_map::index(const swath_shape& shape) const {
  const auto& g = shape.grid;
  const auto columns = shape.columns, rows = shape.rows;
  // In pixels of the grid, (0.5, 0.5) the middle of the first.
  std::vector<float> x(static_cast<size_t>(columns * rows)), y(x.size());
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      const auto [px, py] = between(x_, y_, shape, double(column), double(row));
      const auto at = static_cast<size_t>(row * columns + column);
      x[at] = static_cast<float>((px - g.transform[0]) / g.transform[1]);
      y[at] = static_cast<float>((py - g.transform[3]) / g.transform[5]);
    }
  std::vector<int32_t> out(static_cast<size_t>(g.width * g.height), -1);
  std::vector<float> best(out.size(), std::numeric_limits<float>::max());
  const auto offer = [&](int64_t target_column, int64_t target_row, size_t source) {
    const auto at = static_cast<size_t>(target_row * g.width + target_column);
    const float dx = x[source] - (float(target_column) + 0.5F);
    const float dy = y[source] - (float(target_row) + 0.5F);
    const float distance = dx * dx + dy * dy;
    if (distance >= best[at]) return;
    best[at] = distance;
    out[at] = static_cast<int32_t>(source);
  };
  // Whether a point lies left of or on a directed edge.
  const auto side = [&](size_t a, size_t b, float px, float py) {
    return (x[b] - x[a]) * (py - y[a]) - (y[b] - y[a]) * (px - x[a]);
  };
  const auto in_triangle = [&](size_t a, size_t b, size_t c, float px, float py) {
    const float s = side(a, b, px, py), t = side(b, c, px, py), u = side(c, a, px, py);
    return (s >= 0 && t >= 0 && u >= 0) || (s <= 0 && t <= 0 && u <= 0);
  };
  for (int64_t row = 0; row + 1 < rows; ++row)
    for (int64_t column = 0; column + 1 < columns; ++column) {
      const auto a = static_cast<size_t>(row * columns + column);
      const size_t b = a + 1, c = a + static_cast<size_t>(columns), d = c + 1;
      const float low_x = std::min({x[a], x[b], x[c], x[d]});
      const float high_x = std::max({x[a], x[b], x[c], x[d]});
      const float low_y = std::min({y[a], y[b], y[c], y[d]});
      const float high_y = std::max({y[a], y[b], y[c], y[d]});
      // NaN fails here too: min and max may lose it, so each corner is asked.
      if (!(high_x - low_x <= widest_gap && high_y - low_y <= widest_gap) ||
          !(x[a] == x[a] && x[b] == x[b] && x[c] == x[c] && x[d] == x[d]))
        continue;
      const auto first_column = std::max<int64_t>(0, int64_t(std::ceil(low_x - 0.5F)));
      const auto last_column = std::min<int64_t>(g.width - 1, int64_t(std::floor(high_x - 0.5F)));
      const auto first_row = std::max<int64_t>(0, int64_t(std::ceil(low_y - 0.5F)));
      const auto last_row = std::min<int64_t>(g.height - 1, int64_t(std::floor(high_y - 0.5F)));
      for (int64_t r = first_row; r <= last_row; ++r)
        for (int64_t k = first_column; k <= last_column; ++k) {
          const float px = float(k) + 0.5F, py = float(r) + 0.5F;
          if (!in_triangle(a, b, c, px, py) && !in_triangle(b, c, d, px, py)) continue;
          for (const size_t corner : {a, b, c, d}) offer(k, r, corner);
        }
    }
  // The border's pixels reach half a pixel further than their middles.
  for (size_t source = 0; source < x.size(); ++source) {
    if (x[source] != x[source]) continue;
    if (x[source] < 0 || y[source] < 0 || x[source] >= float(g.width) ||
        y[source] >= float(g.height))
      continue;
    const auto k = static_cast<int64_t>(x[source]), r = static_cast<int64_t>(y[source]);
    offer(k, r, source);
  }
  return out;
}

result<void> swath_map::places(const swath_shape& shape, std::span<const int32_t> pixels,
                               std::span<double> lon, std::span<double> lat) const {
  const auto& s = shape.steps;
  const bool own = s.pixel_step == 1 && s.line_step == 1 && s.pixel_offset == 0 &&
                   s.line_offset == 0 && shape.columns == points_.columns;
  for (size_t i = 0; i < pixels.size(); ++i) {
    if (pixels[i] < 0) {
      lon[i] = lat[i] = nan;
    } else if (own) {
      lon[i] = points_.lon[static_cast<size_t>(pixels[i])];
      lat[i] = points_.lat[static_cast<size_t>(pixels[i])];
    } else {
      const auto column = pixels[i] % shape.columns, row = pixels[i] / shape.columns;
      std::tie(lon[i], lat[i]) = between(x_, y_, shape, double(column), double(row));
    }
  }
  if (!own && crs_ != "EPSG:4326") {
    STIP_ASSIGN(auto transform, coordinate_transform::make("EPSG:4326", crs_));
    std::vector<uint8_t> ok(pixels.size());
    for (size_t i = 0; i < pixels.size(); ++i)
      if (pixels[i] < 0) lon[i] = lat[i] = 0;
    transform.inverse(lon, lat, ok);
    for (size_t i = 0; i < pixels.size(); ++i)
      if (pixels[i] < 0 || !ok[i]) lon[i] = lat[i] = nan;
  }
  for (auto& degrees : lon) degrees = wrapped(degrees);
  return {};
}

footprint swath_map::outline() const {
  std::vector<lon_lat> border;
  const auto last_row = points_.rows - 1, last_column = points_.columns - 1;
  const auto add = [&](int64_t row, int64_t column) {
    const auto at = static_cast<size_t>(row * points_.columns + column);
    if (points_.lon[at] == points_.lon[at]) border.push_back({points_.lon[at], points_.lat[at]});
  };
  const auto walk = [&](int64_t row, int64_t column, int64_t to_row, int64_t to_column) {
    const auto steps =
        std::min(side_points, std::max(std::abs(to_row - row), std::abs(to_column - column)));
    for (int64_t i = 0; i < steps; ++i)
      add(row + (to_row - row) * i / steps, column + (to_column - column) * i / steps);
  };
  walk(0, 0, last_row, 0);
  walk(last_row, 0, last_row, last_column);
  walk(last_row, last_column, 0, last_column);
  walk(0, last_column, 0, 0);
  return footprint_of_border(border);
}

}  // namespace stip

#include "libstip/geo/footprint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

using ring = std::vector<lon_lat>;

/// Points of a lattice over the raster from which its visible middle is found.
constexpr int lattice = 17;

/// Halvings on the way from a visible point to one off the globe.
constexpr int halvings = 40;

/// Neighbours on the outline that are further apart in longitude pass a pole between them.
constexpr double polar_jump = 90;

/// Parts of a ring that are narrower than this many degrees (a tenth of a millimetre) are rounding.
constexpr double sliver_degrees = 1e-9;

class tracer {
 public:
  explicit tracer(pixel_mapper& mapper) : mapper_(mapper) {}

  footprint trace() {
    const auto anchor = visible_middle();
    if (!anchor) return {};
    const bool north = contains_pole(90), south = contains_pole(-90);
    if ((north && south) || spans_globe()) return whole_width(north, south);
    constexpr int points = defaults::footprint_side_points;
    return closed(visible_outline(*anchor,
                                  std::array<pixel_point, 4>{
                                      {{0, 0}, {0, height()}, {width(), height()}, {width(), 0}}},
                                  points),
                  north);
  }

  /// Of a part.
  footprint trace(std::span<const pixel_point> corners) {
    pixel_point middle;
    for (const auto& p : corners)
      middle = {middle.col + p.col / static_cast<double>(corners.size()),
                middle.row + p.row / static_cast<double>(corners.size())};
    auto seen = place(middle);
    // Where the middle is off the globe, a corner may be on it.
    for (size_t i = 0; !seen && i < corners.size(); ++i) {
      middle = corners[i];
      seen = place(middle);
    }
    if (!seen) return {};
    // As many points as around a raster.
    const auto sides = std::max<int>(4, static_cast<int>(corners.size()));
    return closed(visible_outline(middle, corners, 4 * defaults::footprint_side_points / sides),
                  seen->lat > 0);
  }

  /// See footprint_of_border.
  static footprint of_border(const std::vector<lon_lat>& border) {
    ring outline;
    double north = 0;
    for (const auto& p : border) {
      north += p.lat;
      append(outline, p);
    }
    return closed(std::move(outline), north > 0);
  }

 private:
  static footprint closed(ring outline, bool north) {
    if (outline.size() < 3) return {};
    close_over_pole(outline, north);
    footprint found;
    split(outline, found);
    return found;
  }

  double width() const { return static_cast<double>(mapper_.raster().width); }
  double height() const { return static_cast<double>(mapper_.raster().height); }

  std::optional<lon_lat> place(pixel_point p) {
    uint8_t ok = 0;
    mapper_.to_cell_crs_unwrapped({&p.col, 1}, {&p.row, 1}, {&ok, 1});
    if (!ok) return std::nullopt;
    // A raster of degrees may have half a pixel beyond the pole.
    return lon_lat{p.col, std::clamp(p.row, -90.0, 90.0)};
  }

  /// The visible point of a lattice that is nearest to the middle of all of them.
  std::optional<pixel_point> visible_middle() {
    std::vector<pixel_point> seen;
    pixel_point middle{0, 0};
    for (int i = 0; i < lattice * lattice; ++i) {
      const pixel_point p{width() * (i % lattice) / (lattice - 1),
                          height() * (i / lattice) / (lattice - 1)};
      if (!place(p)) continue;
      seen.push_back(p);
      middle = {middle.col + p.col, middle.row + p.row};
    }
    if (seen.empty()) return std::nullopt;
    const auto count = static_cast<double>(seen.size());
    const auto away = [&](const pixel_point& p) {
      return std::hypot(p.col - middle.col / count, p.row - middle.row / count);
    };
    return *std::min_element(seen.begin(), seen.end(),
                             [&](const auto& a, const auto& b) { return away(a) < away(b); });
  }

  bool contains_pole(double lat) {
    double col = 0, row = lat;
    uint8_t ok = 0;
    mapper_.to_pixel({&col, 1}, {&row, 1}, {&ok, 1});
    return ok && col >= 0 && col <= width() && row >= 0 && row <= height();
  }

  bool spans_globe() const { return mapper_.period_columns().has_value(); }

  /// All longitudes, between the latitudes that the raster has.
  footprint whole_width(bool north, bool south) {
    double low = 90, high = -90;
    for (const double row : {0.0, height()}) {
      const auto p = place({width() / 2, row});
      if (!p) continue;
      low = std::min(low, p->lat);
      high = std::max(high, p->lat);
    }
    if (south) low = -90;
    if (north) high = 90;
    if (low >= high) return {};
    return {{{{-180, low}, {180, low}, {180, high}, {-180, high}, {-180, low}}}};
  }

  std::optional<lon_lat> last_visible(pixel_point from, pixel_point to) {
    auto found = place(from);
    for (int i = 0; i < halvings; ++i) {
      const pixel_point middle{(from.col + to.col) / 2, (from.row + to.row) / 2};
      if (const auto p = place(middle)) {
        found = p;
        from = middle;
      } else {
        to = middle;
      }
    }
    return found;
  }

  /// Longitudes are continuous along the outline and may leave [-180, 180].
  ring visible_outline(pixel_point anchor, std::span<const pixel_point> corners, int side_points) {
    ring outline;
    for (size_t side = 0; side < corners.size(); ++side) {
      const auto &from = corners[side], &to = corners[(side + 1) % corners.size()];
      for (int i = 0; i < side_points; ++i) {
        const double t = static_cast<double>(i) / side_points;
        const pixel_point p{from.col + t * (to.col - from.col), from.row + t * (to.row - from.row)};
        auto seen = place(p);
        if (!seen) seen = last_visible(anchor, p);
        if (!seen) continue;
        add(outline, *seen);
      }
    }
    return outline;
  }

  void add(ring& outline, lon_lat p) const {
    if (!mapper_.is_affine()) return append(outline, p);
    if (outline.empty() || outline.back() != p) outline.push_back(p);
  }

  /// Adds a point whose longitude may be any copy.
  static void append(ring& outline, lon_lat p) {
    if (!outline.empty()) {
      p.lon = outline.back().lon + std::remainder(p.lon - outline.back().lon, 360.0);
      const lon_lat last = outline.back();
      if (last == p) return;
      // Beside a pole all meridians meet; the straight line between two of them would cut it off.
      if (std::abs(p.lon - last.lon) > polar_jump && std::abs(p.lat) > 60) {
        const double pole = std::copysign(90.0, p.lat);
        outline.push_back({last.lon, pole});
        outline.push_back({p.lon, pole});
      }
    }
    outline.push_back(p);
  }

  /// An outline that runs around the globe once has a pole inside: the ring goes there and back.
  static void close_over_pole(ring& outline, bool north) {
    const lon_lat first = outline.front(), last = outline.back();
    const double back = std::remainder(first.lon - last.lon, 360.0);
    const double turn = last.lon + back - first.lon;
    if (std::abs(turn) < 180) {
      outline.push_back(first);
      return;
    }
    const double pole = north ? 90 : -90;
    outline.push_back({last.lon + back, first.lat});
    outline.push_back({last.lon + back, pole});
    outline.push_back({first.lon, pole});
    outline.push_back(first);
  }

  /// The part of a ring on one side of a meridian (Sutherland and Hodgman 1974).
  static ring clip(const ring& points, double meridian, bool keep_east) {
    ring kept;
    const auto inside = [&](const lon_lat& p) {
      return keep_east ? p.lon >= meridian : p.lon <= meridian;
    };
    for (size_t i = 0; i + 1 < points.size(); ++i) {
      const lon_lat &a = points[i], &b = points[i + 1];
      if (inside(a)) kept.push_back(a);
      if (inside(a) != inside(b)) {
        const double t = (meridian - a.lon) / (b.lon - a.lon);
        kept.push_back({meridian, a.lat + t * (b.lat - a.lat)});
      }
    }
    if (!kept.empty()) kept.push_back(kept.front());
    return kept;
  }

  static double area(const ring& points) {
    double twice = 0;
    for (size_t i = 0; i + 1 < points.size(); ++i)
      twice += points[i].lon * points[i + 1].lat - points[i + 1].lon * points[i].lat;
    return twice / 2;
  }

  static bool is_sliver(const ring& part) {
    const auto [west, east] = std::minmax_element(
        part.begin(), part.end(), [](const lon_lat& a, const lon_lat& b) { return a.lon < b.lon; });
    return east->lon - west->lon < sliver_degrees;
  }

  /// Cuts at the antimeridian and shifts the pieces into [-180, 180].
  static void split(const ring& outline, footprint& found) {
    const auto [low, high] =
        std::minmax_element(outline.begin(), outline.end(),
                            [](const lon_lat& a, const lon_lat& b) { return a.lon < b.lon; });
    const auto first = std::floor((low->lon + 180) / 360);
    const auto last = std::floor((high->lon + 180) / 360);
    // An outline goes around the globe at most once or twice; more is a torn projection.
    if (!(last - first <= 4)) return;
    for (double turn = first; turn <= last; ++turn) {
      ring part = clip(clip(outline, 360 * turn - 180, true), 360 * turn + 180, false);
      if (part.size() < 4 || is_sliver(part)) continue;
      for (lon_lat& p : part) p.lon = std::clamp(p.lon - 360 * turn, -180.0, 180.0);
      part.erase(std::unique(part.begin(), part.end()), part.end());
      if (part.size() < 4) continue;
      if (area(part) < 0) std::reverse(part.begin(), part.end());
      found.rings.push_back(std::move(part));
    }
  }

  pixel_mapper& mapper_;
};

void append_number(std::string& text, double value) {
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.9g", value);
  text += digits;
}

}  // namespace

std::string footprint::to_wkt() const {
  if (rings.empty()) return "MULTIPOLYGON EMPTY";
  std::string text = "MULTIPOLYGON (";
  for (const auto& points : rings) {
    text += text.back() == '(' ? "((" : ", ((";
    for (size_t i = 0; i < points.size(); ++i) {
      if (i > 0) text += ", ";
      append_number(text, points[i].lon);
      text += ' ';
      append_number(text, points[i].lat);
    }
    text += "))";
  }
  return text + ")";
}

footprint footprint_of_border(const std::vector<lon_lat>& border) {
  return tracer::of_border(border);
}

result<footprint> footprint_of(const grid& raster) {
  STIP_ASSIGN(auto mapper, pixel_mapper::make(raster, 4326));
  return tracer(mapper).trace();
}

result<footprint> footprint_of(const grid& raster, std::span<const pixel_point> corners) {
  STIP_ASSIGN(auto mapper, pixel_mapper::make(raster, 4326));
  return tracer(mapper).trace(corners);
}

}  // namespace stip

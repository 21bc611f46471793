#include "libstip/analysis/extent_map.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <numbers>

#include "libstip/analysis/land_outline.hpp"
#include "libstip/geo/cell.hpp"

namespace stip {

namespace {

/// Cells that span more degrees are shown on a map of the world.
constexpr double world_degrees = 120;
/// Room around the cells as a share of what they span, and degrees that a map shows at least.
constexpr double room = 0.35;
constexpr double least_degrees = 4;

/// Width of the SVG in its own units.
constexpr double svg_width = 1200;

constexpr rgba sea = {214, 228, 238, 255};
constexpr rgba land = {236, 232, 219, 255};
constexpr rgba shore = {150, 150, 140, 255};
constexpr double cell_opacity = 0.75;

/// Places on the map: degrees with meridians shortened as they are in its middle.
class projection {
 public:
  projection(const bounds& view, double width) : view_(view) {
    const double middle = (view.south + view.north) / 2 * std::numbers::pi / 180;
    const double shortened = std::max(0.2, std::cos(middle));
    unit_ = width / (view.east - view.west);
    height_ = (view.north - view.south) * unit_ / shortened;
  }
  double height() const { return height_; }
  double x(double lon) const { return (lon - view_.west) * unit_; }
  double y(double lat) const { return (view_.north - lat) / (view_.north - view_.south) * height_; }

 private:
  bounds view_;
  double unit_ = 1;
  double height_ = 1;
};

/// 0 to 1: how full a cell is among the others; counts differ by orders of magnitude.
double share_of(uint64_t count, uint64_t most) {
  if (most <= 1) return 1;
  return std::log(static_cast<double>(std::max<uint64_t>(1, count))) /
         std::log(static_cast<double>(most));
}

rgba colour_of(uint64_t count, uint64_t most) {
  static const auto map = *colour_map_named("viridis");
  return map[static_cast<size_t>(std::lround((1 - share_of(count, most)) * 255))];
}

uint64_t most_of(const std::vector<mapped_cell>& cells) {
  uint64_t most = 1;
  for (const auto& c : cells) most = std::max(most, c.count);
  return most;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string number(double v) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", v);
  return text.data();
}

std::string hex(const rgba& c) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "#%02x%02x%02x", c[0], c[1], c[2]);
  return text.data();
}

std::string images(uint64_t count) {
  return std::to_string(count) + (count == 1 ? " image" : " images");
}

/// Distance of the lines of longitude and latitude.
double graticule(const bounds& view) {
  for (const double step : {1.0, 2.0, 5.0, 10.0, 15.0})
    if ((view.east - view.west) / step <= 12) return step;
  return 30;
}

void blend(rgba& on, const rgba& c, double opacity) {
  for (size_t k = 0; k < 3; ++k)
    on[k] = static_cast<uint8_t>(std::lround(on[k] * (1 - opacity) + c[k] * opacity));
}

/// Fills a polygon by its crossings with each row's middle.
void fill(picture& on, const std::vector<std::pair<double, double>>& ring, const rgba& c) {
  std::vector<double> crossings;
  for (int64_t row = 0; row < on.height; ++row) {
    const double y = static_cast<double>(row) + 0.5;
    crossings.clear();
    for (size_t i = 0; i < ring.size(); ++i) {
      const auto& [x0, y0] = ring[i];
      const auto& [x1, y1] = ring[(i + 1) % ring.size()];
      if ((y0 <= y) == (y1 <= y)) continue;
      crossings.push_back(x0 + (y - y0) / (y1 - y0) * (x1 - x0));
    }
    std::sort(crossings.begin(), crossings.end());
    for (size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const auto column = [&](double x) {
        return static_cast<int64_t>(std::clamp(std::round(x), 0.0, static_cast<double>(on.width)));
      };
      for (auto x = column(crossings[i]); x < column(crossings[i + 1]); ++x)
        on.pixels[static_cast<size_t>(row * on.width + x)] = c;
    }
  }
}

void line(picture& on, double x0, double y0, double x1, double y1, const rgba& c) {
  const double length = std::max(std::abs(x1 - x0), std::abs(y1 - y0));
  // What lies far outside has no part to draw.
  if (!(length < 1e6)) return;
  const auto steps = static_cast<int64_t>(std::ceil(length)) + 1;
  for (int64_t i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(steps);
    const double x = std::floor(x0 + t * (x1 - x0)), y = std::floor(y0 + t * (y1 - y0));
    if (x < 0 || y < 0 || x >= static_cast<double>(on.width) || y >= static_cast<double>(on.height))
      continue;
    on.pixels[static_cast<size_t>(y) * static_cast<size_t>(on.width) + static_cast<size_t>(x)] = c;
  }
}

}  // namespace

result<std::vector<mapped_cell>> mapped_cells(const std::vector<extent_row>& extents,
                                              geocode_algorithm algorithm) {
  std::map<std::string, mapped_cell> found;
  for (const auto& row : extents) {
    auto& cell = found[row.geocode];
    if (cell.geocode.empty()) {
      cell.geocode = row.geocode;
      STIP_ASSIGN(cell.box, decode(algorithm, row.geocode));
    }
    cell.count += row.count;
    if (cell.lines.size() < max_cell_lines)
      cell.lines.push_back(row.platform + ", precision " + std::to_string(row.precision) + ", " +
                           row.source + ": " + std::to_string(row.count));
    else if (cell.lines.size() == max_cell_lines)
      cell.lines.push_back("and more");
    if (found.size() > max_mapped_cells)
      return fail(ec::limit_exceeded, "draw a map",
                  "there are more than " + std::to_string(max_mapped_cells) + " cells",
                  "narrow the search down, e.g. by -g GEOCODE -r");
  }
  std::vector<mapped_cell> out;
  for (auto& [code, cell] : found) out.push_back(std::move(cell));
  return out;
}

bounds map_view(const std::vector<mapped_cell>& cells) {
  const bounds world{-180, -90, 180, 90};
  if (cells.empty()) return world;
  auto all = cells.front().box;
  for (const auto& c : cells) {
    all.west = std::min(all.west, c.box.west);
    all.south = std::min(all.south, c.box.south);
    all.east = std::max(all.east, c.box.east);
    all.north = std::max(all.north, c.box.north);
  }
  const double span = std::max({all.east - all.west, all.north - all.south, least_degrees});
  if (span > world_degrees) return world;
  const double half = span * (0.5 + room);
  const double x = (all.west + all.east) / 2, y = (all.south + all.north) / 2;
  return {std::max(-180.0, x - half), std::max(-90.0, y - half), std::min(180.0, x + half),
          std::min(90.0, y + half)};
}

std::string map_html(const std::string& title, const std::vector<mapped_cell>& cells) {
  const auto view = map_view(cells);
  const projection on{view, svg_width};
  const auto most = most_of(cells);
  uint64_t total = 0;
  for (const auto& c : cells) total += c.count;
  const auto size = number(svg_width) + " " + number(on.height());
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escaped(title) +
      "</title>\n<style>body{margin:1em;font:14px sans-serif;color:#222}svg{width:100%;height:auto;"
      "max-height:85vh;background:" +
      hex(sea) + "}.l{fill:" + hex(land) + ";stroke:" + hex(shore) +
      ";stroke-width:.8}.g{stroke:#fff;stroke-opacity:.6;stroke-width:.6}.c{fill-opacity:" +
      number(cell_opacity) +
      ";stroke:#222;stroke-opacity:.5;stroke-width:.5}.c:hover{fill-opacity:1;stroke-opacity:1}"
      "</style></head><body>\n<h1>" +
      escaped(title) + "</h1>\n<p>" + images(total) + " in " + std::to_string(cells.size()) +
      (cells.size() == 1 ? " cell" : " cells");
  // The legend: a bar of the colours from one image to the most.
  if (most > 1) {
    out +=
        "; 1 <span "
        "style=\"display:inline-block;width:12em;height:.9em;background:linear-gradient(to right";
    for (int i = 0; i <= 8; ++i)
      out += "," + hex(colour_of(
                       static_cast<uint64_t>(std::lround(std::pow(double(most), i / 8.0))), most));
    out += ")\"></span> " + std::to_string(most);
  }
  out += "</p>\n<svg viewBox=\"0 0 " + size +
         "\" xmlns=\"http://www.w3.org/2000/svg\">\n<path class=\"l\" d=\"";
  for (const auto& ring : land_outline()) {
    double west = 180, south = 90, east = -180, north = -90;
    for (const auto& p : ring) {
      west = std::min(west, p.lon);
      east = std::max(east, p.lon);
      south = std::min(south, p.lat);
      north = std::max(north, p.lat);
    }
    if (east < view.west || west > view.east || north < view.south || south > view.north) continue;
    const char* step = "M";
    for (const auto& p : ring) {
      out += step + number(on.x(p.lon)) + " " + number(on.y(p.lat));
      step = "L";
    }
    out += "Z";
  }
  out += "\"/>\n<g class=\"g\">";
  const double step = graticule(view);
  for (double lon = std::ceil(view.west / step) * step; lon <= view.east; lon += step)
    out += "<path d=\"M" + number(on.x(lon)) + " 0V" + number(on.height()) + "\"/>";
  for (double lat = std::ceil(view.south / step) * step; lat <= view.north; lat += step)
    out += "<path d=\"M0 " + number(on.y(lat)) + "H" + number(svg_width) + "\"/>";
  out += "</g>\n";
  for (const auto& c : cells) {
    const double x = on.x(c.box.west), y = on.y(c.box.north);
    out += "<rect class=\"c\" x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" +
           number(std::max(1.0, on.x(c.box.east) - x)) + "\" height=\"" +
           number(std::max(1.0, on.y(c.box.south) - y)) + "\" fill=\"" +
           hex(colour_of(c.count, most)) + "\"><title>" + escaped(c.geocode) + ": " +
           images(c.count);
    for (const auto& text : c.lines) out += "\n" + escaped(text);
    out += "</title></rect>\n";
  }
  return out + "</svg>\n<p>Land: Natural Earth (public domain), simplified.</p></body></html>\n";
}

picture map_picture(const std::vector<mapped_cell>& cells, int64_t width) {
  const auto view = map_view(cells);
  const projection on{view, static_cast<double>(width)};
  picture out;
  out.width = width;
  out.height = std::max<int64_t>(1, std::lround(on.height()));
  out.pixels.assign(static_cast<size_t>(out.width * out.height), sea);
  const auto rings = land_outline();
  std::vector<std::pair<double, double>> ring;
  for (const auto& r : rings) {
    ring.clear();
    for (const auto& p : r) ring.emplace_back(on.x(p.lon), on.y(p.lat));
    fill(out, ring, land);
    for (size_t i = 0; i < ring.size(); ++i) {
      const auto& [x0, y0] = ring[i];
      const auto& [x1, y1] = ring[(i + 1) % ring.size()];
      line(out, x0, y0, x1, y1, shore);
    }
  }
  const auto most = most_of(cells);
  for (const auto& c : cells) {
    const auto colour = colour_of(c.count, most);
    const auto x0 = std::max<int64_t>(0, std::lround(on.x(c.box.west)));
    const auto y0 = std::max<int64_t>(0, std::lround(on.y(c.box.north)));
    const auto x1 = std::min(out.width, std::max(x0 + 1, int64_t{std::lround(on.x(c.box.east))}));
    const auto y1 = std::min(out.height, std::max(y0 + 1, int64_t{std::lround(on.y(c.box.south))}));
    for (auto y = y0; y < y1; ++y)
      for (auto x = x0; x < x1; ++x) {
        const bool edge = x == x0 || y == y0 || x + 1 == x1 || y + 1 == y1;
        auto& pixel = out.pixels[static_cast<size_t>(y * out.width + x)];
        blend(pixel, colour, edge && x1 - x0 > 3 && y1 - y0 > 3 ? 1 : cell_opacity);
      }
  }
  return out;
}

}  // namespace stip

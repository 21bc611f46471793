#include "libstip/analysis/mosaic_frame.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "libstip/core/defaults.hpp"
#include "libstip/geo/projection.hpp"
#include "libstip/raster/writers.hpp"

namespace stip {

namespace {

constexpr auto degrees = "EPSG:4326";

/// Points along each side of a box that is projected: its edges become curves.
constexpr int box_steps = 32;

/// Resolutions are the same within this share.
constexpr double same_resolution = 1e-9;

/// Parts of a pixel that an edge of the area may reach into one without taking it.
constexpr double snap_pixels = 1e-6;

struct span_of {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void take(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
};

/// Degrees east of W that the area reaches to.
double width_of(const lon_lat_box& area) {
  return area.east > area.west ? area.east - area.west : area.east + 360 - area.west;
}

struct projected_box {
  span_of x, y;
};

/// The area in the CRS of the picture.
result<projected_box> project(const lon_lat_box& area, const std::string& crs) {
  projected_box out;
  const double width = width_of(area);
  if (same_crs(crs, degrees)) {
    out.x = {area.west, area.west + width};
    out.y = {area.south, area.north};
    return out;
  }
  STIP_ASSIGN(auto transform, coordinate_transform::make(degrees, crs));
  std::vector<double> x, y;
  for (int i = 0; i <= box_steps; ++i)
    for (int k = 0; k <= box_steps; ++k) {
      x.push_back(area.west + width * i / box_steps);
      y.push_back(area.south + (area.north - area.south) * k / box_steps);
    }
  std::vector<uint8_t> ok(x.size());
  constexpr double round_trip_degrees = 1e-5;
  transform.forward_checked(x, y, ok, round_trip_degrees);
  const double period = transform.target().period;
  std::optional<double> anchor;
  for (size_t i = 0; i < x.size(); ++i) {
    if (ok[i] == 0) continue;
    // Where meridians repeat, the area is one piece.
    if (!anchor) anchor = x[i];
    if (period > 0 && area.west > area.east) x[i] += std::round((*anchor - x[i]) / period) * period;
    out.x.take(x[i]);
    out.y.take(y[i]);
  }
  if (!anchor || !(out.x.low < out.x.high) || !(out.y.low < out.y.high))
    return fail(ec::invalid_argument, "--crs " + crs.substr(0, 60),
                "the area does not lie where this system reaches", "choose another system");
  return out;
}

double pixel_width(const grid& g) {
  return std::hypot(g.transform[1], g.transform[4]);
}

double pixel_height(const grid& g) {
  return std::hypot(g.transform[2], g.transform[5]);
}

bool north_up(const grid& g) {
  return g.transform[2] == 0 && g.transform[4] == 0 && g.transform[1] > 0 && g.transform[5] < 0;
}

/// Compares systems; each pair of texts is read once.
class crs_comparison {
 public:
  bool same(const std::string& a, const std::string& b) {
    if (a == b) return true;
    const auto [at, added] = known_.try_emplace({a, b}, false);
    if (added) at->second = same_crs(a, b);
    return at->second;
  }

 private:
  std::map<std::pair<std::string, std::string>, bool> known_;
};

}  // namespace

bool before_in_mosaic(const image_key& a, const image_key& b) {
  return std::tie(a.timestamp, a.tile, a.platform, a.geocode, a.source) <
         std::tie(b.timestamp, b.tile, b.platform, b.geocode, b.source);
}

result<std::vector<band_place>> mosaic_bands(const scene_description& scene,
                                             const mosaic_request& request) {
  const auto& names = request.expression ? request.expression->math.bands() : request.bands;
  if (!names.empty()) return resolve_bands(scene, names);
  for (size_t s = 0; s < scene.subdatasets.size(); ++s) {
    const auto& d = scene.subdatasets[s];
    if (d.quality) continue;
    std::vector<band_place> out;
    if (request.natural_colours) {
      for (const auto b : picture_bands(d)) out.push_back({s, b});
      return out;
    }
    const size_t shown = d.bands.size() - (d.valid == validity::alpha ? 1 : 0);
    for (size_t b = 0; b < std::min(shown, max_mosaic_bands); ++b) out.push_back({s, b});
    if (!out.empty()) return out;
  }
  // A product of classes alone is shown as it is.
  if (!scene.subdatasets.empty() && !scene.subdatasets[0].bands.empty())
    return std::vector<band_place>{{0, 0}};
  return fail(ec::unsupported, "find the bands of " + scene.tile, "it has none");
}

result<void> check_combines(const mosaic_request& request, const scene_description& reference,
                            const std::vector<band_place>& reference_bands,
                            const scene_description& scene, const std::vector<band_place>& bands) {
  const auto refuse = [&](std::string why) {
    return fail(ec::unsupported, "combine " + scene.tile + " with " + reference.tile,
                std::move(why));
  };
  const auto level = [](const scene_description& s) {
    const auto at = s.properties.find("processing_level");
    return at == s.properties.end() ? std::string() : at->second;
  };
  if (level(reference) != level(scene))
    return refuse("its processing level is '" + level(scene) + "', not '" + level(reference) + "'");
  if (reference_bands.size() != bands.size()) return refuse("it has other bands");
  if (request.expression) return {};
  for (size_t i = 0; i < bands.size(); ++i) {
    const auto& a =
        reference.subdatasets[reference_bands[i].subdataset].bands[reference_bands[i].band];
    const auto& b = scene.subdatasets[bands[i].subdataset].bands[bands[i].band];
    if (a.name != b.name) return refuse("it has band " + b.name + " in the place of " + a.name);
    if (a.unit != b.unit)
      return refuse("band " + b.name + " is in '" + b.unit + "', not in '" + a.unit + "'");
    if (b.scale == 0 || !std::isfinite(b.scale) || !std::isfinite(b.offset))
      return refuse("band " + b.name + " has no usable scale");
  }
  return {};
}

result<grid> mosaic_grid(const mosaic_request& request, const std::vector<mosaic_candidate>& scenes,
                         const std::vector<std::vector<band_place>>& bands) {
  crs_comparison systems;
  std::vector<const grid*> grids;
  for (size_t i = 0; i < scenes.size(); ++i)
    for (const auto& place : bands[i])
      grids.push_back(&scenes[i].scene->subdatasets[place.subdataset].grid);
  if (grids.empty()) return fail(ec::not_found, "plan a picture", "there is no image");
  grid out;
  out.crs_wkt = request.crs;
  if (out.crs_wkt.empty()) {
    out.crs_wkt = grids.front()->crs_wkt;
    for (const auto* g : grids)
      if (!systems.same(g->crs_wkt, out.crs_wkt)) out.crs_wkt = degrees;
  }
  STIP_ASSIGN(const auto traits, describe_crs(out.crs_wkt));
  double across = request.resolution, down = request.resolution;
  const grid* anchor = nullptr;
  if (request.resolution == 0) {
    across = down = std::numeric_limits<double>::infinity();
    for (const auto* g : grids) {
      if (systems.same(g->crs_wkt, out.crs_wkt)) {
        across = std::min(across, pixel_width(*g));
        down = std::min(down, pixel_height(*g));
        continue;
      }
      STIP_ASSIGN(const auto own, describe_crs(g->crs_wkt));
      const double metres = std::min(pixel_width(*g), pixel_height(*g)) * own.unit_metres;
      across = std::min(across, metres / traits.unit_metres);
      down = std::min(down, metres / traits.unit_metres);
    }
  }
  for (const auto* g : grids)
    if (anchor == nullptr && north_up(*g) && systems.same(g->crs_wkt, out.crs_wkt) &&
        std::abs(g->transform[1] - across) <= same_resolution * across &&
        std::abs(-g->transform[5] - down) <= same_resolution * down)
      anchor = g;
  if (anchor != nullptr) {
    across = anchor->transform[1];
    down = -anchor->transform[5];
    out.crs_wkt = anchor->crs_wkt;
  }
  STIP_ASSIGN(const auto box, project(request.area, out.crs_wkt));
  const double x0 = anchor != nullptr ? anchor->transform[0] : box.x.low;
  const double y0 = anchor != nullptr ? anchor->transform[3] : box.y.high;
  const double first_column = std::floor((box.x.low - x0) / across + snap_pixels);
  const double first_row = std::floor((y0 - box.y.high) / down + snap_pixels);
  const double end_column = std::ceil((box.x.high - x0) / across - snap_pixels);
  const double end_row = std::ceil((y0 - box.y.low) / down - snap_pixels);
  const double columns = std::max(1.0, end_column - first_column);
  const double rows = std::max(1.0, end_row - first_row);
  constexpr auto most = static_cast<double>(defaults::max_raster_edge);
  if (!(columns <= most) || !(rows <= most))
    return fail(ec::limit_exceeded, "plan a picture",
                "it would have more columns or rows than a file can have",
                "choose a smaller area or a larger --res");
  out.transform = {x0 + first_column * across, across, 0, y0 - first_row * down, 0, -down};
  out.width = static_cast<int64_t>(columns);
  out.height = static_cast<int64_t>(rows);
  STIP_TRY(check_grid(out));
  return out;
}

result<lon_lat_box> mosaic_box(const grid& picture, const lon_lat_box& area) {
  span_of x, y;
  const double middle = area.west + width_of(area) / 2;
  x.take(area.west);
  x.take(area.west + width_of(area));
  y.take(area.south);
  y.take(area.north);
  std::vector<double> px, py;
  for (int i = 0; i <= box_steps; ++i)
    for (int k = 0; k <= box_steps; ++k) {
      const double column = static_cast<double>(picture.width) * i / box_steps;
      const double row = static_cast<double>(picture.height) * k / box_steps;
      px.push_back(picture.x_of(column, row));
      py.push_back(picture.y_of(column, row));
    }
  std::vector<uint8_t> ok(px.size(), 1);
  if (!same_crs(picture.crs_wkt, degrees)) {
    STIP_ASSIGN(auto transform, coordinate_transform::make(picture.crs_wkt, degrees));
    transform.forward(px, py, ok);
  }
  for (size_t i = 0; i < px.size(); ++i) {
    if (ok[i] == 0) continue;
    x.take(px[i] + std::round((middle - px[i]) / 360) * 360);
    y.take(py[i]);
  }
  // Between the points the edge may bulge by a little.
  const double bulge_x = (x.high - x.low) / (box_steps * box_steps);
  const double bulge_y = (y.high - y.low) / (box_steps * box_steps);
  lon_lat_box out;
  out.south = std::max(-90.0, y.low - bulge_y);
  out.north = std::min(90.0, y.high + bulge_y);
  // A pole in the picture has all meridians around it.
  if (out.south <= -89.9 || out.north >= 89.9 || x.high - x.low + 2 * bulge_x >= 360) return out;
  const auto wrapped = [](double lon) {
    const double at = std::remainder(lon, 360.0);
    return at < -180 ? at + 360 : at;
  };
  out.west = wrapped(x.low - bulge_x);
  out.east = wrapped(x.high + bulge_x);
  if (out.west == 180) out.west = -180;
  if (out.east == -180) out.east = 180;
  return out;
}

}  // namespace stip

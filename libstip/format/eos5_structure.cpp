#include "libstip/format/eos5_structure.hpp"

#include <cpl_conv.h>
#include <ogr_spatialref.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

/// Of GCTP's parameters, in its order; which ones a projection uses is in its table.
constexpr size_t gctp_parameters = 13;
using parameters = std::array<double, gctp_parameters>;

std::optional<double> number_of(const std::string& text) {
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  double out = 0;
  const auto [end, failed] = std::from_chars(begin, text.data() + text.size(), out);
  if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(out))
    return std::nullopt;
  return out;
}

std::string text_of(double value) {
  std::array<char, 32> out{};
  const auto [end, failed] = std::to_chars(out.data(), out.data() + out.size(), value);
  return failed == std::errc() ? std::string(out.data(), end) : std::string("0");
}

/// The ellipsoid: a sphere of the first parameter, or axes; without one that of `sphere_code`.
std::string ellipsoid_of(const parameters& p, int sphere_code) {
  constexpr int wgs84_code = 12, grs80_code = 8, sphere_19 = 19, clarke_1866 = 0;
  if (p[0] > 0 && p[1] > 0 && p[1] != p[0] && p[1] > 1)
    return " +a=" + text_of(p[0]) + " +b=" + text_of(p[1]);
  if (p[0] > 0 && p[1] > 0 && p[1] < 1) {
    const double b = p[0] * std::sqrt(1 - p[1]);  // the square of the eccentricity
    return " +a=" + text_of(p[0]) + " +b=" + text_of(b);
  }
  if (p[0] > 0) return " +R=" + text_of(p[0]);
  if (sphere_code == wgs84_code) return " +ellps=WGS84";
  if (sphere_code == grs80_code) return " +ellps=GRS80";
  if (sphere_code == clarke_1866) return " +ellps=clrk66";
  return sphere_code == sphere_19 ? " +R=6370997" : " +R=6371007.181";
}

/// The CRS in PROJ's words; nullopt for a projection that is not known.
std::optional<std::string> proj_of(std::string projection, const parameters& p, int sphere_code,
                                   int zone) {
  if (const auto at = projection.find("GCTP_"); at != std::string::npos)
    projection.erase(0, at + 5);
  const auto shift = " +x_0=" + text_of(p[6]) + " +y_0=" + text_of(p[7]);
  const auto lon = text_of(degrees_of_packed(p[4]));
  const auto lat = text_of(degrees_of_packed(p[5]));
  const auto rest = shift + ellipsoid_of(p, sphere_code) + " +units=m +no_defs";
  if (projection == "GEO") return "EPSG:4326";
  if (projection == "SNSOID") return "+proj=sinu +lon_0=" + lon + rest;
  if (projection == "LAMAZ") return "+proj=laea +lon_0=" + lon + " +lat_0=" + lat + rest;
  if (projection == "CEA" || projection == "BCEA")
    return "+proj=cea +lon_0=" + lon + " +lat_ts=" + lat + rest;
  if (projection == "PS")
    return "+proj=stere +lat_0=" + std::string(degrees_of_packed(p[5]) < 0 ? "-90" : "90") +
           " +lat_ts=" + lat + " +lon_0=" + lon + rest;
  constexpr int zones = 60;
  if (projection == "UTM" && zone != 0 && std::abs(zone) <= zones)
    return "+proj=utm +zone=" + std::to_string(std::abs(zone)) + (zone < 0 ? " +south" : "") +
           " +datum=WGS84 +units=m +no_defs";
  return std::nullopt;
}

std::string wkt_of(const std::string& proj) {
  if (proj.starts_with("EPSG:")) return proj;
  const gdal_errors quiet;
  OGRSpatialReference crs;
  if (crs.importFromProj4(proj.c_str()) != OGRERR_NONE) return proj;
  const char* const options[] = {"FORMAT=WKT2_2019", "MULTILINE=NO", nullptr};
  char* text = nullptr;
  std::string out = proj;
  if (crs.exportToWkt(&text, options) == OGRERR_NONE && text != nullptr) out = text;
  CPLFree(text);
  return out;
}

std::vector<eos5_field> fields_of(const odl_node& owner, const char* group,
                                  const std::string& name_key) {
  std::vector<eos5_field> out;
  const auto* fields = owner.child(group);
  if (fields == nullptr) return out;
  for (const auto& field : fields->children) {
    if (out.size() == defaults::max_bands) break;
    out.push_back({clean_text(field.value(name_key), defaults::max_name_bytes),
                   field.value("DataType"), field.list("DimList")});
  }
  return out;
}

result<eos5_grid> grid_of(const odl_node& node, const std::string& input) {
  eos5_grid out;
  out.name = clean_text(node.value("GridName"), defaults::max_name_bytes);
  const auto what = "open " + input;
  const auto wrong = [&](const std::string& why) {
    return fail(ec::malformed, what, "its grid " + out.name + " " + why,
                "fetch the file again, it seems to be damaged");
  };
  const auto width = number_of(node.value("XDim"));
  const auto height = number_of(node.value("YDim"));
  constexpr double most = std::numeric_limits<int32_t>::max();
  if (!width || !height || *width < 1 || *height < 1 || *width > most || *height > most)
    return wrong("has no size");
  auto& g = out.grid;
  g.width = static_cast<int64_t>(*width);
  g.height = static_cast<int64_t>(*height);
  std::array<double, 4> corners{};
  size_t at = 0;
  for (const auto* key : {"UpperLeftPointMtrs", "LowerRightMtrs"}) {
    const auto pair = node.list(key);
    if (pair.size() != 2) return wrong("has no corners");
    for (const auto& text : pair) {
      const auto number = number_of(text);
      if (!number) return wrong("has corners that are no numbers");
      corners[at++] = *number;
    }
  }
  const auto projection = node.value("Projection");
  if (projection.ends_with("GEO"))
    for (auto& corner : corners) corner = degrees_of_packed(corner);
  parameters p{};
  const auto given = node.list("ProjParams");
  for (size_t i = 0; i < p.size() && i < given.size(); ++i) p[i] = number_of(given[i]).value_or(0);
  const auto code = number_of(node.value("SphereCode")).value_or(-1);
  const auto zone = number_of(node.value("ZoneCode")).value_or(0);
  const auto small = [](double value) { return std::abs(value) < 1000 ? int(value) : 0; };
  const auto proj = proj_of(projection, p, small(code), small(zone));
  if (!proj)
    return fail(ec::unsupported, what,
                "its grid " + out.name + " has the projection " +
                    clean_text(projection, defaults::max_name_bytes) + ", which is not known",
                "warp it to another projection first");
  if (const auto origin = node.value("GridOrigin"); !origin.empty() && !origin.ends_with("GD_UL"))
    return fail(ec::unsupported, what,
                "its grid " + out.name + " does not begin in the upper left corner",
                "warp it first");
  g.crs_wkt = wkt_of(*proj);
  g.transform = {corners[0], (corners[2] - corners[0]) / *width, 0, corners[1],
                 0,          (corners[3] - corners[1]) / *height};
  if (auto checked = check_grid(g); !checked) return wrong("is unusable: " + checked.error().why);
  out.fields = fields_of(node, "DataField", "DataFieldName");
  return out;
}

}  // namespace

double degrees_of_packed(double packed) noexcept {
  constexpr double degree = 1e6, minute = 1e3, minutes = 60, seconds = 3600;
  const double size = std::abs(packed);
  const double whole = std::floor(size / degree);
  const double minute_part = std::floor((size - whole * degree) / minute);
  const double second_part = size - whole * degree - minute_part * minute;
  return std::copysign(whole + minute_part / minutes + second_part / seconds, packed);
}

result<eos5_structure> read_eos5_structure(const odl_node& root, const std::string& input) {
  eos5_structure out;
  if (const auto* grids = root.child("GridStructure"))
    for (const auto& node : grids->children) {
      STIP_ASSIGN(auto grid, grid_of(node, input));
      out.grids.push_back(std::move(grid));
      if (out.grids.size() > defaults::max_subdatasets)
        return fail(ec::limit_exceeded, "open " + input, "it has too many grids");
    }
  if (const auto* swaths = root.child("SwathStructure"))
    for (const auto& node : swaths->children)
      out.swaths.push_back({clean_text(node.value("SwathName"), defaults::max_name_bytes),
                            fields_of(node, "GeoField", "GeoFieldName"),
                            fields_of(node, "DataField", "DataFieldName")});
  return out;
}

}  // namespace stip

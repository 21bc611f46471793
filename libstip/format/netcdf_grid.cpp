#include "libstip/format/netcdf_grid.hpp"

#include <cpl_conv.h>
#include <cpl_string.h>

#include <array>
#include <cmath>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/gdal_describe.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

/// Units of longitudes and latitudes; CF Conventions 1.10, sections 4.1 and 4.2.
constexpr std::array<std::string_view, 6> east_units = {"degrees_east", "degree_east", "degree_E",
                                                        "degrees_E",    "degreeE",     "degreesE"};
constexpr std::array<std::string_view, 6> north_units = {
    "degrees_north", "degree_north", "degree_N", "degrees_N", "degreeN", "degreesN"};

/// How far a grid may reach beyond a pole, in pixels: centres at +-90 are common.
constexpr double pole_pixels = 1;
constexpr double turn = 360;

bool is_geographic(const gdal_dataset& dataset) {
  bool east = false, north = false;
  for (const auto& [key, value] : raw_metadata(dataset.handle())) {
    if (!key.ends_with("#units")) continue;
    for (const auto unit : east_units) east = east || value == unit;
    for (const auto unit : north_units) north = north || value == unit;
  }
  return east && north;
}

}  // namespace

std::map<std::string, std::string> raw_metadata(GDALMajorObjectH object) {
  std::map<std::string, std::string> out;
  for (auto** one = GDALGetMetadata(object, nullptr); one != nullptr && *one != nullptr; ++one) {
    char* key = nullptr;
    const auto* value = CPLParseNameValue(*one, &key);
    if (key != nullptr && value != nullptr && out.size() < defaults::max_scene_list)
      out.emplace(key, value);
    CPLFree(key);
  }
  return out;
}

result<grid> netcdf_grid(const gdal_dataset& dataset, const std::string& name, bool& assumed) {
  assumed = false;
  auto found = gdal_grid(dataset, name);
  if (found) return found;
  const auto held = dataset.lock();
  if (dataset.driver() != "netCDF" || GDALGetSpatialRef(dataset.handle()) != nullptr ||
      !is_geographic(dataset))
    return found;
  grid out;
  out.crs_wkt = "EPSG:4326";
  out.width = GDALGetRasterXSize(dataset.handle());
  out.height = GDALGetRasterYSize(dataset.handle());
  auto& t = out.transform;
  if (GDALGetGeoTransform(dataset.handle(), t.data()) != CE_None || t[2] != 0 || t[4] != 0)
    return found;
  if (auto checked = check_grid(out); !checked) return found;
  const double beyond = 90 + pole_pixels * std::abs(t[5]);
  const double last_x = out.x_of(double(out.width), 0), last_y = out.y_of(0, double(out.height));
  if (std::abs(t[0]) > turn + std::abs(t[1]) || std::abs(last_x) > turn + std::abs(t[1]) ||
      std::abs(t[3]) > beyond || std::abs(last_y) > beyond)
    return found;
  assumed = true;
  return out;
}

std::vector<std::string> contained_rasters(const gdal_dataset& container,
                                           const std::string& input) {
  std::vector<std::string> out;
  const auto held = container.lock();
  const gdal_errors quiet;
  // The whole list: the NetCDF driver answers nothing when it is asked for one item.
  auto** listed = GDALGetMetadata(container.handle(), "SUBDATASETS");
  for (size_t i = 1; i <= defaults::max_subdatasets; ++i) {
    const auto key = "SUBDATASET_" + std::to_string(i) + "_NAME";
    const auto* name = CSLFetchNameValue(listed, key.c_str());
    if (name == nullptr) break;
    const std::string text = name;
    const auto prefix = text.find(":\"" + input + "\":");
    if (prefix != std::string::npos && prefix == text.find(':')) out.push_back(text);
  }
  return out;
}

std::string part_of_name(const std::string& name) {
  const auto colon = name.find_last_of(':');
  auto out = clean_text(name.substr(colon + 1), defaults::max_name_bytes / 2);
  out.erase(0, out.find_first_not_of('/'));
  return out;
}

}  // namespace stip

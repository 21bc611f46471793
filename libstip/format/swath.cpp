#include "libstip/format/swath.hpp"

#include <cpl_string.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>

#include "libstip/core/defaults.hpp"
#include "libstip/format/netcdf_grid.hpp"
#include "libstip/format/swath_grid.hpp"
#include "libstip/format/swath_scene.hpp"
#include "libstip/raster/gdal_describe.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

std::string lower_last_part(const std::string& name) {
  const auto at = name.find_last_of(":/");
  auto out = name.substr(at == std::string::npos ? 0 : at + 1);
  std::erase(out, '"');
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_place(const std::string& name) {
  const auto last = lower_last_part(name);
  return last == "lat" || last == "latitude" || last == "lon" || last == "longitude";
}

std::string geolocation_item(const gdal_dataset& dataset, const char* key) {
  const auto* value = GDALGetMetadataItem(dataset.handle(), key, "GEOLOCATION");
  return value == nullptr ? std::string() : std::string(value);
}

/// The file's name within one of GDAL's names, DRIVER:"FILE":PART.
std::string file_of(const std::string& name) {
  const auto first = name.find('"');
  const auto last = name.find('"', first == std::string::npos ? first : first + 1);
  return last == std::string::npos ? std::string() : name.substr(first + 1, last - first - 1);
}

/// Where the raster's longitudes and latitudes are; nothing for one that is no swath.
std::optional<swath_source> geolocation_of(const gdal_dataset& dataset, const std::string& name,
                                           const std::vector<std::string>& rasters) {
  const auto held = dataset.lock();
  const gdal_errors quiet;
  std::array<double, 6> transform{};
  if (GDALGetGeoTransform(dataset.handle(), transform.data()) == CE_None) return std::nullopt;
  swath_source out{geolocation_item(dataset, "X_DATASET"), geolocation_item(dataset, "Y_DATASET")};
  // Metadata is the file's to choose: nothing but this file may be opened.
  const auto file = file_of(name);
  if (!file.empty() && file_of(out.lon) == file && file_of(out.lat) == file) return out;
  out = {};
  for (const auto& other : rasters) {
    const auto last = lower_last_part(other);
    if (last == "lon" || last == "longitude") out.lon = other;
    if (last == "lat" || last == "latitude") out.lat = other;
  }
  return out.lon.empty() || out.lat.empty() ? std::nullopt : std::optional(out);
}

/// An array of coordinates with both its dimensions.
result<std::vector<double>> coordinates(const std::string& name, int64_t& columns, int64_t& rows) {
  STIP_ASSIGN(const auto dataset, open_gdal(name));
  const auto held = dataset.lock();
  const gdal_errors errors;
  const int width = GDALGetRasterXSize(dataset.handle());
  const int height = GDALGetRasterYSize(dataset.handle());
  if (width < 2 || height < 2 || int64_t{width} * height > max_swath_pixels ||
      GDALGetRasterCount(dataset.handle()) < 1)
    return fail(ec::unsupported, "open " + name, "its coordinates are no image");
  columns = width;
  rows = height;
  std::vector<double> out(static_cast<size_t>(width) * static_cast<size_t>(height));
  const auto band = GDALGetRasterBand(dataset.handle(), 1);
  if (GDALRasterIO(band, GF_Read, 0, 0, width, height, out.data(), width, height, GDT_Float64, 0,
                   0) != CE_None ||
      errors.damaged())
    return fail(ec::corrupt, "read " + name, errors.text(),
                "fetch the file again, it seems to be damaged");
  int has = FALSE;
  const double nodata = GDALGetRasterNoDataValue(band, &has);
  for (auto& value : out)
    if (has && value == nodata) value = std::numeric_limits<double>::quiet_NaN();
  return out;
}

/// How an image of that size lies on points; by what GDAL says where that can be.
swath_steps steps_of(const gdal_dataset& dataset, int64_t width, int64_t height, int64_t columns,
                     int64_t rows) {
  if (width == columns && height == rows) return {};
  const auto number = [&](const char* key) {
    return CPLAtof(geolocation_item(dataset, key).c_str());
  };
  swath_steps out{number("PIXEL_OFFSET"), number("PIXEL_STEP"), number("LINE_OFFSET"),
                  number("LINE_STEP")};
  const auto fits = [](double offset, double step, int64_t points, int64_t pixels) {
    return step >= 1 && offset >= 0 && offset + step * double(points - 1) <= double(pixels - 1) &&
           double(pixels) <= step * double(points + 1);
  };
  if (fits(out.pixel_offset, out.pixel_step, columns, width) &&
      fits(out.line_offset, out.line_step, rows, height))
    return out;
  // Points in the middle of blocks of pixels.
  out.pixel_step = std::max<double>(1, double(width / std::max<int64_t>(1, columns)));
  out.line_step = std::max<double>(1, double(height / std::max<int64_t>(1, rows)));
  out.pixel_offset = (out.pixel_step - 1) / 2;
  out.line_offset = (out.line_step - 1) / 2;
  return out;
}

/// A raster of the swath, described.
struct found_raster {
  size_t shape = 0;
  gdal_subdataset made;
  std::string dataset;
  std::string name;
  bool quality = false;
};

/// Collects rasters and their shapes.
struct collection {
  const std::vector<std::string>& rasters;
  const std::string& short_name;
  eos_convention convention;
  std::optional<swath_source> source;
  int64_t columns = 0, rows = 0;
  std::optional<swath_map> map;
  std::vector<swath_shape> shapes;
  std::vector<found_raster> found;
  std::string left_out;
};

result<void> set_map(collection& c, const swath_source& source) {
  swath_points points;
  int64_t columns = 0, rows = 0;
  STIP_ASSIGN(points.lon, coordinates(source.lon, points.columns, points.rows));
  STIP_ASSIGN(points.lat, coordinates(source.lat, columns, rows));
  if (columns != points.columns || rows != points.rows)
    return fail(ec::malformed, "open " + source.lat, "latitudes and longitudes differ in size");
  c.columns = columns;
  c.rows = rows;
  STIP_ASSIGN(c.map, swath_map::make(std::move(points)));
  c.source = source;
  return {};
}

result<void> add_raster(collection& c, const std::string& name, bool signed_bytes) {
  STIP_ASSIGN(const auto dataset, open_gdal(name));
  const auto source = geolocation_of(dataset, name, c.rasters);
  if (!source) return fail(ec::unsupported, "open " + name, "it has no geolocation");
  if (!c.source) STIP_TRY(set_map(c, *source));
  if (source->lon != c.source->lon || source->lat != c.source->lat)
    return fail(ec::unsupported, "open " + name, "it belongs to another swath");
  const int64_t width = GDALGetRasterXSize(dataset.handle());
  const int64_t height = GDALGetRasterYSize(dataset.handle());
  swath_shape shape{width, height, steps_of(dataset, width, height, c.columns, c.rows), {}};
  std::vector<swath_shape> alone{shape};
  STIP_TRY(c.map->lay_out(alone));
  description_budget budget;
  STIP_ASSIGN(auto made, describe_gdal(dataset, name, 0, alone.front().grid, budget));
  auto at = std::find_if(c.shapes.begin(), c.shapes.end(), [&](const swath_shape& s) {
    return s.columns == width && s.rows == height;
  });
  if (at == c.shapes.end()) at = c.shapes.insert(c.shapes.end(), shape);
  for (auto& one : made) {
    found_raster raster;
    raster.shape = static_cast<size_t>(at - c.shapes.begin());
    raster.dataset = name;
    raster.name = name.substr(name.find_last_of(":/") + 1);
    std::erase(raster.name, '"');
    raster.name = clean_text(raster.name, defaults::max_name_bytes);
    raster.quality = is_quality_field(raster.name);
    if (signed_bytes && one.description.type == pixel_type::uint8)
      one.description.type = pixel_type::int8;
    for (size_t i = 0; i < one.description.bands.size(); ++i) {
      auto& d = one.description.bands[i];
      const auto scale =
          scale_of_field(c.short_name, raster.name, {d.scale, d.offset}, c.convention);
      d.scale = scale.scale;
      d.offset = scale.offset;
      int has = FALSE;
      const double nodata = GDALGetRasterNoDataValue(
          GDALGetRasterBand(dataset.handle(), one.source.bands[i].band), &has);
      d.nodata.reset();
      if (has)
        d.nodata = one.description.type == pixel_type::int8 && nodata > 127
                       ? nodata_pattern(pixel_type::uint8, nodata)
                       : nodata_pattern(one.description.type, nodata);
      if (d.name != raster.name && d.name != std::to_string(one.source.bands[i].band))
        d.properties.emplace("long_name", d.name);
      d.name = raster.name;
      if (GDALGetRasterCount(dataset.handle()) > 1)
        d.name += "_" + std::to_string(one.source.bands[i].band);
    }
    raster.made = std::move(one);
    c.found.push_back(std::move(raster));
  }
  return {};
}

band_description place_band(const char* name, const char* unit) {
  band_description out;
  out.name = name;
  out.unit = unit;
  out.nodata = nodata_pattern(pixel_type::float32, std::numeric_limits<double>::quiet_NaN());
  return out;
}

/// Subdatasets of what was collected, and one of latitudes and longitudes for each shape.
std::vector<swath_part> build_parts(collection& c, scene_description& description) {
  auto& all = description.subdatasets;
  std::vector<swath_part> parts;
  for (auto& raster : c.found) {
    const auto type = raster.made.description.type;
    size_t at = 0;
    while (at < all.size() && (parts[at].shape != raster.shape || all[at].type != type)) ++at;
    if (at == all.size()) {
      subdataset_description fresh;
      fresh.id = std::to_string(at);
      fresh.grid = c.shapes[raster.shape].grid;
      fresh.type = type;
      fresh.quality = true;
      all.push_back(std::move(fresh));
      parts.push_back({raster.shape, {}});
    }
    all[at].quality = all[at].quality && raster.quality;
    for (size_t i = 0; i < raster.made.description.bands.size(); ++i) {
      auto& band = raster.made.description.bands[i];
      parts[at].bands.push_back({swath_band::kind::raster, raster.dataset,
                                 raster.made.source.bands[i].band, band.nodata});
      all[at].bands.push_back(std::move(band));
    }
  }
  if (std::all_of(all.begin(), all.end(), [](const auto& part) { return part.quality; }))
    for (auto& part : all) part.quality = false;
  for (auto& part : all)
    part.valid = std::all_of(part.bands.begin(), part.bands.end(),
                             [](const auto& band) { return band.nodata.has_value(); })
                     ? validity::nodata
                     : validity::band_masks;
  for (size_t i = 0; i < c.shapes.size(); ++i) {
    subdataset_description places;
    places.id = i == 0 ? "geolocation" : "geolocation-" + std::to_string(i + 1);
    places.grid = c.shapes[i].grid;
    places.type = pixel_type::float32;
    places.quality = true;
    places.valid = validity::nodata;
    places.bands = {place_band("latitude", "degrees_north"),
                    place_band("longitude", "degrees_east")};
    all.push_back(std::move(places));
    const auto nan = all.back().bands.front().nodata;
    parts.push_back(
        {i, {{swath_band::kind::latitude, {}, 1, nan}, {swath_band::kind::longitude, {}, 1, nan}}});
  }
  return parts;
}

}  // namespace

bool has_swath(const std::vector<std::string>& rasters, const std::string& input) {
  for (const auto& name : rasters) {
    if (is_place(name) || file_of(name) != input) continue;
    const auto dataset = open_gdal(name);
    if (!dataset) continue;
    const auto source = geolocation_of(*dataset, name, rasters);
    if (!source) continue;
    const auto places = open_gdal(source->lon);
    if (places && GDALGetRasterXSize(places->handle()) > 1 &&
        GDALGetRasterYSize(places->handle()) > 1)
      return true;
  }
  return false;
}

result<std::unique_ptr<scene>> make_swath_scene(scene_description description,
                                                const std::vector<std::string>& rasters,
                                                const std::vector<bool>& signed_bytes,
                                                const std::string& short_name,
                                                eos_convention convention) {
  collection c{rasters, short_name, convention, {}, 0, 0, {}, {}, {}, {}};
  std::optional<error> failed;
  for (size_t i = 0; i < rasters.size() && i < defaults::max_bands; ++i) {
    if (is_place(rasters[i])) continue;
    const auto added = add_raster(c, rasters[i], i < signed_bytes.size() && signed_bytes[i]);
    if (added) continue;
    if (!failed) failed = added.error();
    c.left_out +=
        (c.left_out.empty() ? "" : "; ") + lower_last_part(rasters[i]) + ": " + added.error().why;
  }
  if (c.found.empty()) {
    if (failed) return fail(failed->code, "open " + description.input, failed->why, failed->advice);
    return fail(ec::unsupported, "open " + description.input, "it holds no swath");
  }
  std::stable_sort(c.found.begin(), c.found.end(),
                   [](const found_raster& a, const found_raster& b) {
                     return a.made.description.type < b.made.description.type;
                   });
  if (const auto done = c.map->lay_out(c.shapes); !done)
    return fail(done.error().code, "open " + description.input, done.error().why,
                done.error().advice);
  description.footprint = c.map->outline().to_wkt();
  auto& properties = description.properties;
  properties["resampling"] = "nearest";
  std::string shapes;
  for (const auto& shape : c.shapes)
    shapes += (shapes.empty() ? "" : ", ") + std::to_string(shape.rows) + "x" +
              std::to_string(shape.columns);
  properties["source_shape"] = shapes;
  if (!c.left_out.empty())
    properties["left_out"] = clean_text(c.left_out, defaults::max_property_bytes);
  auto parts = build_parts(c, description);
  return make_swath(std::move(description), std::move(*c.map), std::move(c.shapes),
                    std::move(parts));
}

}  // namespace stip

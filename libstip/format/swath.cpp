#include "libstip/format/swath.hpp"

#include <cpl_string.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <list>
#include <mutex>
#include <optional>

#include "libstip/core/defaults.hpp"
#include "libstip/format/netcdf_grid.hpp"
#include "libstip/format/swath_grid.hpp"
#include "libstip/raster/gdal_describe.hpp"
#include "libstip/raster/gdal_type.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

/// Blocks that a swath's grid is read in.
constexpr int64_t tile_edge = 512;
/// Decoded bands that a reader keeps.
constexpr uint64_t band_cache_bytes = uint64_t{256} << 20;

/// What a band of a subdataset is made of.
struct swath_band {
  enum class kind : uint8_t { raster, latitude, longitude };
  kind from = kind::raster;
  std::string dataset;
  int band = 1;
  std::optional<uint64_t> nodata;
};

/// A subdataset: the shape that it is made of, and its bands.
struct swath_part {
  size_t shape = 0;
  std::vector<swath_band> bands;
};

/// What scene and readers share.
struct swath_parts {
  scene_description description;
  swath_map map;
  std::vector<swath_shape> shapes;
  std::vector<swath_part> parts;

  swath_parts(scene_description d, swath_map m) : description(std::move(d)), map(std::move(m)) {}

  /// The index of a shape, made when it is first asked for.
  const std::vector<int32_t>& index_of(size_t shape) const {
    const std::lock_guard lock(mutex);
    indices.resize(shapes.size());
    if (indices[shape].empty()) indices[shape] = map.index(shapes[shape]);
    return indices[shape];
  }

 private:
  mutable std::mutex mutex;
  mutable std::vector<std::vector<int32_t>> indices;
};

class swath_reader final : public scene_reader {
 public:
  explicit swath_reader(std::shared_ptr<const swath_parts> parts) : parts_(std::move(parts)) {}

  result<void> read(size_t subdataset, const source_window& w, size_t first_band, size_t count,
                    std::span<std::byte> pixels) override {
    STIP_TRY(check(subdataset, w, first_band, count));
    const auto& d = parts_->description.subdatasets[subdataset];
    const auto& part = parts_->parts[subdataset];
    const auto sources = sources_of(part.shape, w);
    const size_t bytes = sources.size() * size_of(d.type);
    if (pixels.size() != bytes * count) return wrong_size();
    for (size_t i = 0; i < count; ++i) {
      const auto out = pixels.subspan(i * bytes, bytes);
      const auto& band = part.bands[first_band + i];
      if (band.from != swath_band::kind::raster) {
        STIP_TRY(read_places(part.shape, band.from, sources, out));
        continue;
      }
      STIP_ASSIGN(const auto* whole, whole_band(part.shape, band, d.type));
      fill_pattern(d.type, out, band.nodata.value_or(0));
      const auto size = size_of(d.type);
      for (size_t p = 0; p < sources.size(); ++p)
        if (sources[p] >= 0)
          std::memcpy(out.data() + p * size, whole->data() + size_t(sources[p]) * size, size);
    }
    return {};
  }

  result<void> read_mask(size_t subdataset, const source_window& w, size_t first_band, size_t count,
                         std::span<std::byte> mask) override {
    STIP_TRY(check(subdataset, w, first_band, count));
    const auto& d = parts_->description.subdatasets[subdataset];
    const auto& part = parts_->parts[subdataset];
    const auto sources = sources_of(part.shape, w);
    if (mask.size() != sources.size() * count) return wrong_size();
    std::vector<std::byte> pixels(sources.size() * size_of(d.type));
    for (size_t i = 0; i < count; ++i) {
      const auto out = mask.subspan(i * sources.size(), sources.size());
      const auto& nodata = part.bands[first_band + i].nodata;
      std::fill(out.begin(), out.end(), std::byte{1});
      if (nodata) {
        STIP_TRY(read(subdataset, w, first_band + i, 1, pixels));
        mark_valid(d.type, pixels, *nodata, out);
      }
      for (size_t p = 0; p < sources.size(); ++p)
        if (sources[p] < 0) out[p] = std::byte{0};
    }
    return {};
  }

 private:
  static tl::unexpected<error> wrong_size() {
    return fail(ec::invalid_argument, "read a swath", "the buffer has another size");
  }

  result<void> check(size_t subdataset, const source_window& w, size_t first, size_t count) const {
    const auto& all = parts_->description.subdatasets;
    if (subdataset >= all.size() || count < 1 || count > all[subdataset].bands.size() ||
        first > all[subdataset].bands.size() - count)
      return fail(ec::invalid_argument, "read a swath", "there are no such bands");
    const auto& g = all[subdataset].grid;
    if (w.column < 0 || w.row < 0 || w.width < 1 || w.height < 1 || w.width > g.width - w.column ||
        w.height > g.height - w.row)
      return fail(ec::invalid_argument, "read a swath", "the window is not inside of the scene");
    return {};
  }

  std::vector<int32_t> sources_of(size_t shape, const source_window& w) const {
    const auto& index = parts_->index_of(shape);
    const auto width = parts_->shapes[shape].grid.width;
    std::vector<int32_t> out;
    out.reserve(static_cast<size_t>(w.width * w.height));
    for (int64_t row = w.row; row < w.row + w.height; ++row) {
      const auto from = index.begin() + row * width + w.column;
      out.insert(out.end(), from, from + w.width);
    }
    return out;
  }

  result<void> read_places(size_t shape, swath_band::kind which,
                           const std::vector<int32_t>& sources, std::span<std::byte> out) const {
    std::vector<double> lon(sources.size()), lat(sources.size());
    STIP_TRY(parts_->map.places(parts_->shapes[shape], sources, lon, lat));
    const auto& wanted = which == swath_band::kind::latitude ? lat : lon;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const auto value = static_cast<float>(wanted[i]);
      std::memcpy(out.data() + i * sizeof(value), &value, sizeof(value));
    }
    return {};
  }

  /// All pixels of a band, out of the cache if it has them.
  result<const std::vector<std::byte>*> whole_band(size_t shape, const swath_band& band,
                                                   pixel_type type) {
    for (auto at = cache_.begin(); at != cache_.end(); ++at)
      if (at->band == &band) {
        cache_.splice(cache_.begin(), cache_, at);
        return &cache_.front().pixels;
      }
    const auto& s = parts_->shapes[shape];
    STIP_ASSIGN(const auto dataset, open_gdal(band.dataset));
    const auto held = dataset.lock();
    const gdal_errors errors;
    const auto handle = GDALGetRasterBand(dataset.handle(), band.band);
    if (handle == nullptr || GDALGetRasterXSize(dataset.handle()) != s.columns ||
        GDALGetRasterYSize(dataset.handle()) != s.rows)
      return fail(ec::io_error, "open " + band.dataset,
                  "the file has changed since it was first looked at");
    std::vector<std::byte> pixels(static_cast<size_t>(s.columns * s.rows) * size_of(type));
    const int width = static_cast<int>(s.columns), height = static_cast<int>(s.rows);
    const auto read = GDALRasterIO(handle, GF_Read, 0, 0, width, height, pixels.data(), width,
                                   height, gdal_type(type), 0, 0);
    if (read != CE_None || errors.damaged())
      return fail(ec::corrupt, "read " + band.dataset, errors.text(),
                  "fetch the file again, it seems to be damaged");
    bytes_ += pixels.size();
    cache_.push_front({&band, std::move(pixels)});
    while (bytes_ > band_cache_bytes && cache_.size() > 1) {
      bytes_ -= cache_.back().pixels.size();
      cache_.pop_back();
    }
    return &cache_.front().pixels;
  }

  struct cached {
    const swath_band* band;
    std::vector<std::byte> pixels;
  };
  const std::shared_ptr<const swath_parts> parts_;
  std::list<cached> cache_;
  uint64_t bytes_ = 0;
};

class swath_scene final : public scene {
 public:
  explicit swath_scene(std::shared_ptr<const swath_parts> parts) : parts_(std::move(parts)) {}

  const scene_description& description() const override { return parts_->description; }

  source_tiling tiling(size_t subdataset) const override {
    const auto& g = parts_->description.subdatasets.at(subdataset).grid;
    return {std::min(tile_edge, g.width), std::min(tile_edge, g.height), false};
  }

  result<std::unique_ptr<scene_reader>> open_reader() const override {
    return std::make_unique<swath_reader>(parts_);
  }

 private:
  std::shared_ptr<const swath_parts> parts_;
};

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
void build_parts(collection& c, swath_parts& parts) {
  auto& all = parts.description.subdatasets;
  for (auto& raster : c.found) {
    const auto type = raster.made.description.type;
    size_t at = 0;
    while (at < all.size() && (parts.parts[at].shape != raster.shape || all[at].type != type)) ++at;
    if (at == all.size()) {
      subdataset_description fresh;
      fresh.id = std::to_string(at);
      fresh.grid = parts.shapes[raster.shape].grid;
      fresh.type = type;
      fresh.quality = true;
      all.push_back(std::move(fresh));
      parts.parts.push_back({raster.shape, {}});
    }
    all[at].quality = all[at].quality && raster.quality;
    for (size_t i = 0; i < raster.made.description.bands.size(); ++i) {
      auto& band = raster.made.description.bands[i];
      parts.parts[at].bands.push_back({swath_band::kind::raster, raster.dataset,
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
  for (size_t i = 0; i < parts.shapes.size(); ++i) {
    subdataset_description places;
    places.id = i == 0 ? "geolocation" : "geolocation-" + std::to_string(i + 1);
    places.grid = parts.shapes[i].grid;
    places.type = pixel_type::float32;
    places.quality = true;
    places.valid = validity::nodata;
    places.bands = {place_band("latitude", "degrees_north"),
                    place_band("longitude", "degrees_east")};
    all.push_back(std::move(places));
    const auto nan = all.back().bands.front().nodata;
    parts.parts.push_back(
        {i, {{swath_band::kind::latitude, {}, 1, nan}, {swath_band::kind::longitude, {}, 1, nan}}});
  }
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
  auto parts = std::make_shared<swath_parts>(std::move(description), std::move(*c.map));
  parts->shapes = c.shapes;
  build_parts(c, *parts);
  return std::make_unique<swath_scene>(std::move(parts));
}

}  // namespace stip

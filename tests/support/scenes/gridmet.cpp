#include <cpl_string.h>
#include <gdal_priv.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include "libstip/raster/gdal_dataset.hpp"
#include "tests/support/scenes/families.hpp"

namespace stip::scenes {

namespace {

/// The grid of the real files: centres of the north-western cell, 1/24 degree.
constexpr double west = -124.76666663333334, north = 49.4, pixel = 1.0 / 24;
constexpr int64_t real_width = 1386, real_height = 585;
/// Chunks of the real files: days, latitudes, longitudes.
constexpr int64_t chunk[3] = {61, 98, 231};
constexpr double fill = 32767;
/// Days from 1900-01-01 to 1970-01-01.
constexpr int64_t days_before_epoch = 25567;

enum class climate { temperature, rain, percent, wind, sun, humidity, deficit };

struct variable {
  const char* short_name;
  const char* name;
  const char* description;
  const char* units;
  double scale, offset;
  climate kind;
  /// What it is at the northern border in spring, and how it varies.
  double mean, swing;
};

constexpr variable variables[] = {
    {"tmmx", "air_temperature", "Daily Maximum Temperature", "K", 0.1, 220, climate::temperature,
     285, 14},
    {"tmmn", "air_temperature", "Daily Minimum Temperature", "K", 0.1, 210, climate::temperature,
     273, 12},
    {"pr", "precipitation_amount", "Daily Accumulated Precipitation", "mm", 0.1, 0, climate::rain,
     0, 40},
    {"rmax", "relative_humidity", "Daily Maximum Relative Humidity", "%", 0.1, 0, climate::percent,
     78, 20},
    {"rmin", "relative_humidity", "Daily Minimum Relative Humidity", "%", 0.1, 0, climate::percent,
     38, 22},
    {"vs", "wind_speed", "Daily Mean Wind Speed", "m/s", 0.1, 0, climate::wind, 3.6, 3},
    {"srad", "surface_downwelling_shortwave_flux_in_air", "Daily Mean downward shortwave radiation",
     "W m-2", 0.1, 0, climate::sun, 190, 80},
    {"sph", "specific_humidity", "Daily mean specific humidity", "kg/kg", 1e-5, 0,
     climate::humidity, .007, .004},
    {"vpd", "mean_vapor_pressure_deficit", "Mean Vapor Pressure Deficit", "kPa", 0.01, 0,
     climate::deficit, 0.9, 0.7}};

/// The number in the file; `relief` and `weather` are fields of about -1 to 1.
double packed(const variable& v, double latitude, int day, double relief, double weather,
              double noise) {
  const double season = -std::cos(2 * std::numbers::pi * (day - 20) / 365.0);
  const double warmth = (49.4 - latitude) / 24.4;
  double value = 0;
  switch (v.kind) {
    case climate::temperature:
      value = v.mean + 16 * warmth + v.swing * season - 16 * relief + 9 * weather + 0.3 * noise;
      break;
    case climate::rain:
      value = std::max(0.0, v.swing * (weather - 0.02) * (1 + 0.6 * relief) * (1 + 0.06 * noise));
      break;
    case climate::percent:
      value = std::clamp(v.mean - 8 * warmth - 6 * season + v.swing * weather + 0.5 * noise, 1.0,
                         100.0);
      break;
    case climate::wind:
      value = std::max(0.2, v.mean + 2 * relief + v.swing * weather + 0.05 * noise);
      break;
    default:
      value = std::max(v.mean / 20, v.mean * (1 + 0.3 * warmth) + v.swing * (season - weather) +
                                        v.mean * 0.004 * noise);
  }
  return whole((value - v.offset) / v.scale, 0, fill - 1);
}

struct year_of_days {
  int64_t width = 0, height = 0;
  int days = 0;
  calendar_date first;
  std::vector<variable> wanted;
  std::vector<std::string> names;
};

bool set_text(GDALIHasAttribute& at, const char* name, const std::string& value) {
  const auto attribute =
      at.CreateAttribute(name, {}, GDALExtendedDataType::CreateString(), nullptr);
  return attribute && attribute->Write(value.c_str());
}

bool set_number(GDALIHasAttribute& at, const char* name, double value,
                GDALDataType type = GDT_Float64) {
  const auto attribute = at.CreateAttribute(name, {}, GDALExtendedDataType::Create(type), nullptr);
  return attribute && attribute->Write(value);
}

std::shared_ptr<GDALMDArray> add_axis(GDALGroup& root, const std::shared_ptr<GDALDimension>& along,
                                      const std::vector<double>& values) {
  const auto array = root.CreateMDArray(along->GetName(), {along},
                                        GDALExtendedDataType::Create(GDT_Float64), nullptr);
  const GUInt64 start = 0;
  const size_t count = values.size();
  if (!array || !array->Write(&start, &count, nullptr, nullptr,
                              GDALExtendedDataType::Create(GDT_Float64), values.data()))
    return nullptr;
  return array;
}

bool describe_file(GDALGroup& root, const calendar_date& first) {
  return set_text(root, "Conventions", "CF-1.6") &&
         set_text(root, "author",
                  "John Abatzoglou - University of Idaho, jabatzoglou@uidaho.edu") &&
         set_text(root, "date", first.dashed()) &&
         set_text(root, "coordinate_system", "EPSG:4326") &&
         set_text(root, "geospatial_bounds_crs", "EPSG:4326") &&
         set_text(root, "note1", "The projection information for this file is: GCS WGS 1984.") &&
         set_text(root, "note5",
                  "Days correspond approximately to calendar days ending at midnight, Mountain "
                  "Standard Time (7 UTC the next calendar day)");
}

bool add_crs(GDALGroup& root) {
  const auto one = root.CreateDimension("crs", "", "", 1, nullptr);
  if (!one) return false;
  const auto crs =
      root.CreateMDArray("crs", {one}, GDALExtendedDataType::Create(GDT_UInt16), nullptr);
  const GUInt64 start = 0;
  const size_t count = 1;
  const uint16_t value = 3;
  return crs &&
         crs->Write(&start, &count, nullptr, nullptr, GDALExtendedDataType::Create(GDT_UInt16),
                    &value) &&
         set_text(*crs, "grid_mapping_name", "latitude_longitude") &&
         set_number(*crs, "longitude_of_prime_meridian", 0) &&
         set_number(*crs, "semi_major_axis", 6378137) &&
         set_number(*crs, "inverse_flattening", 298.257223563) &&
         set_text(*crs, "long_name", "WGS 84") &&
         set_text(*crs, "spatial_ref",
                  "GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563,"
                  "AUTHORITY[\"EPSG\",\"7030\"]],AUTHORITY[\"EPSG\",\"6326\"]],PRIMEM["
                  "\"Greenwich\",0,AUTHORITY[\"EPSG\",\"8901\"]],UNIT[\"degree\","
                  "0.0174532925199433,AUTHORITY[\"EPSG\",\"9122\"]],AUTHORITY[\"EPSG\",\"4326\"]]");
}

/// Writes the days of one variable, so many at a time as a chunk has.
bool write_days(GDALMDArray& array, const year_of_days& y, const layer* days, size_t threads) {
  const auto area = static_cast<size_t>(y.width * y.height);
  std::vector<uint16_t> pixels;
  for (int64_t first = 0; first < y.days; first += chunk[0]) {
    const auto count = std::min<int64_t>(chunk[0], y.days - first);
    pixels.resize(area * static_cast<size_t>(count));
    const auto painted =
        in_parallel(static_cast<size_t>(count), threads, [&](size_t i) -> result<void> {
          days[first + int64_t(i)].pixels(
              {0, 0, y.width, y.height},
              std::as_writable_bytes(std::span(pixels).subspan(i * area, area)));
          return {};
        });
    const GUInt64 start[3] = {GUInt64(first), 0, 0};
    const size_t counts[3] = {size_t(count), size_t(y.height), size_t(y.width)};
    if (!painted || !array.Write(start, counts, nullptr, nullptr,
                                 GDALExtendedDataType::Create(GDT_UInt16), pixels.data()))
      return false;
  }
  return true;
}

bool add_variable(GDALGroup& root, const std::vector<std::shared_ptr<GDALDimension>>& axes,
                  const variable& v, const std::string& name, const year_of_days& y,
                  const layer* days, size_t threads) {
  CPLStringList options;
  options.SetNameValue("COMPRESS", "DEFLATE");
  options.SetNameValue("ZLEVEL", "5");
  const auto sizes =
      text("%lld,%lld,%lld", static_cast<long long>(std::min<int64_t>(chunk[0], y.days)),
           static_cast<long long>(std::min(chunk[1], y.height)),
           static_cast<long long>(std::min(chunk[2], y.width)));
  options.SetNameValue("BLOCKSIZE", sizes.c_str());
  const auto array =
      root.CreateMDArray(name, axes, GDALExtendedDataType::Create(GDT_UInt16), options.List());
  if (!array) return false;
  const auto missing = static_cast<uint16_t>(fill);
  return array->SetRawNoDataValue(&missing) &&
         set_number(*array, "missing_value", fill, GDT_UInt16) &&
         set_text(*array, "_Unsigned", "true") && set_text(*array, "units", v.units) &&
         set_text(*array, "description", v.description) &&
         set_text(*array, "long_name", v.short_name) &&
         set_text(*array, "standard_name", v.short_name) &&
         set_text(*array, "dimensions", "lon lat time") &&
         set_text(*array, "grid_mapping", "crs") &&
         set_text(*array, "coordinate_system", "WGS84,EPSG:4326") &&
         set_number(*array, "scale_factor", v.scale) &&
         set_number(*array, "add_offset", v.offset) && write_days(*array, y, days, threads);
}

result<void> write_year(const std::string& path, const year_of_days& y,
                        const std::vector<layer>& layers, size_t threads) {
  const gdal_errors errors;
  const auto refuse = [&] { return fail(ec::io_error, "write " + path, errors.text()); };
  auto* driver = GetGDALDriverManager()->GetDriverByName("netCDF");
  if (driver == nullptr) return fail(ec::unsupported, "write " + path, "GDAL has no netCDF driver");
  CPLStringList options;
  options.SetNameValue("FORMAT", "NC4");
  std::unique_ptr<GDALDataset> file(
      driver->CreateMultiDimensional(path.c_str(), nullptr, options.List()));
  if (!file) return refuse();
  auto root = file->GetRootGroup();
  std::vector<double> days, latitudes, longitudes;
  for (int i = 0; i < y.days; ++i)
    days.push_back(static_cast<double>(y.first.days() + days_before_epoch + i));
  for (int64_t i = 0; i < y.height; ++i) latitudes.push_back(north - pixel * double(i));
  for (int64_t i = 0; i < y.width; ++i) longitudes.push_back(west + pixel * double(i));
  const std::vector axes = {
      root->CreateDimension("day", GDAL_DIM_TYPE_TEMPORAL, "", GUInt64(y.days), nullptr),
      root->CreateDimension("lat", GDAL_DIM_TYPE_HORIZONTAL_Y, "NORTH", GUInt64(y.height), nullptr),
      root->CreateDimension("lon", GDAL_DIM_TYPE_HORIZONTAL_X, "EAST", GUInt64(y.width), nullptr)};
  if (!axes[0] || !axes[1] || !axes[2]) return refuse();
  const auto lon = add_axis(*root, axes[2], longitudes);
  const auto lat = add_axis(*root, axes[1], latitudes);
  const auto day = add_axis(*root, axes[0], days);
  bool good = lon && lat && day && set_text(*lon, "units", "degrees_east") &&
              set_text(*lon, "standard_name", "longitude") && set_text(*lon, "axis", "X") &&
              set_text(*lat, "units", "degrees_north") &&
              set_text(*lat, "standard_name", "latitude") && set_text(*lat, "axis", "Y") &&
              set_text(*day, "units", "days since 1900-01-01 00:00:00") &&
              set_text(*day, "long_name", "time") && set_text(*day, "calendar", "gregorian") &&
              add_crs(*root) && describe_file(*root, y.first);
  for (size_t i = 0; i < y.wanted.size() && good; ++i)
    good = add_variable(*root, axes, y.wanted[i], y.names[i], y,
                        layers.data() + i * static_cast<size_t>(y.days), threads);
  root.reset();
  file.reset();
  if (!good || errors.failed()) return refuse();
  return {};
}

result<std::vector<variable>> find_variables(const std::vector<std::string>& names) {
  std::vector<variable> found;
  for (const auto& name : names) {
    const auto* end = std::end(variables);
    const auto* v = std::find_if(std::begin(variables), end,
                                 [&](const variable& each) { return name == each.short_name; });
    if (v == end)
      return fail(ec::invalid_argument, "variable '" + name + "'", "gridMET has none",
                  "use tmmx, tmmn, pr, rmax, rmin, vs, srad, sph or vpd");
    found.push_back(*v);
  }
  if (found.empty()) return fail(ec::invalid_argument, "make a gridMET file", "it has no variable");
  return found;
}

}  // namespace

result<product> plan_gridmet(const recipe& r, const std::string& folder) {
  year_of_days y;
  STIP_ASSIGN(y.wanted, find_variables(r.variables));
  STIP_ASSIGN(const auto date, date_of(r, {1979, 1, 1}));
  y.first = r.date.empty() ? calendar_date{1979 + static_cast<int>((r.seed - 1) % 40), 1, 1} : date;
  const int whole_year = static_cast<int>(calendar_date{y.first.year + 1, 1, 1}.days() -
                                          calendar_date{y.first.year, 1, 1}.days());
  if (r.days < 0 || r.days > whole_year)
    return fail(ec::invalid_argument, "make a gridMET file",
                text("a year has %d days", whole_year));
  y.days = r.days > 0 ? r.days : whole_year;
  y.width = edge_of(r, real_width, 1);
  y.height = std::max<int64_t>(1, y.width * real_height / real_width);
  const auto relief =
      std::make_shared<landscape>(landscape_options{r.seed, y.width, y.height, 0, 0, swath::whole});
  product p;
  p.family = "gridmet";
  p.platform = "gridMET";
  p.format = "gridmet";
  p.timestamp = y.first.dashed() + "T00:00:00Z";
  p.path = folder + "/" + (y.wanted.size() == 1 ? y.wanted[0].short_name : "gridmet") +
           text("_%d.nc", y.first.year);
  for (const auto& v : y.wanted) {
    // Two variables of one standard name stand in one file by their short names.
    std::string name = v.name;
    for (const auto& before : y.names)
      if (before == name) name += "_" + std::string(v.short_name);
    y.names.push_back(name);
    for (int day = 0; day < y.days; ++day) {
      const auto date = date_of_days(y.first.days() + day);
      layer l;
      l.name = std::string(v.short_name) + "/" + date.dashed();
      l.gdal_name = "NETCDF:\"" + p.path + "\":" + name;
      l.band = day + 1;
      l.type = pixel_type::uint16;
      l.width = y.width;
      l.height = y.height;
      l.transform = {west - pixel / 2, pixel, 0, north + pixel / 2, 0, -pixel};
      l.crs = "EPSG:4326";
      l.nodata = fill;
      l.scale = v.scale;
      l.offset = v.offset;
      const auto number = static_cast<uint32_t>(day);
      const auto air = std::make_shared<landscape>(
          landscape_options{mix(r.seed, static_cast<int64_t>(date.days()), 7), y.width, y.height, 0,
                            0, swath::whole});
      const auto of_year = date.day_of_year();
      l.pixels = [relief, air, v, number, of_year](const window& w, std::span<std::byte> out) {
        survey weather;
        air->look(w, 1, weather);
        size_t at = 0;
        paint_places<uint16_t>(relief, 1, 70 + number, [&](const place& at_place) {
          const auto above = static_cast<double>(weather.height[at++]);
          // The sea is not covered: two fifths of the grid.
          if (at_place.height < -0.06f) return fill;
          return packed(v, north - pixel * double(at_place.y), of_year,
                        double(at_place.height) + 0.3 * double(at_place.slope), above,
                        double(at_place.noise));
        })(w, out);
      };
      p.layers.push_back(std::move(l));
    }
  }
  p.write = [y, layers = p.layers, threads = r.threads](const std::string& path) {
    return write_year(path, y, layers, threads);
  };
  return p;
}

}  // namespace stip::scenes

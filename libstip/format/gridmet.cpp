#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "libstip/core/defaults.hpp"
#include "libstip/format/field_stack.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/format/netcdf_grid.hpp"
#include "libstip/format/reader_settings.hpp"
#include "libstip/format/shared_scene.hpp"
#include "libstip/geo/footprint.hpp"
#include "libstip/raster/gdal_input.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/text.hpp"

// gridMET (METDATA): daily weather over the United States; docs/formats/gridmet.md.

namespace stip {

format gridmet_format();

namespace {

constexpr epoch_seconds seconds_a_day = 86'400;
/// A day of gridMET ends at midnight, Mountain Standard Time: 7:00 UTC of the next.
constexpr epoch_seconds day_begins = 7 * 3600;
/// Drought indices are computed every fifth day.
constexpr int drought_days = 5;
constexpr auto licence = "CC0";

/// A variable, in the unit of its values, and what values can be at all.
struct known_variable {
  std::string_view name;
  double low;
  double high;
  int days = 1;
};

constexpr std::array variables = {
    known_variable{"air_temperature", 180, 340},
    known_variable{"precipitation_amount", 0, 2000},
    known_variable{"relative_humidity", 0, 110},
    known_variable{"specific_humidity", 0, 0.1},
    known_variable{"surface_downwelling_shortwave_flux_in_air", 0, 1500},
    known_variable{"wind_speed", 0, 120},
    known_variable{"wind_from_direction", 0, 360},
    known_variable{"mean_vapor_pressure_deficit", 0, 30},
    known_variable{"potential_evapotranspiration", 0, 100},
    known_variable{"energy_release_component-g", 0, 300},
    known_variable{"burning_index_g", 0, 500},
    known_variable{"dead_fuel_moisture_100hr", 0, 200},
    known_variable{"dead_fuel_moisture_1000hr", 0, 200},
    known_variable{"daily_mean_palmer_drought_severity_index", -100, 100, drought_days},
    known_variable{"palmer_drought_severity_index", -100, 100, drought_days},
    known_variable{"category", -100, 100, drought_days},
    known_variable{"spi", -10, 10, drought_days},
    known_variable{"spei", -10, 10, drought_days},
    known_variable{"eddi", -10, 10, drought_days},
    known_variable{"pdsi", -100, 100, drought_days},
    known_variable{"z", -100, 100, drought_days},
};

const known_variable* find_variable(std::string_view name) {
  const auto at = std::find_if(variables.begin(), variables.end(),
                               [&](const known_variable& v) { return v.name == name; });
  return at == variables.end() ? nullptr : &*at;
}

using metadata = std::map<std::string, std::string>;

std::string item(const metadata& all, const std::string& name) {
  const auto at = all.find(name);
  return at == all.end() ? std::string() : at->second;
}

std::optional<double> number_of(const std::string& text) {
  double out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc() || end == text.data() || !std::isfinite(out)) return std::nullopt;
  return out;
}

/// Where "days since 1900-01-01 00:00:00" begins; gridMET has no other unit.
epoch_seconds origin_of(const metadata& all) {
  constexpr std::string_view unit = "days since ";
  constexpr epoch_seconds year_1900 = -2'208'988'800;
  const auto text = item(all, "day#units");
  if (!text.starts_with(unit)) return year_1900;
  const auto time = parse_time(text.substr(unit.size(), 10));
  return time ? *time : year_1900;
}

std::optional<epoch_seconds> day_of(const metadata& band, epoch_seconds origin) {
  // Beyond this no day of a climate record lies.
  constexpr double most_days = 200'000;
  const auto days = number_of(item(band, "NETCDF_DIM_day"));
  if (!days || *days < 0 || *days > most_days) return std::nullopt;
  return origin + static_cast<epoch_seconds>(std::floor(*days)) * seconds_a_day;
}

/// A file of gridMET: it says so, or it has days and one of the variables.
bool is_gridmet(const metadata& file, const std::vector<std::string>& rasters) {
  for (const auto& [key, value] : file)
    if (key.starts_with("NC_GLOBAL#") &&
        (value.find("Abatzoglou") != std::string::npos ||
         value.find("gridMET") != std::string::npos || value.find("METDATA") != std::string::npos))
      return true;
  const bool days = std::any_of(file.begin(), file.end(),
                                [](const auto& one) { return one.first.starts_with("day#"); });
  return days && std::any_of(rasters.begin(), rasters.end(), [](const std::string& name) {
           return find_variable(part_of_name(name)) != nullptr;
         });
}

/// What is being put together.
struct opening {
  const std::string& input;
  const scene_options& options;
  std::vector<std::string> datasets;
  std::map<epoch_seconds, std::vector<field_band>> days;
  std::map<epoch_seconds, int> days_long;
  bool crs_assumed = false;
};

/// Adds every day of one variable.
result<void> add_variable(opening& o, const std::string& name) {
  STIP_ASSIGN(const auto dataset, open_gdal(name));
  bool assumed = false;
  STIP_ASSIGN(const auto grid, netcdf_grid(dataset, name, assumed));
  o.crs_assumed |= assumed;
  description_budget budget;
  STIP_ASSIGN(auto found, describe_gdal(dataset, name, o.datasets.size(), grid, budget));
  const auto held = dataset.lock();
  const auto file = raw_metadata(dataset.handle());
  const auto origin = origin_of(file);
  for (auto& [description, source] : found)
    for (size_t i = 0; i < description.bands.size(); ++i) {
      const auto handle = GDALGetRasterBand(dataset.handle(), source.bands[i].band);
      const auto of_band = raw_metadata(handle);
      field_band band;
      band.grid = grid;
      band.type = description.type;
      band.description = std::move(description.bands[i]);
      band.source = source.bands[i];
      band.tiling = source.tiling;
      auto& d = band.description;
      d.name = clean_text(item(of_band, "NETCDF_VARNAME"), defaults::max_name_bytes);
      if (d.name.empty()) d.name = part_of_name(name);
      d.properties.erase("NETCDF_DIM_day");
      int has = FALSE;
      const double nodata = GDALGetRasterNoDataValue(handle, &has);
      if (has) band.nodata = nodata_pattern(band.type, nodata);
      const auto* known = find_variable(d.name);
      // An unsigned packed value has no room for a missing value that the file does not name.
      if (known != nullptr && band.type != pixel_type::uint16 && band.type != pixel_type::uint8) {
        const double a = (known->low - d.offset) / d.scale;
        const double b = (known->high - d.offset) / d.scale;
        band.plausible = {std::min(a, b), std::max(a, b)};
      }
      auto day = day_of(of_band, origin);
      if (!day && GDALGetRasterCount(dataset.handle()) == 1)
        day = o.options.timestamp ? o.options.timestamp : date_in_name(file_name(o.input));
      if (!day)
        return fail(ec::invalid_argument, "open " + o.input, "nothing says which day it has",
                    "give --timestamp");
      if (!o.days.contains(*day) && o.days.size() == max_scenes_per_input)
        return fail(ec::limit_exceeded, "open " + o.input,
                    "it has more than " + std::to_string(max_scenes_per_input) + " days",
                    "split it by years");
      o.days_long[*day] = std::max(o.days_long[*day], known != nullptr ? known->days : 1);
      o.days[*day].push_back(std::move(band));
    }
  o.datasets.push_back(name);
  return {};
}

/// How final a day is, by the numbers that the file has for its last ones (from 1).
std::string status_of(const metadata& file, size_t number) {
  for (const std::string status : {"permanent", "provisional", "early"}) {
    const auto last = number_of(item(file, "NC_GLOBAL#last_" + status + "_slice"));
    if (last && double(number) <= *last) return status;
  }
  return {};
}

std::vector<std::string> rasters_of(const gdal_dataset& container, const std::string& input) {
  auto out = contained_rasters(container, input);
  if (out.empty() && GDALGetRasterCount(container.handle()) > 0) out.push_back(input);
  return out;
}

result<std::vector<std::unique_ptr<scene>>> open(const std::string& input,
                                                 const scene_options& options) {
  opening o{input, options, {}, {}, {}, false};
  scene_description common;
  common.format = "gridmet";
  common.platform = options.platform.value_or("gridMET");
  common.tile = options.tile.value_or(tile_of(input));
  common.input = input;
  STIP_ASSIGN(common.input_bytes, check_input(input));
  STIP_TRY(check_name("platform", common.platform, input));
  STIP_TRY(check_name("tile", common.tile, input));
  STIP_ASSIGN(const auto container, open_gdal(input));
  const auto file = raw_metadata(container.handle());
  const auto rasters = rasters_of(container, input);
  if (rasters.empty())
    return fail(ec::unsupported, "open " + input, "it holds no raster", "store it as generic");
  for (const auto& name : rasters) STIP_TRY(add_variable(o, name));
  description_budget budget;
  common.properties = gdal_properties(container.handle(), nullptr, budget);
  std::erase_if(common.properties,
                [](const auto& one) { return one.first.starts_with("NETCDF_DIM_"); });
  if (o.crs_assumed) common.properties["crs_assumed"] = "EPSG:4326";
  common.properties["licence"] = licence;
  common.properties["processing_level"] = "L4";
  STIP_ASSIGN(common.input_checksum, checksum_input(input));
  const auto& grid = o.days.begin()->second.front().grid;
  STIP_ASSIGN(const auto outline, footprint_of(grid));
  common.footprint = outline.to_wkt();
  std::vector<scene_part> parts;
  size_t number = 0;
  for (auto& [day, bands] : o.days) {
    gdal_scene_parts one;
    one.description = common;
    auto& d = one.description;
    d.timestamp = o.days.size() == 1 && options.timestamp ? *options.timestamp : day;
    d.start = day + day_begins;
    d.end = day + day_begins + o.days_long[day] * seconds_a_day;
    if (const auto status = status_of(file, ++number); !status.empty())
      d.properties["status"] = status;
    STIP_TRY(stack_fields(std::move(bands), one));
    for (auto& part : d.subdatasets) {
      if (options.subdataset)
        part.id =
            d.subdatasets.size() == 1 ? *options.subdataset : *options.subdataset + "-" + part.id;
      STIP_TRY(check_name("subdataset", part.id, input));
    }
    parts.push_back({std::move(one.description), std::move(one.sources)});
  }
  return make_shared_scenes(std::move(o.datasets), std::move(parts));
}

int detect(const std::string& input) {
  constexpr int certain = 100;
  if (gdal_role_here() != gdal_role::reader || !check_input(input) ||
      identify_gdal(input) != "netCDF")
    return 0;
  const auto container = open_gdal(input);
  if (!container) return 0;
  return is_gridmet(raw_metadata(container->handle()), rasters_of(*container, input)) ? certain : 0;
}

}  // namespace

format gridmet_format() {
  return {"gridmet", "gridMET daily weather, one or many variables and days (NetCDF)", detect,
          open};
}

}  // namespace stip

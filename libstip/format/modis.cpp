#include "libstip/format/modis.hpp"

#include <cpl_string.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "libstip/core/defaults.hpp"
#include "libstip/format/eos_scales.hpp"
#include "libstip/format/field_stack.hpp"
#include "libstip/format/local_copy.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/format/swath.hpp"
#include "libstip/geo/footprint.hpp"
#include "libstip/raster/gdal_input.hpp"
#include "libstip/raster/gdal_scene.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

format mcd43a4_format();
format mod11a1_format();
format mod11a2_format();
format modis_format();

namespace {

/// Products whose bands stand in an order of their own: fields by pixel type, in the order in which
/// users know them. Fields that are not named follow.
struct known_order {
  std::string_view short_name;
  std::vector<std::string_view> fields;
};

const std::vector<known_order>& known_orders() {
  static const std::vector<known_order> all = {
      {"MCD43A4",
       {"BRDF_Albedo_Band_Mandatory_Quality_Band1", "BRDF_Albedo_Band_Mandatory_Quality_Band2",
        "BRDF_Albedo_Band_Mandatory_Quality_Band3", "BRDF_Albedo_Band_Mandatory_Quality_Band4",
        "BRDF_Albedo_Band_Mandatory_Quality_Band5", "BRDF_Albedo_Band_Mandatory_Quality_Band6",
        "BRDF_Albedo_Band_Mandatory_Quality_Band7", "Nadir_Reflectance_Band1",
        "Nadir_Reflectance_Band2", "Nadir_Reflectance_Band3", "Nadir_Reflectance_Band4",
        "Nadir_Reflectance_Band5", "Nadir_Reflectance_Band6", "Nadir_Reflectance_Band7"}},
      {"11A1",
       {"QC_Day", "Day_view_time", "Day_view_angl", "QC_Night", "Night_view_time",
        "Night_view_angl", "Emis_31", "Emis_32", "LST_Day_1km", "LST_Night_1km", "Clear_day_cov",
        "Clear_night_cov"}},
      {"11A2",
       {"QC_Day", "Day_view_time", "Day_view_angl", "QC_Night", "Night_view_time",
        "Night_view_angl", "Emis_31", "Emis_32", "Clear_sky_days", "Clear_sky_nights",
        "LST_Day_1km", "LST_Night_1km"}},
  };
  return all;
}

/// The format that a product is listed as: one of the named ones, or modis.
std::string_view format_of(std::string_view short_name) {
  if (short_name == "MCD43A4") return "mcd43a4";
  if (short_name == "MOD11A1" || short_name == "MYD11A1") return "mod11a1";
  if (short_name == "MOD11A2" || short_name == "MYD11A2") return "mod11a2";
  return "modis";
}

/// Where the field stands in its product's order; behind all for others.
size_t place_of(std::string_view short_name, std::string_view field) {
  for (const auto& order : known_orders()) {
    if (format_of(short_name) == "modis" || !short_name.ends_with(order.short_name)) continue;
    return static_cast<size_t>(std::find(order.fields.begin(), order.fields.end(), field) -
                               order.fields.begin());
  }
  return 0;
}

/// A gdal_dataset's metadata item, cleaned.
std::string item(const gdal_dataset& dataset, const char* name) {
  const auto* value = GDALGetMetadataItem(dataset.handle(), name, nullptr);
  return value == nullptr ? std::string() : clean_text(value, defaults::max_property_bytes);
}

/// Signed bytes that GDAL gave as bytes, together with what it says of "no data".
void restore_sign(field_band& band) {
  band.type = pixel_type::int8;
  if (!band.nodata) return;
  // Whichever way GDAL read the fill value, its bits are the same.
  band.nodata = *band.nodata & 0xff;
}

/// The bands of one field, and what they are.
result<std::vector<field_band>> bands_of(const eos_field& field, const std::string& short_name,
                                         size_t index, description_budget& budget) {
  STIP_ASSIGN(const auto dataset, open_gdal(field.dataset));
  STIP_ASSIGN(const auto grid, gdal_grid(dataset, field.dataset));
  STIP_ASSIGN(auto found, describe_gdal(dataset, field.dataset, index, grid, budget));
  const auto held = dataset.lock();
  std::vector<field_band> out;
  for (auto& [description, source] : found)
    for (size_t i = 0; i < description.bands.size(); ++i) {
      field_band band;
      band.grid = grid;
      band.type = description.type;
      band.description = std::move(description.bands[i]);
      band.source = source.bands[i];
      band.quality = is_quality_field(field.name);
      auto& d = band.description;
      if (d.name != field.name) d.properties.emplace("long_name", d.name);
      d.name = field.name;
      if (GDALGetRasterCount(dataset.handle()) > 1)
        d.name += "_" + std::to_string(source.bands[i].band);
      const auto scale = scale_of_field(short_name, field.name, {d.scale, d.offset},
                                        eos_convention::scale_then_offset);
      d.scale = scale.scale;
      d.offset = scale.offset;
      if (const auto range = item(dataset, "valid_range"); !range.empty())
        d.properties.emplace("valid_range", range);
      const auto handle = GDALGetRasterBand(dataset.handle(), source.bands[i].band);
      int has = FALSE;
      const double nodata = GDALGetRasterNoDataValue(handle, &has);
      if (has && field.signed_bytes)
        band.nodata = nodata < 0 ? nodata_pattern(pixel_type::int8, nodata)
                                 : nodata_pattern(pixel_type::uint8, nodata);
      else if (has)
        band.nodata = nodata_pattern(band.type, nodata);
      if (field.signed_bytes && band.type == pixel_type::uint8) restore_sign(band);
      int width = 0, height = 0;
      GDALGetBlockSize(handle, &width, &height);
      band.tiling = field_tiling(width, height, grid, size_of(band.type));
      out.push_back(std::move(band));
    }
  return out;
}

/// The input as GDAL can open it, which knows no HDF4 within archives.
result<std::shared_ptr<const local_copy>> local_name_of(const std::string& input) {
  if (input.find('"') != std::string::npos)
    return fail(ec::invalid_argument, "open " + input, "its name has a quotation mark",
                "rename the file");
  return local_copy::of(input);
}

result<void> add_grids(const std::vector<eos_field>& fields, const std::string& short_name,
                       gdal_scene_parts& parts, description_budget& budget) {
  std::vector<field_band> bands;
  std::optional<error> failed;
  std::string left_out;
  for (const auto& field : fields) {
    if (field.swath) continue;
    auto found = bands_of(field, short_name, parts.datasets.size(), budget);
    if (!found) {
      left_out += (left_out.empty() ? "" : "; ") + field.name + ": " + found.error().why;
      if (!failed) failed = found.error();
      continue;
    }
    parts.datasets.push_back(field.dataset);
    bands.insert(bands.end(), std::make_move_iterator(found->begin()),
                 std::make_move_iterator(found->end()));
  }
  if (bands.empty() && failed) return fail(std::move(*failed));
  if (!left_out.empty())
    parts.description.properties.emplace("left_out",
                                         clean_text(left_out, defaults::max_property_bytes));
  std::stable_sort(bands.begin(), bands.end(), [&](const field_band& a, const field_band& b) {
    return place_of(short_name, a.description.name) < place_of(short_name, b.description.name);
  });
  return stack_fields(std::move(bands), parts);
}

result<std::vector<std::unique_ptr<scene>>> open_product(const std::string& input,
                                                         const scene_options& options,
                                                         std::string_view wanted) {
  gdal_scene_parts parts;
  auto& description = parts.description;
  description.input = input;
  STIP_ASSIGN(description.input_bytes, check_input(input));
  STIP_ASSIGN(const auto local, local_name_of(input));
  STIP_ASSIGN(const auto container, open_gdal(local->name()));
  const auto fields = eos_fields(container, local->name());
  if (fields.empty())
    return fail(ec::unsupported, "open " + input, "it has no HDF-EOS grid or swath",
                "store it as generic");
  const auto identity = identify_eos(eos_metadata_of(container), std::string(file_name(input)));
  const auto format = format_of(identity.short_name);
  if (wanted != "modis" && wanted != format)
    return fail(ec::unsupported, "open " + input,
                "it is a product " + identity.short_name + ", not " + std::string(wanted),
                "store it as modis, or as auto");
  description_budget budget;
  description.properties = gdal_properties(container.handle(), nullptr, budget);
  description.format = format;
  STIP_TRY(describe_eos(identity, input, options, description));
  const bool swath =
      std::all_of(fields.begin(), fields.end(), [](const eos_field& f) { return f.swath; });
  std::vector<std::unique_ptr<scene>> out;
  STIP_ASSIGN(description.input_checksum, checksum_input(input));
  description.properties["processing_level"] = swath ? "L2" : "L3";
  if (swath) {
    std::vector<std::string> rasters;
    std::vector<bool> signed_bytes;
    for (const auto& field : fields) {
      rasters.push_back(field.dataset);
      signed_bytes.push_back(field.signed_bytes);
    }
    STIP_ASSIGN(auto made,
                make_swath_scene(std::move(description), rasters, signed_bytes, identity.short_name,
                                 eos_convention::offset_then_scale));
    out.push_back(keep_copy(local, std::move(made)));
    return out;
  }
  STIP_TRY(add_grids(fields, identity.short_name, parts, budget));
  if (options.subdataset)
    for (auto& part : description.subdatasets)
      part.id = description.subdatasets.size() == 1 ? *options.subdataset
                                                    : *options.subdataset + "-" + part.id;
  for (const auto& part : description.subdatasets)
    STIP_TRY(check_name("subdataset", part.id, input));
  STIP_ASSIGN(const auto outline, footprint_of(description.subdatasets.front().grid));
  description.footprint = outline.to_wkt();
  STIP_ASSIGN(auto made, make_gdal_scene(std::move(parts)));
  out.push_back(keep_copy(local, std::move(made)));
  return out;
}

/// The short name of a HDF4-EOS product of MODIS; empty for anything else.
std::string short_name_of(const std::string& input) {
  if (gdal_role_here() != gdal_role::reader || !check_input(input)) return {};
  const auto local = local_name_of(input);
  if (!local || identify_gdal((*local)->name()) != "HDF4") return {};
  const auto container = open_gdal((*local)->name());
  if (!container || eos_fields(*container, (*local)->name()).empty()) return {};
  const auto identity = identify_eos(eos_metadata_of(*container), std::string(file_name(input)));
  return identity.instrument == "MODIS" ? identity.short_name : std::string();
}

int detect_named(const std::string& input, std::string_view name) {
  constexpr int certain = 100, sure = 90;
  // A file in an archive is copied for each question; modis opens the named products as well.
  if (input.starts_with("/vsi") && name != "modis") return 0;
  const auto found = short_name_of(input);
  if (found.empty()) return 0;
  if (name == "modis") return sure;
  return format_of(found) == name ? certain : 0;
}

}  // namespace

std::vector<eos_field> eos_fields(const gdal_dataset& container, const std::string& input) {
  std::vector<eos_field> out;
  const auto held = container.lock();
  auto** listed = GDALGetMetadata(container.handle(), "SUBDATASETS");
  for (size_t i = 1; i <= defaults::max_bands; ++i) {
    const auto key = "SUBDATASET_" + std::to_string(i);
    const auto* name = CSLFetchNameValue(listed, (key + "_NAME").c_str());
    if (name == nullptr) break;
    const auto* words = CSLFetchNameValue(listed, (key + "_DESC").c_str());
    eos_field field;
    field.dataset = name;
    std::string rest;
    for (const auto* kind : {"EOS_GRID", "EOS_SWATH"}) {
      // A file chooses its own texts: only what begins like this is a part of the input.
      const auto prefix = "HDF4_EOS:" + std::string(kind) + ":\"" + input + "\":";
      if (!field.dataset.starts_with(prefix)) continue;
      field.swath = kind == std::string_view("EOS_SWATH");
      rest = field.dataset.substr(prefix.size());
    }
    const auto colon = rest.find(':');
    if (colon == std::string::npos) continue;
    field.grid = rest.substr(0, colon);
    auto field_name = rest.substr(colon + 1);
    std::erase(field_name, '"');
    field.name = clean_text(field_name, defaults::max_name_bytes);
    field.signed_bytes = words != nullptr && std::string_view(words).ends_with("(8-bit integer)");
    out.push_back(std::move(field));
  }
  return out;
}

eos_metadata eos_metadata_of(const gdal_dataset& container) {
  eos_metadata out;
  const auto held = container.lock();
  for (auto** one = GDALGetMetadata(container.handle(), nullptr); one != nullptr && *one != nullptr;
       ++one) {
    char* key = nullptr;
    const auto* value = CPLParseNameValue(*one, &key);
    if (key != nullptr && value != nullptr && out.size() < defaults::max_scene_list)
      out.emplace(clean_text(key, defaults::max_name_bytes),
                  clean_text(value, defaults::max_property_bytes));
    CPLFree(key);
  }
  return out;
}

#define STIP_MODIS_FORMAT(name, summary)                                                         \
  format name##_format() {                                                                       \
    return {#name, summary, [](const std::string& input) { return detect_named(input, #name); }, \
            [](const std::string& input, const scene_options& options) {                         \
              return open_product(input, options, #name);                                        \
            }};                                                                                  \
  }

STIP_MODIS_FORMAT(mcd43a4, "MODIS reflectance adjusted to nadir, daily, 500 m (HDF4-EOS)")
STIP_MODIS_FORMAT(mod11a1, "MODIS land surface temperature, daily, 1 km (HDF4-EOS)")
STIP_MODIS_FORMAT(mod11a2, "MODIS land surface temperature, 8 days, 1 km (HDF4-EOS)")
STIP_MODIS_FORMAT(modis, "any other MODIS land grid, and MODIS swaths (HDF4-EOS)")

}  // namespace stip

#include <cpl_string.h>

#include <algorithm>

#include "libstip/core/defaults.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/format/netcdf_grid.hpp"
#include "libstip/geo/footprint.hpp"
#include "libstip/raster/gdal_input.hpp"
#include "libstip/raster/gdal_scene.hpp"
#include "libstip/raster/text.hpp"

// Any raster with an affine georeference that GDAL opens; docs/formats/generic.md.

namespace stip {

format generic_format();

namespace {

/// The earlier system wrote its items into this metadata domain, and so do exported chips.
constexpr const char* stip_domain = "STIP";

/// What is being put together while a file is looked at.
struct opening {
  const std::string& input;
  const scene_options& options;
  gdal_scene_parts parts;
  description_budget budget;
  /// GDAL subdatasets that were left out, and why.
  std::string left_out;
};

result<void> add_dataset(opening& o, const gdal_dataset& dataset, const std::string& name,
                         const std::string& id) {
  bool assumed = false;
  STIP_ASSIGN(const auto grid, netcdf_grid(dataset, name, assumed));
  if (assumed) o.parts.description.properties["crs_assumed"] = grid.crs_wkt;
  STIP_ASSIGN(auto found, describe_gdal(dataset, name, o.parts.datasets.size(), grid, o.budget));
  if (o.parts.sources.size() + found.size() > defaults::max_subdatasets)
    return fail(ec::limit_exceeded, "open " + o.input,
                "it has more than " + std::to_string(defaults::max_subdatasets) + " subdatasets",
                "split the file");
  for (auto& [description, source] : found) {
    if (!id.empty()) description.id = found.size() == 1 ? id : id + "-" + description.id;
    o.parts.description.subdatasets.push_back(std::move(description));
    o.parts.sources.push_back(std::move(source));
  }
  o.parts.datasets.push_back(name);
  return {};
}

void make_ids_unique(std::vector<subdataset_description>& all) {
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (all[j].id == all[i].id) all[i].id.append("-").append(std::to_string(i));
}

result<void> add_contained(opening& o, const gdal_dataset& container) {
  const auto names = contained_rasters(container, o.input);
  std::vector<error> failures;
  for (const auto& name : names) {
    auto added = [&]() -> result<void> {
      STIP_ASSIGN(const auto dataset, open_gdal(name));
      return add_dataset(o, dataset, name, part_of_name(name));
    }();
    if (added) continue;
    failures.push_back(added.error());
    o.left_out += (o.left_out.empty() ? "" : "; ") + part_of_name(name) + ": " + added.error().why;
  }
  if (!o.parts.sources.empty()) return {};
  if (!failures.empty()) {
    // Helper variables (latitudes, times) fail for reasons of their own; most tell the file's.
    const auto count = [&](const error& err) {
      return std::count_if(failures.begin(), failures.end(),
                           [&](const error& other) { return other.why == err.why; });
    };
    const auto common =
        *std::max_element(failures.begin(), failures.end(),
                          [&](const error& a, const error& b) { return count(a) < count(b); });
    return fail(common.code, "open " + o.input,
                "none of its " + std::to_string(names.size()) +
                    " rasters can be used; the most frequent reason: " + common.why,
                common.advice);
  }
  return fail(ec::unsupported, "open " + o.input, "it holds no raster",
              "give a file with raster bands");
}

/// The item of the file's own metadata, from the STIP domain or the default one.
std::string item(const gdal_dataset& dataset, const char* name) {
  const auto held = dataset.lock();
  for (const char* domain : {stip_domain, static_cast<const char*>(nullptr)})
    if (const auto* value = CSLFetchNameValue(GDALGetMetadata(dataset.handle(), domain), name))
      if (*value != '\0') return value;
  return {};
}

result<std::string> platform_of(const opening& o, const gdal_dataset& dataset) {
  auto out = o.options.platform ? *o.options.platform : item(dataset, "PLATFORM");
  if (!o.options.platform && out.empty())
    return fail(ec::invalid_argument, "open " + o.input, "nothing says what platform it is from",
                "give --platform");
  STIP_TRY(check_name("platform", out, o.input));
  return out;
}

result<epoch_seconds> timestamp_of(const opening& o, const gdal_dataset& dataset) {
  if (o.options.timestamp) return *o.options.timestamp;
  if (const auto text = item(dataset, "TIMESTAMP"); !text.empty()) {
    const auto time = parse_time(text);
    if (time) return *time;
    return fail(
        ec::invalid_argument, "open " + o.input,
        "its metadata item TIMESTAMP is no time: " + clean_text(text, defaults::max_name_bytes),
        "give --timestamp");
  }
  if (const auto date = date_in_name(file_name(o.input))) return *date;
  if (const auto date = parse_tiff_date(item(dataset, "TIFFTAG_DATETIME"))) return *date;
  return fail(ec::invalid_argument, "open " + o.input, "nothing says when it was taken",
              "give --timestamp");
}

result<std::string> tile_name(const opening& o, const gdal_dataset& dataset) {
  auto out = o.options.tile ? *o.options.tile : item(dataset, "TILE");
  if (!o.options.tile && out.empty()) out = tile_of(o.input);
  STIP_TRY(check_name("tile", out, o.input));
  return out;
}

result<void> name_subdatasets(opening& o, const gdal_dataset& dataset) {
  auto& all = o.parts.description.subdatasets;
  const auto name = o.options.subdataset ? *o.options.subdataset : item(dataset, "SUBDATASET");
  if (o.options.subdataset || !name.empty()) {
    STIP_TRY(check_name("subdataset", name, o.input));
    for (auto& subdataset : all)
      subdataset.id = all.size() == 1 ? name : name + "-" + subdataset.id;
  }
  make_ids_unique(all);
  for (const auto& subdataset : all) STIP_TRY(check_name("subdataset", subdataset.id, o.input));
  return {};
}

result<std::vector<std::unique_ptr<scene>>> open(const std::string& input,
                                                 const scene_options& options) {
  if (!is_clean_text(input))
    return fail(ec::invalid_argument, "open " + clean_text(input, input.size()),
                "its name is not UTF-8 text", "rename the file");
  opening o{input, options, {}, {}, {}};
  auto& description = o.parts.description;
  STIP_ASSIGN(description.input_bytes, check_input(input));
  STIP_ASSIGN(const auto dataset, open_gdal(input));
  int bands = 0;
  {
    const auto held = dataset.lock();
    bands = GDALGetRasterCount(dataset.handle());
  }
  if (bands > 0)
    STIP_TRY(add_dataset(o, dataset, input, {}));
  else
    STIP_TRY(add_contained(o, dataset));
  description.format = "generic";
  description.input = input;
  STIP_ASSIGN(description.platform, platform_of(o, dataset));
  STIP_ASSIGN(description.timestamp, timestamp_of(o, dataset));
  STIP_ASSIGN(description.tile, tile_name(o, dataset));
  STIP_TRY(name_subdatasets(o, dataset));
  {
    const auto held = dataset.lock();
    description.properties.merge(gdal_properties(dataset.handle(), nullptr, o.budget));
  }
  description.properties.emplace("driver", dataset.driver());
  if (!o.left_out.empty())
    description.properties.emplace("left_out",
                                   clean_text(o.left_out, defaults::max_property_bytes));
  // The finest grids of one file lie on the same ground; the first one stands for all.
  STIP_ASSIGN(const auto outline, footprint_of(description.subdatasets.front().grid));
  description.footprint = outline.to_wkt();
  STIP_ASSIGN(description.input_checksum, checksum_input(input));
  STIP_ASSIGN(auto made, make_gdal_scene(std::move(o.parts)));
  std::vector<std::unique_ptr<scene>> out;
  out.push_back(std::move(made));
  return out;
}

/// The last resort: any file that a raster driver claims.
int detect(const std::string& input) {
  if (!check_input(input)) return 0;
  return identify_gdal(input).empty() ? 0 : 1;
}

}  // namespace

format generic_format() {
  return {"generic", "any raster with an affine georeference that GDAL opens", detect, open};
}

}  // namespace stip

#include "libstip/format/sentinel2_bands.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "libstip/core/defaults.hpp"

namespace stip::sentinel2 {

namespace {

/// A band of the instrument. Central wavelengths and widths (FWHM) of Sentinel-2A in nm, from the
/// Sentinel-2 user guide's table of spectral bands; the metadata's own wavelength wins.
struct reflective_band {
  std::string_view name;
  std::string_view common_name;
  int resolution;
  double wavelength_nm;
  double width_nm;
  /// Level 2A has no cirrus band.
  bool in_2a = true;
};

/// In the order of the metadata's band ids, which is that of the wavelengths but for B8A.
constexpr std::array<reflective_band, band_ids> reflective = {{
    {"B01", "coastal", 60, 442.7, 20},
    {"B02", "blue", 10, 492.7, 65},
    {"B03", "green", 10, 559.8, 35},
    {"B04", "red", 10, 664.6, 30},
    {"B05", "rededge", 20, 704.1, 14},
    {"B06", "rededge", 20, 740.5, 14},
    {"B07", "rededge", 20, 782.8, 19},
    {"B08", "nir", 10, 832.8, 105},
    {"B8A", "nir08", 20, 864.7, 21},
    {"B09", "nir09", 60, 945.1, 19},
    {"B10", "cirrus", 60, 1373.5, 29, false},
    {"B11", "swir16", 20, 1613.7, 90},
    {"B12", "swir22", 20, 2202.4, 174},
}};

/// What a product has beside its reflectances.
struct other_layer {
  std::string_view name;
  /// Native first; the others are copies of it.
  std::array<int, 3> resolutions;
  bool quality;
  /// Products of the level that have none lack something.
  bool in_1c;
  bool in_2a;
  /// Zero is a value of probabilities, the scene classification tells their holes.
  bool zero_is_nodata;
};

constexpr std::array<other_layer, 7> others = {{
    {"TCI", {10, 20, 60}, false, true, true, true},
    {"SCL", {20, 60, 20}, true, false, true, true},
    {"CLD", {20, 60, 20}, true, false, true, false},
    {"SNW", {20, 60, 20}, true, false, true, false},
    {"AOT", {20, 10, 60}, true, false, true, true},
    {"WVP", {20, 10, 60}, true, false, true, true},
    {classification, {60, 20, 10}, true, false, false, false},
}};

/// Scene classification, Sentinel-2 L2A ATBD, table of classes.
constexpr std::array<std::string_view, 12> classes = {"no data",
                                                      "saturated or defective",
                                                      "dark area",
                                                      "cloud shadow",
                                                      "vegetation",
                                                      "not vegetated",
                                                      "water",
                                                      "unclassified",
                                                      "cloud medium probability",
                                                      "cloud high probability",
                                                      "thin cirrus",
                                                      "snow or ice"};

/// Without another word in the metadata: DN = 10000 * reflectance, 1000 * optical thickness and cm.
constexpr double usual_quantification = 10'000;
constexpr double usual_layer_quantification = 1'000;

constexpr double nm_in_um = 1'000;

int resolution_of(std::string_view token) {
  return token == "10m" ? 10 : token == "20m" ? 20 : token == "60m" ? 60 : 0;
}

std::string band_of(std::string_view token) {
  if (token == "CLDPRB") return "CLD";
  if (token == "SNWPRB") return "SNW";
  for (const auto& band : reflective)
    if (band.name == token) return std::string(token);
  for (const auto& layer : others)
    if (layer.name == token) return std::string(token);
  return {};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

using image_list = std::vector<std::pair<image_name, std::string>>;

/// The member that has the band at the resolution; a name without a resolution is the native one.
const std::string* find_image(const image_list& images, std::string_view band, int resolution,
                              bool native) {
  for (const auto& [image, member] : images)
    if (image.band == band && (image.resolution == resolution || (native && image.resolution == 0)))
      return &member;
  return nullptr;
}

known_band describe(const reflective_band& band, size_t id, const metadata& of) {
  known_band out;
  out.name = band.name;
  const double quantification = of.quantification.value_or(usual_quantification);
  if (const auto offset = offset_of(of, id)) {
    out.scale = 1 / quantification;
    out.offset = *offset / quantification;
    out.unit = "reflectance";
  } else {
    out.properties["calibration"] = "unknown: nothing says the offset of its reflectances";
  }
  out.properties["common_name"] = band.common_name;
  out.properties["wavelength_um"] =
      number_text(of.wavelengths[id].value_or(band.wavelength_nm) / nm_in_um);
  out.properties["fwhm_um"] = number_text(band.width_nm / nm_in_um);
  out.properties["gsd"] = std::to_string(band.resolution);
  return out;
}

product_band describe(const other_layer& layer, int resolution, const metadata& of) {
  product_band out;
  out.subdataset = layer.name;
  out.quality = layer.quality;
  if (layer.zero_is_nodata) out.nodata = 0;
  known_band band;
  band.properties["gsd"] = std::to_string(resolution);
  if (layer.name == "TCI") {
    for (const auto& [name, colour] :
         {std::pair("red", "Red"), {"green", "Green"}, {"blue", "Blue"}}) {
      band.name = name;
      band.colour = colour;
      band.properties["common_name"] = name;
      out.bands.push_back(band);
    }
    return out;
  }
  if (layer.name == classification) {
    for (const auto* name : {"opaque", "cirrus", "snow"}) {
      band.name = name;
      out.bands.push_back(band);
    }
    return out;
  }
  band.name = layer.name;
  if (layer.name == "SCL") band.categories.assign(classes.begin(), classes.end());
  if (layer.name == "CLD" || layer.name == "SNW") band.unit = "%";
  if (layer.name == "AOT")
    band.scale = 1 / of.aerosol_quantification.value_or(usual_layer_quantification);
  if (layer.name == "WVP") {
    band.scale = 1 / of.water_quantification.value_or(usual_layer_quantification);
    band.unit = "cm";
  }
  out.bands.push_back(std::move(band));
  return out;
}

}  // namespace

std::optional<image_name> read_image_name(std::string_view member) {
  auto folder = folder_of(member);
  auto stem = member.substr(folder.size());
  const auto dot = stem.rfind('.');
  if (dot == std::string_view::npos || lower(stem.substr(dot)) != ".jp2") return std::nullopt;
  stem = stem.substr(0, dot);
  const auto parent_of = [](std::string_view path) {
    const auto bare = path.empty() ? path : path.substr(0, path.size() - 1);
    return bare.substr(folder_of(bare).size());
  };
  // Small pictures of the bands, under the names of the bands.
  if (lower(parent_of(folder)) == "preview") return std::nullopt;
  image_name out;
  size_t before = std::string_view::npos;
  bool mask = false;
  for (size_t from = 0; from <= stem.size();) {
    const auto to = std::min(stem.find('_', from), stem.size());
    const auto token = stem.substr(from, to - from);
    mask |= token == "MSK";
    if (const int resolution = resolution_of(token); resolution != 0) out.resolution = resolution;
    if (auto band = band_of(token); !band.empty() && out.band.empty()) {
      out.band = std::move(band);
      before = from;
    }
    from = to + 1;
  }
  // Other masks are of a band, and named so.
  const bool of_all = out.band == "CLD" || out.band == "SNW" || out.band == classification;
  if (out.band.empty() || (mask && !of_all)) return std::nullopt;
  const auto parent = parent_of(folder);
  if (parent.starts_with('R') && resolution_of(parent.substr(1)) != 0) {
    if (out.resolution == 0) out.resolution = resolution_of(parent.substr(1));
    folder = folder.substr(0, folder.size() - parent.size() - 1);
  }
  out.stem = std::string(folder) + std::string(stem.substr(0, before));
  return out;
}

std::vector<product_band> bands_of(const metadata& of, const image_list& images,
                                   std::vector<std::string>& left_out) {
  std::vector<product_band> out;
  const bool level_2a = of.level == "2A";
  for (const int resolution : {10, 20, 60})
    for (size_t id = 0; id < reflective.size(); ++id) {
      const auto& band = reflective[id];
      if (band.resolution != resolution) continue;
      const auto* member = find_image(images, band.name, resolution, true);
      if (member == nullptr) {
        if (!level_2a || band.in_2a) left_out.emplace_back(band.name);
        continue;
      }
      product_band known;
      known.subdataset = std::to_string(resolution) + "m";
      known.member = *member;
      known.nodata = 0;
      known.bands.push_back(describe(band, id, of));
      out.push_back(std::move(known));
    }
  for (const auto& layer : others) {
    const std::string* member = nullptr;
    int resolution = 0;
    for (const int candidate : layer.resolutions) {
      resolution = candidate;
      member = find_image(images, layer.name, candidate, candidate == layer.resolutions[0]);
      if (member != nullptr) break;
    }
    if (member == nullptr) {
      if (level_2a ? layer.in_2a : layer.in_1c) left_out.emplace_back(layer.name);
      continue;
    }
    auto known = describe(layer, resolution, of);
    known.member = *member;
    out.push_back(std::move(known));
  }
  return out;
}

}  // namespace stip::sentinel2

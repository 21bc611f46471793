#include "libstip/analysis/band_roles.hpp"

#include <algorithm>
#include <cctype>

namespace stip {

namespace {

constexpr std::array<std::string_view, all_band_roles> role_names = {
    "blue",    "green",    "red",      "nir",      "swir1", "swir2", "cirrus",      "thermal",
    "coastal", "rededge1", "rededge2", "rededge3", "nir08", "pan",   "water_vapour"};

struct alias {
  std::string_view name;
  band_role role;
};

/// Common names of STAC's EO extension that differ from ours.
constexpr std::array aliases = {
    alias{"swir16", band_role::swir1},        alias{"swir22", band_role::swir2},
    alias{"rededge", band_role::rededge1},    alias{"rededge071", band_role::rededge1},
    alias{"rededge075", band_role::rededge2}, alias{"rededge078", band_role::rededge3},
    alias{"lwir", band_role::thermal},        alias{"lwir11", band_role::thermal},
    alias{"nir09", band_role::water_vapour},
};

/// A sensor's bands by role, in the order of the roles; '|' stands between names of which the first
/// that a scene has counts.
using role_bands = std::array<std::string_view, all_band_roles>;

// Where a band lies: Sentinel-2 User Handbook (spectral bands); USGS, "What are the band
// designations for the Landsat satellites?"; MODIS specifications (bands 1 to 7); VIIRS Surface
// Reflectance User's Guide, table 1.
constexpr role_bands sentinel2 = {"B02", "B03", "B04", "B08|B8A", "B11", "B12", "B10", "",
                                  "B01", "B05", "B06", "B07",     "B8A", "",    "B09"};
constexpr role_bands oli = {"B2", "B3", "B4", "B5", "B6", "B7", "B9", "B10",
                            "B1", "",   "",   "",   "B5", "B8", ""};
constexpr role_bands thematic_mapper = {"B1", "B2", "B3", "B4", "B5", "B7", "", "B6|B6_VCID_2",
                                        "",   "",   "",   "",   "B4", "B8", ""};
/// The scanner's last band reaches from 0.8 to 1.1 um, the one before it over the red edge.
constexpr role_bands scanner = {"", "B1", "B2", "B4", "",   "", "", "",
                                "", "",   "",   "B3", "B4", "", ""};
constexpr role_bands early_scanner = {"", "B4", "B5", "B7", "",   "", "", "",
                                      "", "",   "",   "B6", "B7", "", ""};
constexpr role_bands modis = {"Nadir_Reflectance_Band3|sur_refl_b03|*blue reflectance",
                              "Nadir_Reflectance_Band4|sur_refl_b04",
                              "Nadir_Reflectance_Band1|sur_refl_b01|*red reflectance",
                              "Nadir_Reflectance_Band2|sur_refl_b02|*NIR reflectance",
                              "Nadir_Reflectance_Band6|sur_refl_b06",
                              "Nadir_Reflectance_Band7|sur_refl_b07|*MIR reflectance",
                              "",
                              "",
                              "",
                              "",
                              "",
                              "",
                              "Nadir_Reflectance_Band2|sur_refl_b02|*NIR reflectance",
                              "",
                              ""};
constexpr role_bands viirs = {"SurfReflect_M3|Nadir_Reflectance_M3|*blue reflectance",
                              "SurfReflect_M4|Nadir_Reflectance_M4|*green reflectance",
                              "SurfReflect_I1|Nadir_Reflectance_I1|SurfReflect_M5|"
                              "Nadir_Reflectance_M5|*red reflectance",
                              "SurfReflect_I2|Nadir_Reflectance_I2|SurfReflect_M7|"
                              "Nadir_Reflectance_M7|*NIR reflectance",
                              "SurfReflect_I3|Nadir_Reflectance_I3|SurfReflect_M10|"
                              "Nadir_Reflectance_M10|*SWIR1 reflectance",
                              "SurfReflect_M11|Nadir_Reflectance_M11|*SWIR2 reflectance",
                              "",
                              "",
                              "SurfReflect_M1|Nadir_Reflectance_M1",
                              "",
                              "",
                              "",
                              "SurfReflect_I2|Nadir_Reflectance_I2|SurfReflect_M7|"
                              "Nadir_Reflectance_M7",
                              "",
                              ""};
constexpr role_bands naip = {"blue", "green", "red", "NIR", "", "", "", "",
                             "",     "",      "",    "",    "", "", ""};

/// Satellites from here on have OLI, and before it the Thematic Mapper.
constexpr int first_with_oli = 8;
constexpr int first_with_thematic_mapper = 4;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// The digit after "Landsat" or "Landsat ", 0 when there is none.
int satellite_in(std::string_view text) {
  constexpr std::string_view start = "Landsat";
  if (!text.starts_with(start)) return 0;
  text.remove_prefix(start.size());
  if (text.starts_with(' ')) text.remove_prefix(1);
  return !text.empty() && text[0] >= '1' && text[0] <= '9' ? text[0] - '0' : 0;
}

template <class Map>
std::string property(const Map& properties, const std::string& key) {
  const auto at = properties.find(key);
  return at == properties.end() ? std::string() : at->second;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](std::string_view start) { return text.starts_with(start); });
}

const role_bands* bands_of(const scene_description& scene) {
  if (is_sentinel2(scene)) return &sentinel2;
  if (const auto satellite = landsat_satellite(scene); satellite != 0) {
    if (satellite >= first_with_oli) return &oli;
    if (satellite < first_with_thematic_mapper) return &early_scanner;
    return is_mss(scene) ? &scanner : &thematic_mapper;
  }
  const std::string_view platform = scene.platform;
  if (platform == "NAIP") return &naip;
  if (starts_with_any(platform, {"MOD", "MYD", "MCD"})) return &modis;
  if (starts_with_any(platform, {"VNP", "VJ1", "VJ2"})) return &viirs;
  return nullptr;
}

template <class Test>
std::optional<band_place> find_if(const scene_description& scene, Test&& test) {
  for (size_t s = 0; s < scene.subdatasets.size(); ++s) {
    const auto& bands = scene.subdatasets[s].bands;
    for (size_t b = 0; b < bands.size(); ++b)
      if (test(scene.subdatasets[s], bands[b])) return band_place{s, b};
  }
  return std::nullopt;
}

std::optional<band_place> find_exact(const scene_description& scene, std::string_view name) {
  return find_if(scene, [&](const auto&, const auto& band) { return band.name == name; });
}

/// A name of the table: that of a band, or with a star before it how a band's name ends.
std::optional<band_place> find_pattern(const scene_description& scene, std::string_view pattern) {
  if (!pattern.starts_with('*')) {
    if (const auto found = find_band(scene, pattern)) return found;
    return find_first_observation(scene, pattern);
  }
  pattern.remove_prefix(1);
  return find_if(scene,
                 [&](const auto&, const auto& band) { return band.name.ends_with(pattern); });
}

}  // namespace

std::string_view to_string(band_role role) noexcept {
  const auto at = static_cast<size_t>(role);
  return at < role_names.size() ? role_names[at] : "unknown";
}

std::optional<band_role> role_of(std::string_view name) noexcept {
  for (size_t i = 0; i < role_names.size(); ++i)
    if (role_names[i] == name) return static_cast<band_role>(i);
  for (const auto& other : aliases)
    if (other.name == name) return other.role;
  return std::nullopt;
}

int landsat_satellite(const scene_description& scene) {
  const auto by_platform = satellite_in(scene.platform);
  return by_platform != 0 ? by_platform : satellite_in(property(scene.properties, "spacecraft"));
}

bool is_sentinel2(const scene_description& scene) {
  return scene.platform.starts_with("Sentinel-2");
}

bool is_mss(const scene_description& scene) {
  const auto satellite = landsat_satellite(scene);
  if (satellite == 0 || satellite >= first_with_oli) return false;
  return satellite < first_with_thematic_mapper ||
         property(scene.properties, "instrument").starts_with("MSS");
}

std::optional<band_place> find_band(const scene_description& scene, std::string_view name) {
  if (const auto exact = find_exact(scene, name)) return exact;
  for (const std::string_view before : {"SR_", "ST_"})
    if (const auto found = find_exact(scene, std::string(before) + std::string(name))) return found;
  return std::nullopt;
}

std::optional<band_place> find_first_observation(const scene_description& scene,
                                                 std::string_view name) {
  return find_if(scene, [&](const auto&, const auto& band) {
    return band.name.starts_with(name) &&
           (band.name.size() == name.size() || band.name.substr(name.size()) == "_1");
  });
}

std::optional<band_place> find_role(const scene_description& scene, band_role role) {
  if (const auto* bands = bands_of(scene)) {
    for (auto names = (*bands)[static_cast<size_t>(role)]; !names.empty();) {
      const auto end = std::min(names.find('|'), names.size());
      if (const auto found = find_pattern(scene, names.substr(0, end))) return found;
      names.remove_prefix(std::min(end + 1, names.size()));
    }
    return std::nullopt;
  }
  const auto measured = [](const subdataset_description& part) {
    return !part.quality && part.id != "TCI";
  };
  const auto by_common_name = find_if(scene, [&](const auto& part, const auto& band) {
    const auto common = property(band.properties, "common_name");
    return measured(part) && !common.empty() && role_of(common) == role;
  });
  if (by_common_name) return by_common_name;
  return find_if(scene, [&](const auto& part, const auto& band) {
    return measured(part) && role_of(lower(band.name)) == role;
  });
}

std::string_view usual_name(const scene_description& scene, band_role role) {
  const auto* bands = bands_of(scene);
  if (bands == nullptr) return {};
  const auto names = (*bands)[static_cast<size_t>(role)];
  return names.substr(0, std::min(names.find('|'), names.size()));
}

std::string list_bands(const scene_description& scene) {
  std::string out;
  size_t listed = 0, all = 0;
  for (const auto& part : scene.subdatasets)
    for (const auto& band : part.bands) {
      if (++all > max_listed_bands) continue;
      ++listed;
      out += (out.empty() ? "" : ", ") + band.name;
    }
  if (all > listed) out += " and " + std::to_string(all - listed) + " more";
  return out;
}

}  // namespace stip

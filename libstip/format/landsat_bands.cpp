#include "libstip/format/landsat_bands.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace stip::landsat {

namespace {

constexpr std::string_view reflective = "reflective";
constexpr std::string_view panchromatic = "panchromatic";
constexpr std::string_view thermal = "thermal";

/// A spectral band of a sensor: centre and width in micrometres (USGS, "What are the band
/// designations for the Landsat satellites?"), ground sample distance in metres.
struct spectral_band {
  std::string_view name;
  std::string_view common_name;
  std::string_view subdataset;
  double wavelength_um;
  double width_um;
  int gsd;
};

constexpr std::array<spectral_band, 11> oli_tirs = {{
    {"B1", "coastal", reflective, 0.443, 0.016, 30},
    {"B2", "blue", reflective, 0.482, 0.060, 30},
    {"B3", "green", reflective, 0.561, 0.057, 30},
    {"B4", "red", reflective, 0.655, 0.037, 30},
    {"B5", "nir08", reflective, 0.865, 0.028, 30},
    {"B6", "swir16", reflective, 1.609, 0.085, 30},
    {"B7", "swir22", reflective, 2.201, 0.187, 30},
    {"B8", "pan", panchromatic, 0.590, 0.172, 15},
    {"B9", "cirrus", reflective, 1.373, 0.020, 30},
    {"B10", "lwir11", thermal, 10.895, 0.590, 100},
    {"B11", "lwir12", thermal, 12.005, 1.010, 100},
}};

constexpr std::array<spectral_band, 9> etm = {{
    {"B1", "blue", reflective, 0.485, 0.070, 30},
    {"B2", "green", reflective, 0.560, 0.080, 30},
    {"B3", "red", reflective, 0.660, 0.060, 30},
    {"B4", "nir08", reflective, 0.835, 0.130, 30},
    {"B5", "swir16", reflective, 1.650, 0.200, 30},
    {"B6_VCID_1", "lwir", thermal, 11.450, 2.100, 60},
    {"B6_VCID_2", "lwir", thermal, 11.450, 2.100, 60},
    {"B7", "swir22", reflective, 2.220, 0.260, 30},
    {"B8", "pan", panchromatic, 0.710, 0.380, 15},
}};

constexpr std::array<spectral_band, 7> tm = {{
    {"B1", "blue", reflective, 0.485, 0.070, 30},
    {"B2", "green", reflective, 0.560, 0.080, 30},
    {"B3", "red", reflective, 0.660, 0.060, 30},
    {"B4", "nir08", reflective, 0.830, 0.140, 30},
    {"B5", "swir16", reflective, 1.650, 0.200, 30},
    {"B6", "lwir", thermal, 11.450, 2.100, 120},
    {"B7", "swir22", reflective, 2.215, 0.270, 30},
}};

/// Landsat 1 to 3 number the same four bands from 4 on.
constexpr std::array<spectral_band, 4> mss = {{
    {"B1", "green", reflective, 0.550, 0.100, 60},
    {"B2", "red", reflective, 0.650, 0.100, 60},
    {"B3", "nir", reflective, 0.750, 0.100, 60},
    {"B4", "nir08", reflective, 0.950, 0.300, 60},
}};
constexpr std::array<std::string_view, 4> early_mss_names = {"B4", "B5", "B6", "B7"};

/// No nodata value of the layer itself.
constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double level_2_fill = -9999;
/// The bit of fill alone: in a quality band no other bit is set where there is no data.
constexpr double quality_fill = 1;

/// What a product has beside its spectral bands: scales and fill values of the Collection 2 Level 2
/// Science Product Guides (LSDS-1618, 1619), of Collection 1 as ESPA's guides have them.
struct layer {
  std::string_view suffix;
  std::string_view subdataset;
  double scale;
  double offset;
  std::string_view unit;
  double nodata;
  bool quality;
};

constexpr std::array<layer, 21> layers = {{
    {"ST_TRAD", "temperature_inputs", 0.001, 0, "W/(m2 sr um)", level_2_fill, true},
    {"ST_URAD", "temperature_inputs", 0.001, 0, "W/(m2 sr um)", level_2_fill, true},
    {"ST_DRAD", "temperature_inputs", 0.001, 0, "W/(m2 sr um)", level_2_fill, true},
    {"ST_ATRAN", "temperature_inputs", 0.0001, 0, "", level_2_fill, true},
    {"ST_EMIS", "temperature_inputs", 0.0001, 0, "", level_2_fill, true},
    {"ST_EMSD", "temperature_inputs", 0.0001, 0, "", level_2_fill, true},
    {"ST_CDIST", "temperature_inputs", 0.01, 0, "km", level_2_fill, true},
    {"QA_PIXEL", "quality", 1, 0, "", quality_fill, true},
    {"BQA", "quality", 1, 0, "", quality_fill, true},
    {"pixel_qa", "quality", 1, 0, "", quality_fill, true},
    {"QA_RADSAT", "quality", 1, 0, "", none, true},
    {"radsat_qa", "quality", 1, 0, "", none, true},
    {"SR_QA_AEROSOL", "aerosol", 1, 0, "", quality_fill, true},
    {"sr_aerosol", "aerosol", 1, 0, "", quality_fill, true},
    {"SR_CLOUD_QA", "cloud", 1, 0, "", none, true},
    {"SR_ATMOS_OPACITY", "opacity", 0.001, 0, "", level_2_fill, true},
    {"ST_QA", "temperature_quality", 0.01, 0, "K", level_2_fill, true},
    {"SAA", "angles", 0.01, 0, "degree", none, true},
    {"SZA", "angles", 0.01, 0, "degree", none, true},
    {"VAA", "angles", 0.01, 0, "degree", none, true},
    {"VZA", "angles", 0.01, 0, "degree", none, true},
}};

/// Collection 2 Level 2, LSDS-1619 section 6: the same for all sensors.
constexpr double reflectance_scale = 2.75e-5;
constexpr double reflectance_offset = -0.2;
constexpr double temperature_scale = 0.00341802;
constexpr double temperature_offset = 149;

/// Collection 1 Level 2 (ESPA): reflectance in ten thousandths, temperature in tenths.
constexpr double espa_reflectance_scale = 0.0001;
constexpr double espa_temperature_scale = 0.1;

/// Top of atmosphere without the sun's angle: the same for every scene of OLI (LSDS-1747).
constexpr double oli_reflectance_scale = 2e-5;
constexpr double oli_reflectance_offset = -0.1;

constexpr std::string_view radiance_unit = "W/(m2 sr um)";

std::vector<spectral_band> spectral_bands(const instrument& of) {
  if (of.satellite >= 8) return {oli_tirs.begin(), oli_tirs.end()};
  if (of.satellite == 7) return {etm.begin(), etm.end()};
  if (!of.mss) return {tm.begin(), tm.end()};
  std::vector<spectral_band> out(mss.begin(), mss.end());
  if (of.satellite <= 3)
    for (size_t i = 0; i < out.size(); ++i) out[i].name = early_mss_names[i];
  return out;
}

const band_file* find(const std::vector<band_file>& files, std::string_view suffix) {
  const auto at =
      std::find_if(files.begin(), files.end(), [&](const auto& f) { return f.suffix == suffix; });
  return at == files.end() ? nullptr : &*at;
}

known_band describe(const spectral_band& band, std::string name) {
  known_band out;
  out.name = std::move(name);
  out.properties["common_name"] = band.common_name;
  out.properties["wavelength_um"] = number_text(band.wavelength_um);
  out.properties["fwhm_um"] = number_text(band.width_um);
  out.properties["gsd"] = std::to_string(band.gsd);
  return out;
}

/// The pair of a scale and an offset, when the metadata has a usable one.
struct calibration {
  double scale = 1;
  double offset = 0;
};

std::optional<calibration> calibration_of(const mtl* metadata,
                                          std::initializer_list<std::string_view> groups,
                                          const std::string& quantity, const std::string& band) {
  if (metadata == nullptr) return std::nullopt;
  const auto scale = metadata->number(groups, quantity + "_MULT_BAND_" + band);
  const auto offset = metadata->number(groups, quantity + "_ADD_BAND_" + band);
  if (!scale || !offset || *scale == 0) return std::nullopt;
  return calibration{*scale, *offset};
}

/// "B6_VCID_1" as the keys of the metadata have it: "6_VCID_1".
std::string key_of(std::string_view name) {
  return std::string(name.substr(1));
}

void calibrate_level_1(known_band& out, const spectral_band& band, const instrument& of,
                       const mtl* metadata) {
  const auto groups = {std::string_view("LEVEL1_RADIOMETRIC_RESCALING"),
                       std::string_view("RADIOMETRIC_RESCALING")};
  const auto key = key_of(band.name);
  const auto radiance = calibration_of(metadata, groups, "RADIANCE", key);
  auto used = band.subdataset == thermal ? std::nullopt
                                         : calibration_of(metadata, groups, "REFLECTANCE", key);
  if (!used && metadata == nullptr && of.satellite >= 8 && band.subdataset != thermal)
    used = calibration{oli_reflectance_scale, oli_reflectance_offset};
  if (used) {
    out.unit = "reflectance";
    out.properties["sun_angle"] = "not corrected: divide by the sine of the sun's elevation";
  } else if (radiance) {
    used = radiance;
    out.unit = radiance_unit;
  }
  if (used) {
    out.scale = used->scale;
    out.offset = used->offset;
  } else {
    out.properties["calibration"] = "unknown: nothing says its scale and offset";
  }
  if (radiance) {
    out.properties["radiance_scale"] = number_text(radiance->scale);
    out.properties["radiance_offset"] = number_text(radiance->offset);
  }
  if (metadata == nullptr || band.subdataset != thermal) return;
  const auto constants = {std::string_view("LEVEL1_THERMAL_CONSTANTS"),
                          std::string_view("THERMAL_CONSTANTS"),
                          std::string_view("TIRS_THERMAL_CONSTANTS")};
  for (const auto* constant : {"K1", "K2"})
    if (const auto value =
            metadata->number(constants, std::string(constant) + "_CONSTANT_BAND_" + key))
      out.properties[constant == std::string_view("K1") ? "k1" : "k2"] = number_text(*value);
}

/// The file of a spectral band, and the band as that file holds it.
std::optional<product_band> spectral_file(const spectral_band& band, const instrument& of,
                                          const std::vector<band_file>& files,
                                          const mtl* metadata) {
  product_band out;
  out.subdataset = band.subdataset;
  out.nodata = 0;
  const std::string name(band.name);
  auto found = describe(band, name);
  const auto digits = key_of(band.name);
  if (const auto* file = find(files, "SR_" + name)) {
    const auto used = calibration_of(
        metadata, {"LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", "SURFACE_REFLECTANCE_PARAMETERS"},
        "REFLECTANCE", digits);
    found.name = file->suffix;
    found.scale = used ? used->scale : reflectance_scale;
    found.offset = used ? used->offset : reflectance_offset;
    found.unit = "reflectance";
    out.member = file->member;
  } else if (const auto* temperature = find(files, "ST_" + name)) {
    const auto used = calibration_of(
        metadata, {"LEVEL2_SURFACE_TEMPERATURE_PARAMETERS", "SURFACE_TEMPERATURE_PARAMETERS"},
        "TEMPERATURE", "ST_" + name);
    found.name = temperature->suffix;
    found.scale = used ? used->scale : temperature_scale;
    found.offset = used ? used->offset : temperature_offset;
    found.unit = "K";
    out.subdataset = "temperature";
    out.member = temperature->member;
  } else if (const auto* espa = find(files, "sr_band" + digits)) {
    found.scale = espa_reflectance_scale;
    found.unit = "reflectance";
    out.nodata = level_2_fill;
    out.member = espa->member;
  } else if (const auto* brightness = find(files, "bt_band" + digits)) {
    found.scale = espa_temperature_scale;
    found.unit = "K";
    out.subdataset = "temperature";
    out.nodata = level_2_fill;
    out.member = brightness->member;
  } else if (const auto* raw = find(files, name); raw != nullptr && of.level == 1) {
    calibrate_level_1(found, band, of, metadata);
    out.member = raw->member;
  } else {
    return std::nullopt;
  }
  out.bands.push_back(std::move(found));
  return out;
}

/// Of a level-2 product of Landsat 7 the thermal band is called ST_B6.
std::vector<spectral_band> in_order(const instrument& of) {
  auto out = spectral_bands(of);
  if (of.level == 2 && of.satellite == 7)
    for (auto& band : out)
      if (band.name == "B6_VCID_1") band.name = "B6";
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    const auto place = [](std::string_view id) {
      return id == reflective ? 0 : id == panchromatic ? 1 : 2;
    };
    return place(a.subdataset) < place(b.subdataset);
  });
  return out;
}

}  // namespace

bool is_band(std::string_view suffix) {
  for (const auto& one : layers)
    if (one.suffix == suffix) return true;
  for (const std::string_view start : {"SR_B", "ST_B", "sr_band", "bt_band", "B"}) {
    if (!suffix.starts_with(start)) continue;
    const auto number = suffix.substr(start.size());
    if (start == "B" && (number == "6_VCID_1" || number == "6_VCID_2")) return true;
    if (number.size() == 1 && number[0] >= '1' && number[0] <= '9') return true;
    if (number == "10" || number == "11") return true;
  }
  return false;
}

std::vector<product_band> bands_of(const instrument& of, const std::vector<band_file>& files,
                                   const mtl* metadata) {
  std::vector<product_band> out;
  for (const auto& band : in_order(of))
    if (auto found = spectral_file(band, of, files, metadata)) out.push_back(std::move(*found));
  for (const auto& one : layers) {
    const auto* file = find(files, one.suffix);
    if (file == nullptr) continue;
    product_band made;
    made.subdataset = one.subdataset;
    made.member = file->member;
    made.quality = one.quality;
    if (one.nodata == one.nodata) made.nodata = one.nodata;
    known_band band;
    band.name = one.suffix;
    band.scale = one.scale;
    band.offset = one.offset;
    band.unit = one.unit;
    made.bands.push_back(std::move(band));
    out.push_back(std::move(made));
  }
  return out;
}

std::vector<validity_reference> references_of(const std::vector<band_file>& files) {
  for (const std::string_view name : {"QA_PIXEL", "BQA", "pixel_qa"})
    if (const auto* file = find(files, name)) return {{file->member, quality_fill}};
  return {};
}

}  // namespace stip::landsat

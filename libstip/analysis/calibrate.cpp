#include "libstip/analysis/calibrate.hpp"

#include <charconv>
#include <cmath>
#include <numbers>
#include <string>

namespace stip {

namespace {

constexpr double radians_per_degree = std::numbers::pi / 180;
constexpr epoch_seconds day_seconds = 86'400;

/// Band 10 of TIRS on Landsat 8: the same in every MTL (LSDS-1574, section 5); for products that
/// have lost theirs.
constexpr spectral_calibration landsat8_band10 = {3.342e-4, 0.1,
                                                  thermal_constants{774.8853, 1321.0789}};

template <class Map>
std::optional<double> number(const Map& properties, const std::string& key) {
  const auto at = properties.find(key);
  if (at == properties.end()) return std::nullopt;
  double value = 0;
  const auto* end = at->second.data() + at->second.size();
  const auto [stop, code] = std::from_chars(at->second.data(), end, value);
  if (code != std::errc{} || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<spectral_calibration> thermal_calibration(const scene_description& scene,
                                                        const band_description& band) {
  if (band.unit == "K") return spectral_calibration{band.scale, band.offset, std::nullopt};
  const auto& properties = band.properties;
  const auto k1 = number(properties, "k1"), k2 = number(properties, "k2");
  const auto scale = number(properties, "radiance_scale");
  const auto offset = number(properties, "radiance_offset");
  if (k1 && k2 && scale && offset && *k1 > 0 && *k2 > 0 && *scale > 0)
    return spectral_calibration{*scale, *offset, thermal_constants{*k1, *k2}};
  if (landsat_satellite(scene) == 8 && band.name == "B10") return landsat8_band10;
  return std::nullopt;
}

tl::unexpected<error> uncalibrated(const scene_description& scene, const band_description& band) {
  return fail(ec::unsupported, "calibrate the bands of " + scene.tile,
              "nothing says the scale and offset of its band " + band.name,
              is_sentinel2(scene) ? "store it with its product's metadata, which tells the "
                                    "baseline and its offsets"
                                  : "store it with its metadata (MTL)");
}

}  // namespace

bool is_reflectance(const band_description& band) {
  // MODIS says "reflectance, no units".
  return band.unit.starts_with("reflectance");
}

result<spectral_calibration> calibrate_band(const scene_description& scene,
                                            const band_description& band, const sun_angles& sun) {
  if (const auto thermal = thermal_calibration(scene, band); thermal && thermal->thermal)
    return *thermal;
  if (band.properties.contains("calibration")) return uncalibrated(scene, band);
  spectral_calibration used{band.scale, band.offset, std::nullopt};
  if (band.properties.contains("sun_angle")) {
    const auto sine = std::sin(sun.elevation * radians_per_degree);
    if (!(sine > 0))
      return fail(ec::unsupported, "calibrate the bands of " + scene.tile,
                  "the sun was below its horizon", "reflectance needs daylight");
    used.scale /= sine;
    used.offset /= sine;
  }
  return used;
}

sun_angles sun_of(const scene_description& scene, double longitude, double latitude) {
  auto time = scene.timestamp;
  if (time % day_seconds == 0 && landsat_satellite(scene) != 0)
    time = landsat_overpass(time, longitude, latitude);
  auto out = sun_over(time, longitude, latitude);
  if (const auto elevation = number(scene.properties, "sun_elevation")) out.elevation = *elevation;
  // Landsat counts azimuths from -180 to 180.
  if (const auto azimuth = number(scene.properties, "sun_azimuth"))
    out.azimuth = *azimuth < 0 ? *azimuth + 360 : *azimuth;
  return out;
}

result<std::array<std::optional<spectral_calibration>, band_roles>> calibrate(
    const scene_description& scene, const spectral_source& source, const sun_angles& sun) {
  std::array<std::optional<spectral_calibration>, band_roles> out;
  for (size_t role = 0; role < band_roles; ++role) {
    const auto& place = source.bands[role];
    if (!place) continue;
    const auto& band = scene.subdatasets.at(place->subdataset).bands.at(place->band);
    if (static_cast<band_role>(role) == band_role::thermal) {
      out[role] = thermal_calibration(scene, band);
      continue;
    }
    if (!is_reflectance(band) || band.scale == 0) return uncalibrated(scene, band);
    STIP_ASSIGN(out[role], calibrate_band(scene, band, sun));
  }
  return out;
}

}  // namespace stip

#include "libstip/analysis/cloud_source.hpp"

#include <algorithm>
#include <cctype>

namespace stip {

namespace {

constexpr std::array method_names = {std::string_view("auto"), std::string_view("qa"),
                                     std::string_view("spectral"), std::string_view("model")};

/// Satellites from here on have a cirrus band.
constexpr int first_with_cirrus = 8;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

template <class Test>
std::optional<band_place> find_if(const scene_description& scene, Test&& test) {
  for (size_t s = 0; s < scene.subdatasets.size(); ++s) {
    const auto& bands = scene.subdatasets[s].bands;
    for (size_t b = 0; b < bands.size(); ++b)
      if (test(bands[b])) return band_place{s, b};
  }
  return std::nullopt;
}

std::optional<band_place> find_exact(const scene_description& scene, std::string_view name) {
  return find_if(scene, [&](const auto& band) { return band.name == name; });
}

/// MSK_CLASSI is a subdataset of its own.
std::optional<quality_source> find_classi(const scene_description& scene) {
  for (size_t s = 0; s < scene.subdatasets.size(); ++s) {
    const auto& part = scene.subdatasets[s];
    if (!part.id.starts_with("MSK_CLASSI") && !part.id.starts_with("CLASSI")) continue;
    quality_source out{quality_layout::classi, {}};
    for (const auto* name : {"opaque", "cirrus", "snow"})
      for (size_t b = 0; b < part.bands.size(); ++b)
        if (lower(part.bands[b].name).starts_with(name)) {
          out.bands.push_back({s, b});
          break;
        }
    if (out.bands.size() == 3) return out;
  }
  return std::nullopt;
}

/// Rasters of Fmask are told by their names alone.
std::optional<quality_source> find_fmask(const scene_description& scene) {
  if (scene.subdatasets.size() != 1 || scene.subdatasets[0].bands.size() != 1) return std::nullopt;
  const auto slash = scene.input.rfind('/');
  const auto file = scene.input.substr(slash == std::string::npos ? 0 : slash + 1);
  for (const auto& text : {scene.platform, scene.tile, file, scene.subdatasets[0].bands[0].name})
    if (lower(text).find("fmask") != std::string::npos)
      return quality_source{quality_layout::fmask, {band_place{0, 0}}};
  return std::nullopt;
}

/// The band that a product of the platform should have; empty when it never has one.
std::string_view expected_quality(const scene_description& scene) {
  if (is_sentinel2(scene)) return scene.platform.ends_with("L1C") ? "MSK_CLASSI" : "SCL";
  if (landsat_satellite(scene) != 0)
    return scene.platform.find("C1") != std::string::npos ? "BQA" : "QA_PIXEL";
  if (scene.platform.starts_with("MOD09") || scene.platform.starts_with("MYD09"))
    return "state_1km";
  return {};
}

/// Without these there is no test.
constexpr std::array required = {band_role::blue, band_role::green, band_role::red,
                                 band_role::nir,  band_role::swir1, band_role::swir2};

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// Whether the test knows the sensor.
bool serves(const scene_description& scene) {
  return is_sentinel2(scene) || (landsat_satellite(scene) != 0 && !is_mss(scene));
}

/// The test wants the narrow infrared band where there are two: its neighbours have that one's
/// resolution.
constexpr band_role source_of(band_role role) {
  return role == band_role::nir ? band_role::nir08 : role;
}

}  // namespace

std::string_view to_string(cloud_method method) noexcept {
  const auto at = static_cast<size_t>(method);
  return at < method_names.size() ? method_names[at] : "unknown";
}

result<cloud_method> parse_cloud_method(std::string_view name) {
  for (size_t i = 0; i < method_names.size(); ++i)
    if (method_names[i] == name) return static_cast<cloud_method>(i);
  return fail(ec::invalid_argument, "read the method '" + std::string(name) + "'",
              "there is no such method", "use auto, qa, spectral or model");
}

result<std::vector<band_place>> find_bands(const scene_description& scene,
                                           std::span<const std::string> names) {
  std::vector<band_place> out;
  std::vector<std::string> missing;
  for (const auto& name : names) {
    if (const auto place = find_band(scene, name))
      out.push_back(*place);
    else
      missing.push_back(name);
  }
  if (missing.empty()) return out;
  std::string advice = "use a scene that has it";
  if (is_sentinel2(scene) && scene.platform.ends_with("L2A") &&
      std::find(missing.begin(), missing.end(), "B10") != missing.end())
    advice = "level 2A has no B10: store the scene's level 1C";
  return fail(ec::not_found, "find bands of " + scene.tile, "it has no band " + listed(missing),
              advice);
}

result<quality_source> find_quality(const scene_description& scene) {
  const auto one = [&](std::string_view name, quality_layout layout,
                       quality_layout without_cirrus) -> std::optional<quality_source> {
    const auto place = find_exact(scene, name);
    if (!place) return std::nullopt;
    const auto satellite = landsat_satellite(scene);
    // Of an unknown satellite the bit counts: those without the band leave it 0.
    const bool lacks_cirrus = satellite != 0 && satellite < first_with_cirrus;
    return quality_source{lacks_cirrus ? without_cirrus : layout, {*place}};
  };
  using enum quality_layout;
  if (auto found = one("SCL", scl, scl)) return *found;
  if (auto found = find_classi(scene)) return *found;
  if (auto found = one("QA_PIXEL", qa_pixel, qa_pixel_no_cirrus)) return *found;
  if (auto found = one("BQA", bqa, bqa_no_cirrus)) return *found;
  if (auto found = one("pixel_qa", pixel_qa, pixel_qa_no_cirrus)) return *found;
  for (const auto* name : {"state_1km", "sur_refl_state_500m"})
    if (const auto place = find_first_observation(scene, name))
      return quality_source{modis_state, {*place}};
  if (auto found = find_fmask(scene)) return *found;
  const auto expected = expected_quality(scene);
  const auto what = "find the quality band of " + scene.tile;
  if (expected.empty())
    return fail(ec::unsupported, what,
                "products of " + scene.platform + " have no band that tells clouds");
  return fail(ec::not_found, what, "it has no band " + std::string(expected),
              "fetch the product with it, or use --method spectral");
}

result<spectral_source> find_spectral(const scene_description& scene) {
  const auto what = "find the bands of the spectral cloud test of " + scene.tile;
  if (!serves(scene))
    return fail(ec::unsupported, what, "it does not know the bands of " + scene.platform,
                "it serves Sentinel-2 and Landsat 4 to 9");
  spectral_source out;
  for (size_t i = 0; i < band_roles; ++i) {
    const auto role = static_cast<band_role>(i);
    out.bands[i] = find_role(scene, source_of(role));
    if (!out.bands[i]) out.bands[i] = find_role(scene, role);
  }
  std::vector<std::string> missing;
  for (const auto role : required)
    if (!out.of(role)) missing.emplace_back(usual_name(scene, source_of(role)));
  if (!missing.empty())
    return fail(ec::not_found, what, "it has no band " + listed(missing),
                "store the scene with all of its bands");
  return out;
}

result<cloud_method> choose_method(const scene_description& scene, cloud_method wanted) {
  if (wanted != cloud_method::automatic) return wanted;
  const auto quality = find_quality(scene);
  if (quality) return cloud_method::quality;
  const auto spectral = find_spectral(scene);
  if (spectral) return cloud_method::spectral;
  return fail(quality.error().code, "find the clouds of " + scene.tile,
              quality.error().why + "; " + spectral.error().why,
              "give a model that knows its bands (--method model FILE)");
}

}  // namespace stip

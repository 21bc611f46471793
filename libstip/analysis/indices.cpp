#include "libstip/analysis/indices.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "libstip/analysis/calibrate.hpp"
#include "libstip/analysis/plane_fit.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/plan_nesting.hpp"

namespace stip {

namespace {

constexpr std::array indices = {
    known_index{"ndvi", "(nir - red) / (nir + red)",
                "Rouse, Haas, Schell and Deering 1974, NASA SP-351, 309-317"},
    known_index{"ndsi", "(green - swir1) / (green + swir1)",
                "Hall, Riggs and Salomonson 1995, Remote Sensing of Environment 54, 127-140"},
    known_index{"ndwi", "(green - nir) / (green + nir)",
                "McFeeters 1996, International Journal of Remote Sensing 17, 1425-1432"},
    known_index{"mndwi", "(green - swir1) / (green + swir1)",
                "Xu 2006, International Journal of Remote Sensing 27, 3025-3033"},
    known_index{"ndbi", "(swir1 - nir) / (swir1 + nir)",
                "Zha, Gao and Ni 2003, International Journal of Remote Sensing 24, 583-594"},
    known_index{"bsi", "((swir1 + red) - (nir + blue)) / ((swir1 + red) + (nir + blue))",
                "Rikimaru, Roy and Miyatake 2002, Tropical Ecology 43, 39-47"},
    known_index{"evi", "2.5 * (nir - red) / (nir + 6 * red - 7.5 * blue + 1)",
                "Huete, Didan, Miura, Rodriguez, Gao and Ferreira 2002, Remote Sensing of "
                "Environment 83, 195-213",
                true},
    known_index{"savi", "1.5 * (nir - red) / (nir + red + 0.5)",
                "Huete 1988, Remote Sensing of Environment 25, 295-309", true},
    known_index{"nbr", "(nir - swir2) / (nir + swir2)",
                "Key and Benson 2006, USDA Forest Service RMRS-GTR-164-CD, LA-1 to LA-51"},
};

constexpr double int16_scale = 0.0001;
constexpr double int16_nodata = -32768;
constexpr double int16_limit = 32767;

constexpr std::string_view radiance_unit = "W/(m2 sr um)";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

std::string index_names() {
  std::string out;
  for (const auto& one : indices) out += (out.empty() ? "" : ", ") + std::string(one.name);
  return out;
}

/// Whether two rasters have the same pixels.
bool same_pixels(const grid& a, const grid& b) {
  return a.transform == b.transform && a.width == b.width && a.height == b.height &&
         (a.crs_wkt == b.crs_wkt || same_crs(a.crs_wkt, b.crs_wkt));
}

double pixel_area(const grid& of) {
  const auto& t = of.transform;
  return std::abs(t[1] * t[5] - t[2] * t[4]);
}

/// Whether a known index may be taken of the band's values.
result<void> check_meaning(const index_definition& index, const scene_description& scene,
                           const band_place& place) {
  const auto& part = scene.subdatasets.at(place.subdataset);
  const auto& band = part.bands.at(place.band);
  if (index.name.empty() || is_reflectance(band)) return {};
  const auto what = "compute " + index.name + " of " + scene.tile;
  if (band.unit == radiance_unit)
    return fail(ec::unsupported, what, "its band " + band.name + " holds radiances",
                "store it with metadata that tell how they become reflectances");
  // A number with a scale, or a fraction, is taken for the reflectance that the product documents.
  if (!index.absolute || band.scale != 1 || is_float(part.type)) return {};
  return fail(ec::unsupported, what,
              "its band " + band.name + " holds numbers that are no reflectances",
              "take an index that is a quotient of sums, such as ndvi");
}

std::string two_hex_words(uint32_t value) {
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08x", value);
  return text.data();
}

/// The pixels that the mask hides become NaN.
result<void> hide_clouds(const image_mask& clouds, index_plane& plane) {
  std::vector<uint8_t> fitted;
  auto classes = clouds.classes;
  if (!same_size(clouds.size, plane.size)) {
    fitted.resize(plane.size.pixels());
    STIP_TRY(fit_classes(clouds.classes, clouds.size, plane.size, fitted));
    classes = fitted;
  }
  if (classes.size() != plane.values.size())
    return fail(ec::invalid_argument, "mask the clouds of an index",
                "the mask has another number of pixels");
  for (size_t i = 0; i < classes.size(); ++i)
    if (hides_ground(static_cast<mask_class>(classes[i])))
      plane.values[i] = std::numeric_limits<float>::quiet_NaN();
  return {};
}

}  // namespace

std::span<const known_index> known_indices() noexcept {
  return indices;
}

std::string index_definition::derived_name() const {
  if (!name.empty()) return name;
  return "index-" + two_hex_words(static_cast<uint32_t>(hash64(expression) >> 32));
}

result<index_definition> define_index(std::string_view text) {
  text = trimmed(text);
  const auto at = std::find_if(indices.begin(), indices.end(),
                               [&](const auto& one) { return one.name == text; });
  if (at != indices.end()) {
    STIP_ASSIGN(auto math, band_math::parse(at->expression));
    return index_definition{std::string(at->name), std::string(at->expression), at->absolute,
                            std::move(math)};
  }
  STIP_ASSIGN(auto math, band_math::parse(text));
  if (is_word(text) && !role_of(text))
    return fail(
        ec::invalid_argument, "compute '" + std::string(text) + "'",
        "it is neither an index nor an expression",
        "there are " + index_names() + "; a band alone stands in double quotes or in parentheses");
  return index_definition{{}, std::string(text), false, std::move(math)};
}

result<std::vector<band_place>> resolve_bands(const scene_description& scene,
                                              std::span<const std::string> names) {
  std::vector<band_place> out;
  std::string missing;
  for (const auto& name : names) {
    std::optional<band_place> found;
    std::string_view usual;
    if (const auto role = role_of(name)) {
      found = find_role(scene, *role);
      usual = usual_name(scene, *role);
    }
    // A picture may have a band called red too, which is not the sensor's.
    if (!found && usual.empty()) found = find_band(scene, name);
    if (found) {
      out.push_back(*found);
      continue;
    }
    missing += (missing.empty() ? "" : ", ") + name;
    if (!usual.empty()) missing += " (" + std::string(usual) + ")";
  }
  if (missing.empty()) return out;
  return fail(ec::not_found, "find bands of " + scene.tile, "it has no band " + missing,
              "it has " + list_bands(scene));
}

result<size_t> finest_grid(const scene_description& scene, std::span<const size_t> used) {
  std::vector<grid> grids;
  for (const auto& part : scene.subdatasets) grids.push_back(part.grid);
  const auto nesting = nest_grids(grids);
  // Grids of the same pixels are one.
  const auto base_of = [&](size_t i) {
    const auto base = nesting.at(i).base;
    for (size_t k = 0; k < base; ++k)
      if (same_pixels(grids[k], grids[base])) return k;
    return base;
  };
  size_t best = used.front();
  for (const auto i : used) {
    if (base_of(i) != base_of(used.front()))
      return fail(ec::unsupported, "bring the bands of " + scene.tile + " to one grid",
                  "those of " + scene.subdatasets[i].id + " and of " +
                      scene.subdatasets[used.front()].id + " do not nest",
                  "align the images first (stip image align)");
    if (pixel_area(grids[i]) < pixel_area(grids[best])) best = i;
  }
  return best;
}

result<index_plane> compute_index(const scene_description& scene, const index_definition& index,
                                  const image_middle& middle, const image_planes& planes,
                                  const std::optional<image_mask>& clouds) {
  const image_bands from(
      scene, planes,
      "compute " + (index.name.empty() ? "an index" : index.name) + " of " + scene.tile);
  index_plane out;
  STIP_ASSIGN(out.bands, resolve_bands(scene, index.math.bands()));
  std::vector<size_t> used;
  for (const auto& place : out.bands) {
    STIP_TRY(check_meaning(index, scene, place));
    used.push_back(place.subdataset);
  }
  STIP_ASSIGN(out.subdataset, finest_grid(scene, used));
  if (clouds) {
    used.push_back(clouds->subdataset);
    STIP_TRY(finest_grid(scene, used));
  }
  out.size = from.size(out.subdataset);
  const auto sun = sun_of(scene, middle.longitude, middle.latitude);
  std::vector<std::vector<std::byte>> pixels(out.bands.size());
  std::vector<std::vector<float>> fitted(out.bands.size());
  std::vector<spectral_band> bands;
  for (size_t i = 0; i < out.bands.size(); ++i) {
    const auto& place = out.bands[i];
    STIP_ASSIGN(const auto used_for, calibrate_band(scene, band_at(scene, place), sun));
    STIP_ASSIGN(const auto valid, from.valid(place.subdataset));
    if (valid.empty() && same_size(from.size(place.subdataset), out.size)) {
      STIP_ASSIGN(pixels[i], from.bytes(place));
      bands.push_back(from.as_band(place, pixels[i], used_for));
      continue;
    }
    STIP_ASSIGN(fitted[i], from.values(place, used_for, out.size));
    bands.push_back(
        spectral_band{pixel_type::float32, std::as_bytes(std::span(fitted[i])), {}, std::nullopt});
  }
  out.values.resize(out.size.pixels());
  STIP_TRY(index.math.evaluate(bands, out.values));
  if (clouds) STIP_TRY(hide_clouds(*clouds, out));
  return out;
}

std::string_view to_string(index_type type) noexcept {
  return type == index_type::int16 ? "int16" : "float32";
}

result<index_type> parse_index_type(std::string_view name) {
  if (name == "float" || name == "float32") return index_type::float32;
  if (name == "int16") return index_type::int16;
  return fail(ec::invalid_argument, "read the type '" + std::string(name) + "'",
              "there is no such type", "use float or int16");
}

std::vector<std::byte> encode_index(index_type type, std::span<const float> values) {
  if (type == index_type::float32) {
    const auto bytes = std::as_bytes(values);
    return {bytes.begin(), bytes.end()};
  }
  std::vector<std::byte> out(values.size() * sizeof(int16_t));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto scaled =
        std::clamp(std::nearbyint(double(values[i]) / int16_scale), -int16_limit, int16_limit);
    const auto number = static_cast<int16_t>(std::isnan(values[i]) ? int16_nodata : scaled);
    std::memcpy(out.data() + i * sizeof number, &number, sizeof number);
  }
  return out;
}

subdataset_description describe_index(const index_definition& index, index_type type,
                                      const grid& grid) {
  subdataset_description out;
  out.id = index.derived_name();
  out.grid = grid;
  out.valid = validity::nodata;
  band_description band;
  band.name = out.id;
  band.properties["expression"] = index.expression;
  if (type == index_type::int16) {
    out.type = pixel_type::int16;
    band.scale = int16_scale;
    band.nodata = nodata_pattern(out.type, int16_nodata);
  } else {
    out.type = pixel_type::float32;
    band.nodata = nodata_pattern(out.type, std::numeric_limits<double>::quiet_NaN());
  }
  out.bands.push_back(std::move(band));
  return out;
}

}  // namespace stip

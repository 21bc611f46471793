#include "libstip/analysis/find_clouds.hpp"

#include <algorithm>
#include <cmath>

#include "libstip/analysis/calibrate.hpp"
#include "libstip/analysis/cloud_shadow.hpp"
#include "libstip/analysis/plane_fit.hpp"
#include "libstip/analysis/spectral.hpp"

namespace stip {

namespace {

/// Grids whose pixels are smaller than this are taken to be in degrees: shadows want metres.
constexpr double least_metric_pixel = 0.1;

result<cloud_mask> by_quality(const image_bands& from) {
  STIP_ASSIGN(const auto source, find_quality(from.scene()));
  cloud_mask out;
  out.method = cloud_method::quality;
  out.subdataset = source.bands.front().subdataset;
  out.size = from.size(out.subdataset);
  out.classes.resize(out.size.pixels());
  const auto type = from.part_of(source.bands.front()).type;
  if (is_one_plane(source.layout)) {
    STIP_ASSIGN(const auto plane, from.bytes(source.bands.front()));
    STIP_TRY(classify_quality(source.layout, type, plane, out.classes));
  } else {
    std::vector<std::vector<uint8_t>> planes;
    for (const auto& place : source.bands) {
      STIP_ASSIGN(const auto plane, from.bytes(place));
      if (size_of(type) != 1)
        return fail(ec::unsupported, "find the clouds of " + from.scene().tile,
                    "the pixels of its quality band are no bytes");
      auto& bytes = planes.emplace_back(plane.size());
      std::transform(plane.begin(), plane.end(), bytes.begin(),
                     [](std::byte b) { return std::to_integer<uint8_t>(b); });
    }
    STIP_TRY(classify_classi(planes.at(0), planes.at(1), planes.at(2), out.classes));
  }
  STIP_ASSIGN(const auto valid, from.valid(out.subdataset));
  if (!valid.empty()) keep_valid(valid, out.classes);
  return out;
}

result<cloud_mask> by_spectrum(const image_bands& from, const cloud_request& request) {
  const auto& scene = from.scene();
  STIP_ASSIGN(const auto source, find_spectral(scene));
  const auto sun = sun_of(scene, request.longitude, request.latitude);
  STIP_ASSIGN(const auto calibrated, calibrate(scene, source, sun));
  cloud_mask out;
  out.method = cloud_method::spectral;
  out.subdataset = source.of(band_role::swir1)->subdataset;
  out.size = from.size(out.subdataset);
  spectral_image image;
  image.size = out.size;
  std::array<std::vector<std::byte>, band_roles> bytes;
  std::array<std::vector<float>, band_roles> fitted;
  for (size_t role = 0; role < band_roles; ++role) {
    const auto& place = source.bands[role];
    if (!place || !calibrated[role]) continue;
    const auto own = from.size(place->subdataset);
    if (same_size(own, out.size)) {
      STIP_ASSIGN(bytes[role], from.bytes(*place));
      image.bands[role] = from.as_band(*place, bytes[role], *calibrated[role]);
      continue;
    }
    STIP_ASSIGN(fitted[role], from.values(*place, *calibrated[role], out.size));
    image.bands[role] = spectral_band{
        pixel_type::float32, std::as_bytes(std::span(fitted[role])), {}, std::nullopt};
  }
  STIP_ASSIGN(const auto valid, from.valid(out.subdataset));
  image.valid = valid;
  out.classes.resize(out.size.pixels());
  STIP_TRY(spectral_mask(image, out.classes));
  const auto& transform = scene.subdatasets[out.subdataset].grid.transform;
  const shadow_geometry geometry{sun, std::hypot(transform[1], transform[4]),
                                 std::hypot(transform[2], transform[5])};
  const bool metric = std::min(geometry.pixel_width, geometry.pixel_height) >= least_metric_pixel;
  if (metric && sun.elevation >= lowest_sun) STIP_TRY(add_shadows(image, geometry, out.classes));
  dilate_clouds(out.size, fmask_dilation, out.classes);
  return out;
}

/// The subdataset that most of the bands are of; the first of those.
size_t home_of(const std::vector<band_place>& places) {
  size_t best = 0, most = 0;
  for (const auto& place : places) {
    const auto count =
        static_cast<size_t>(std::count_if(places.begin(), places.end(), [&](const auto& other) {
          return other.subdataset == place.subdataset;
        }));
    if (count <= most) continue;
    most = count;
    best = place.subdataset;
  }
  return best;
}

result<cloud_mask> by_model(const image_bands& from, const cloud_request& request) {
  const auto what = "find the clouds of " + from.scene().tile;
  if (request.model == nullptr)
    return fail(ec::invalid_argument, what, "there is no model", "give --method model FILE");
  STIP_ASSIGN(const auto names, model_bands(*request.model));
  STIP_ASSIGN(const auto places, find_bands(from.scene(), names));
  cloud_mask out;
  out.method = cloud_method::model;
  out.subdataset = home_of(places);
  out.size = from.size(out.subdataset);
  std::vector<std::vector<float>> planes;
  std::vector<uint8_t> valid(out.size.pixels(), 1);
  for (const auto& place : places) {
    const auto& band = from.part_of(place).bands.at(place.band);
    if (band.properties.contains("calibration"))
      return fail(ec::unsupported, what,
                  "nothing says the scale and offset of its band " + band.name,
                  "store it with its product's metadata");
    auto values = from.values(place, {band.scale, band.offset, std::nullopt}, out.size);
    if (!values) return fail(values.error());
    for (size_t i = 0; i < valid.size(); ++i) valid[i] &= std::isnan((*values)[i]) ? 0 : 1;
    planes.push_back(std::move(*values));
  }
  const std::vector<std::span<const float>> spans(planes.begin(), planes.end());
  std::vector<float> probabilities(out.size.pixels());
  STIP_TRY(request.model->predict(spans, probabilities));
  out.classes.resize(out.size.pixels());
  STIP_TRY(mask_of_probabilities(probabilities, valid, out.size, request.probability, out.classes));
  return out;
}

}  // namespace

result<cloud_mask> find_clouds(const scene_description& scene, const cloud_request& request,
                               const image_planes& planes) {
  STIP_ASSIGN(const auto method, choose_method(scene, request.method));
  const image_bands from(scene, planes, "find the clouds of " + scene.tile);
  switch (method) {
    case cloud_method::spectral:
      return by_spectrum(from, request);
    case cloud_method::model:
      return by_model(from, request);
    case cloud_method::automatic:
    case cloud_method::quality:
      break;
  }
  return by_quality(from);
}

}  // namespace stip

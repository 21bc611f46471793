#include "libstip/catalog/scene_series.hpp"

#include <algorithm>

#include "libstip/geo/footprint.hpp"

namespace stip {

namespace {

constexpr epoch_seconds most_time_apart = 3600;

const std::string* property(const scene_description& scene, const char* name) {
  const auto found = scene.properties.find(name);
  return found == scene.properties.end() || found->second.empty() ? nullptr : &found->second;
}

/// Around the rings; all longitudes for what lies on both sides of the antimeridian.
lon_lat_box box_around(const footprint& outline) {
  lon_lat_box box;
  if (outline.rings.empty()) return box;
  box.south = 90;
  box.north = -90;
  double west = 180, east = -180;
  for (const auto& ring : outline.rings)
    for (const auto& p : ring) {
      box.south = std::min(box.south, p.lat);
      box.north = std::max(box.north, p.lat);
      west = std::min(west, p.lon);
      east = std::max(east, p.lon);
    }
  if (outline.rings.size() == 1) {
    box.west = west;
    box.east = east;
  }
  return box;
}

}  // namespace

bool has_series(const scene_description& scene) {
  return property(scene, "series") != nullptr && property(scene, "rank") != nullptr;
}

standing standing_of(const scene_description& a, const scene_description& b) {
  if (!has_series(a) || !has_series(b) || a.platform != b.platform ||
      *property(a, "series") != *property(b, "series"))
    return standing::unrelated;
  const int order = property(a, "rank")->compare(*property(b, "rank"));
  return order == 0 ? standing::equal : order < 0 ? standing::older : standing::newer;
}

result<filter> series_filter(const scene_description& scene) {
  filter f;
  f.platform = scene.platform;
  f.source = std::string(raw_source);
  f.start = scene.timestamp - most_time_apart;
  f.end = scene.timestamp + most_time_apart;
  if (!scene.subdatasets.empty()) {
    STIP_ASSIGN(const auto outline, footprint_of(scene.subdatasets.front().grid));
    f.bbox = box_around(outline);
  }
  return f;
}

}  // namespace stip

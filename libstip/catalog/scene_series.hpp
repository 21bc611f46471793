#pragma once

#include <cstdint>
#include <string_view>

#include "libstip/catalog/filter.hpp"
#include "libstip/raster/scene.hpp"

// Providers process the same observation again and again: a reprocessed product replaces the older
// one. Formats say which products are of one observation, by two properties of their scenes:
// "series" is the same text for all of them, "rank" a text that is greater for the newer
// (docs/adding-a-format.md).

namespace stip {

/// The source of images that are cut out of scenes.
inline constexpr std::string_view raw_source = "raw";

/// How a scene stands to another one.
enum class standing : uint8_t {
  /// Both are kept: of different observations, or nothing is said of that.
  unrelated,
  /// The same product, or none is newer.
  equal,
  older,
  newer,
};

/// How `a` stands to `b`, which are of one album.
standing standing_of(const scene_description& a, const scene_description& b);

/// Whether there can be others of its series.
bool has_series(const scene_description& scene);

/// Which images may be of scenes of its series: of the same platform, at about the same time and
/// place. Processing anew moves the time of an observation by minutes at most.
/// Errors: those of footprint_of.
result<filter> series_filter(const scene_description& scene);

}  // namespace stip

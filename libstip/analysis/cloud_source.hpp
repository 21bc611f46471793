#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/analysis/band_roles.hpp"
#include "libstip/analysis/quality_bits.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/scene.hpp"

// Which bands of a scene tell its clouds, by the names that the formats give them.

namespace stip {

/// How clouds are found. The names of users: auto, qa, spectral, model.
enum class cloud_method : uint8_t { automatic = 0, quality = 1, spectral = 2, model = 3 };

/// "auto", "qa", "spectral", "model".
std::string_view to_string(cloud_method method) noexcept;

/// The method of a name that to_string gives; invalid_argument for any other.
result<cloud_method> parse_cloud_method(std::string_view name);

/// The bands of those names in that order. Errors: not_found, which names all that are missing.
result<std::vector<band_place>> find_bands(const scene_description& scene,
                                           std::span<const std::string> names);

/// The quality band of a scene.
struct quality_source {
  quality_layout layout = quality_layout::scl;
  /// One, or the three of classi in the order opaque, cirrus, snow; all of one subdataset.
  std::vector<band_place> bands;
};

/// The quality band that tells clouds. Errors: not_found with the name of the band that the
/// product should have; unsupported for products that never have one (MCD43A4, MOD11A1).
result<quality_source> find_quality(const scene_description& scene);

/// The bands of a scene by role, where the spectral test knows the sensor.
struct spectral_source {
  std::array<std::optional<band_place>, band_roles> bands;

  const std::optional<band_place>& of(band_role role) const {
    return bands[static_cast<size_t>(role)];
  }
};

/// The bands of the spectral test: Sentinel-2 L1C and L2A, Landsat 4 to 9 but for the Multispectral
/// Scanner. Cirrus and thermal may be missing. Errors: unsupported for other platforms, not_found
/// with the names of missing bands.
result<spectral_source> find_spectral(const scene_description& scene);

/// The method that `automatic` comes to: the product's own quality band, which knows more than one
/// image's pixels, else the spectral test; any other method is itself. Errors: not_found with what
/// either would need.
result<cloud_method> choose_method(const scene_description& scene, cloud_method wanted);

}  // namespace stip

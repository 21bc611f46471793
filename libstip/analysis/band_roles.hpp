#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/scene.hpp"

// Which band of a scene is which: by the name that its format gives it, and by what it is for,
// whatever the sensor calls it. The one table of roles that all of analysis has.

namespace stip {

/// A band of a scene.
struct band_place {
  size_t subdataset = 0;
  size_t band = 0;

  bool operator==(const band_place&) const = default;
};

/// What a band is for, whatever it is called. The first eight are those of the spectral cloud test.
enum class band_role : uint8_t {
  blue,
  green,
  red,
  /// Near infrared, the band of the finest resolution where there are several.
  nir,
  /// Short wave infrared, 1.6 um.
  swir1,
  /// Short wave infrared, 2.2 um.
  swir2,
  cirrus,
  thermal,
  coastal,
  rededge1,
  rededge2,
  rededge3,
  /// The narrow near infrared at 0.86 um (B8A of Sentinel-2).
  nir08,
  pan,
  /// 0.94 um.
  water_vapour,
};

/// Roles of the spectral cloud test.
inline constexpr size_t band_roles = 8;
inline constexpr size_t all_band_roles = 15;

/// "blue", ...
std::string_view to_string(band_role role) noexcept;

/// The role of a name that to_string gives, or of a common name of STAC's EO extension ("swir16",
/// "rededge", ...). nullopt for any other.
std::optional<band_role> role_of(std::string_view name) noexcept;

/// The number of a Landsat satellite, out of the platform ("Landsat8C2L2") or the spacecraft; 0
/// for other scenes.
int landsat_satellite(const scene_description& scene);

/// Whether the platform is Sentinel-2, of any level.
bool is_sentinel2(const scene_description& scene);

/// Whether it is a scene of Landsat's Multispectral Scanner.
bool is_mss(const scene_description& scene);

/// The band of that name; of Landsat's level 2 "B4" also means "SR_B4", "B10" also "ST_B10".
/// Quality bands are found as well as measured ones.
std::optional<band_place> find_band(const scene_description& scene, std::string_view name);

/// A field of a collection whose names may end in "_1": several observations may be kept.
std::optional<band_place> find_first_observation(const scene_description& scene,
                                                 std::string_view name);

/// The band that has the role in this scene: Sentinel-2, Landsat 1 to 9, MODIS (MCD43, MOD09,
/// MOD13), VIIRS (VNP09, VNP43, VNP13) and NAIP by their bands' names; other scenes by the common
/// name that the format tells of a band, or by a band that is called what the role is, in either
/// case. Quality bands and pictures (TCI) have no role.
std::optional<band_place> find_role(const scene_description& scene, band_role role);

/// What the sensor calls the band of a role ("B8A"), whether or not the scene has it; empty where
/// the sensor has none or is not known.
std::string_view usual_name(const scene_description& scene, band_role role);

/// The description of a place. Precondition: the place is within the scene.
inline const band_description& band_at(const scene_description& scene, const band_place& place) {
  return scene.subdatasets.at(place.subdataset).bands.at(place.band);
}

/// The names of a scene's bands in their order, separated by commas: at most `max_listed_bands`.
std::string list_bands(const scene_description& scene);

/// Bands that an error names at most.
inline constexpr size_t max_listed_bands = 40;

}  // namespace stip

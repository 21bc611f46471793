#pragma once

#include <array>
#include <optional>

#include "libstip/analysis/cloud_source.hpp"
#include "libstip/analysis/spectral.hpp"
#include "libstip/analysis/sun.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/scene.hpp"

// From what a scene says of its bands to reflectance and temperature.

namespace stip {

/// The sun's angles at a place of a scene: those of the product's metadata, else computed from its
/// time; of a Landsat scene that tells the date alone, from the time at which the satellite passes.
/// lon, lat in degrees, EPSG:4326.
sun_angles sun_of(const scene_description& scene, double longitude, double latitude);

/// How the bands that find_spectral found become top-of-atmosphere or surface reflectance and K. A
/// thermal band that nothing calibrates is left out. Errors: unsupported where nothing says a
/// band's scale and offset (a Sentinel-2 tile without its product's metadata), with the band;
/// unsupported where the sun does not stand above the horizon and reflectance wants its angle.
result<std::array<std::optional<spectral_calibration>, band_roles>> calibrate(
    const scene_description& scene, const spectral_source& source, const sun_angles& sun);

/// What the numbers of any band mean: reflectance with the sun's angle taken into account, K of a
/// thermal band that can be calibrated, else the value in the band's own unit. Errors: unsupported
/// where nothing says a band's scale and offset, or the sun does not stand above the horizon and
/// reflectance wants its angle.
result<spectral_calibration> calibrate_band(const scene_description& scene,
                                            const band_description& band, const sun_angles& sun);

/// Whether the band's values are reflectances.
bool is_reflectance(const band_description& band);

}  // namespace stip

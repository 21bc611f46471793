#pragma once

#include <cstdint>
#include <span>

#include "libstip/analysis/spectral.hpp"
#include "libstip/analysis/sun.hpp"
#include "libstip/core/error.hpp"

// Cloud shadows, after Fmask (Zhu and Woodcock 2012, section 3.2): dark hollows in the near and
// short wave infrared that the clouds of the image, moved along the sun's rays, fall on.

namespace stip {

/// How the image lies under the sun.
struct shadow_geometry {
  sun_angles sun;
  /// Ground size of a pixel in m. Columns go east and rows go south; other grids want an azimuth
  /// that is turned with them.
  double pixel_width = 30;
  double pixel_height = 30;
};

/// Heights of cloud bases above the ground, in m (Fmask's bounds).
inline constexpr double lowest_cloud = 200;
inline constexpr double highest_cloud = 12'000;

/// Turns clear, water and snow pixels of a mask of spectral_mask into shadow. Clouds that touch
/// each other are moved together, by the height at which most of what they fall on is dark; those
/// that fit nowhere, and clouds of up to 8 pixels, cast none. Errors: those of spectral_mask;
/// unsupported when the sun stands below `lowest_sun`; limit_exceeded beyond 2^32 - 2 pixels.
result<void> add_shadows(const spectral_image& image, const shadow_geometry& geometry,
                         std::span<uint8_t> mask);

/// The sun's elevation below which shadows are too long to be matched, in degrees.
inline constexpr double lowest_sun = 5;

/// Fmask's margin: turns pixels within `radius` pixels (a disk) of a cloud into dilated, but for
/// shadows and nodata. Precondition: 0 <= radius <= max_disk_radius.
void dilate_clouds(plane_size size, int radius, std::span<uint8_t> mask);

/// Fmask's radius.
inline constexpr int fmask_dilation = 3;

}  // namespace stip

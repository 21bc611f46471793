#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "libstip/analysis/cloud_source.hpp"
#include "libstip/analysis/probability_mask.hpp"
#include "libstip/analysis/spectral_kernel.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/pixel_type.hpp"

// Clouds out of reflectance and temperature: Fmask (Zhu and Woodcock 2012, Remote Sensing of
// Environment 118, 83-94; with cirrus: Zhu, Wang and Woodcock 2015, RSE 159, 269-277). What differs
// from the publications, and what it comes to on real scenes: docs/cloud.md.

namespace stip {

/// Constants of a thermal band: temperature in K = k2 / ln(k1 / radiance + 1).
struct thermal_constants {
  double k1 = 0;
  double k2 = 0;
};

/// What a band's numbers mean: value = DN * scale + offset. Reflectance 0 to 1 with the sun's angle
/// taken into account, or K; with constants the value is a radiance in W/(m2 sr um).
struct spectral_calibration {
  double scale = 1;
  double offset = 0;
  std::optional<thermal_constants> thermal;
};

/// A band on the grid of the mask, native byte order.
struct spectral_band {
  pixel_type type = pixel_type::uint16;
  std::span<const std::byte> pixels;
  spectral_calibration calibration;
  /// The number that means no data; NaN is none in any case.
  std::optional<double> nodata;
};

/// The bands of an image by role, all of one size.
struct spectral_image {
  std::array<std::optional<spectral_band>, band_roles> bands;
  plane_size size;
  /// A byte a pixel, 0: no data; may be empty.
  std::span<const uint8_t> valid;

  const std::optional<spectral_band>& of(band_role role) const {
    return bands[static_cast<size_t>(role)];
  }
};

/// Pixels that the quantiles of an image are taken from at most, in runs spread evenly over it: of
/// smaller images all are, and 65,536 settle a quantile within 0.2 per cent of rank.
inline constexpr size_t max_quantile_pixels = size_t{1} << 16;

/// Checks the bands and takes the quantiles of the image's clear pixels. Errors: invalid_argument
/// for missing bands (by role) and lengths that do not fit.
result<spectral::clear_sky> measure_clear_sky(const spectral_image& image);

/// The mask of an image: nodata, clear, cloud, cirrus (by its band alone), snow, water; without
/// shadows, see cloud_shadow.hpp. Strip by strip, so that each pixel is read from memory once.
/// Errors: those of measure_clear_sky; invalid_argument when the mask is not of the image's size.
result<void> spectral_mask(const spectral_image& image, std::span<uint8_t> mask);

/// The same with quantiles of elsewhere: of the whole scene where the image is a part of it.
result<void> spectral_mask(const spectral_image& image, const spectral::clear_sky& sky,
                           std::span<uint8_t> mask);

/// Values of `count` pixels from `first` on: calibrated, NaN where there are none.
/// Precondition: the pixels are within the band, whose type is known.
void read_values(const spectral_band& band, size_t first, size_t count, float* out);

}  // namespace stip

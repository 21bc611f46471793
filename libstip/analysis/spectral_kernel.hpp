#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "libstip/analysis/cloud_source.hpp"

// The tests of Fmask on strips of pixels that fit the first cache: single precision reflectances
// and temperatures, NaN where a band has no data. The results are the same on every processor: no
// operation is fused or approximated. Equations: docs/cloud.md.

namespace stip::spectral {

/// Pixels of a strip at most.
inline constexpr size_t strip_pixels = 1024;

/// Bands of a strip by role, each `strip_pixels` long, padded with NaN; those that are absent hold
/// NaN.
struct strip {
  alignas(64) std::array<std::array<float, strip_pixels>, band_roles> bands;

  float* of(band_role role) { return bands[static_cast<size_t>(role)].data(); }
  const float* of(band_role role) const { return bands[static_cast<size_t>(role)].data(); }
};

/// What the first pass says of a pixel.
namespace flag {
inline constexpr uint8_t valid = 1;
/// Fmask's potential cloud pixel.
inline constexpr uint8_t potential_cloud = 2;
inline constexpr uint8_t water = 4;
/// Potential cloud by the cirrus band alone.
inline constexpr uint8_t cirrus_only = 8;
inline constexpr uint8_t snow = 16;
/// Water that is dark in the far infrared: where the water's temperature is taken.
inline constexpr uint8_t clear_water = 32;
}  // namespace flag

/// What the first pass tells of the pixels of a strip.
struct first_pass {
  std::array<uint8_t, strip_pixels> flags;
  alignas(64) std::array<float, strip_pixels> variability;
  alignas(64) std::array<float, strip_pixels> brightness;
};

/// What the second pass compares with: quantiles of the image's clear pixels.
struct clear_sky {
  /// Whether there is a second pass: with too few clear pixels, and without thermal and cirrus
  /// bands, the potential cloud pixels are the clouds.
  bool second_pass = false;
  bool thermal = false;
  float land_cold = 0;
  float land_warm = 0;
  float water_warm = 0;
  float land_threshold = 1;
};

/// Turns numbers of 16 bits, at any address, into number * scale + offset; `nodata` becomes NaN
/// (NaN for `nodata`: every number is data).
void calibrate_words(const std::byte* from, size_t count, float scale, float offset, float nodata,
                     float* out);

/// Fmask's first pass over the first `count` pixels. Only bands that are there count.
void test_strip(const strip& from, size_t count, first_pass& out);

/// Fmask's probability of cloud over land of those pixels, which the land threshold is a quantile
/// of; lands in `out`.
void land_probability(const strip& from, const first_pass& pixels, size_t count,
                      const clear_sky& sky, float* out);

/// Both passes together: mask classes of the first `count` pixels.
void classify_strip(const strip& from, size_t count, const clear_sky& sky, uint8_t* mask);

}  // namespace stip::spectral

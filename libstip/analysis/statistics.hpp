#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// What the pixels of a plane come to in numbers.

namespace stip {

/// The percentiles that are told, in per cent.
inline constexpr std::array<double, 5> told_percentiles = {5, 25, 50, 75, 95};

/// Numbers over the pixels that count. Without any, everything is NaN but the counts.
struct pixel_statistics {
  /// Pixels that count.
  uint64_t count = 0;
  /// Pixels of the image's own cell, whether or not they have a value.
  uint64_t pixels = 0;
  double mean = 0;
  /// Of the pixels as the whole population (NumPy's default).
  double standard_deviation = 0;
  double least = 0;
  double most = 0;
  /// At told_percentiles; between two ranks a straight line (NumPy's default).
  std::array<double, told_percentiles.size()> percentiles{};
};

/// Numbers over the values that are finite and, where `own` is not empty, whose byte is not 0:
/// pixels whose centre lies in the image's cell. The percentiles are exact: two passes count the
/// upper and then the lower bits of the numbers, so that nothing is sorted. Mean and deviation do
/// not depend on the processor: sums of runs of 1,024 pixels in double precision, joined after
/// Chan, Golub and LeVeque 1983. Precondition: `own` is empty or as long as `values`.
pixel_statistics measure_pixels(std::span<const float> values, std::span<const uint8_t> own = {});

}  // namespace stip

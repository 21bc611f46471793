#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "libstip/core/error.hpp"

// From probabilities of cloud to a mask, as s2cloudless does it: the mean over a disk, a threshold,
// and a dilation by a disk. The disk of radius r holds the pixels whose centre is at most r away.

namespace stip {

/// Radius of a disk at most, in pixels.
inline constexpr int max_disk_radius = 64;

/// A plane of pixels.
struct plane_size {
  size_t width = 0;
  size_t height = 0;

  size_t pixels() const noexcept { return width * height; }
};

/// s2cloudless's own values.
struct probability_options {
  /// Radius of the disk whose mean is taken, in pixels; 0: none is.
  int average = 4;
  /// A pixel whose mean is above this is cloud.
  double threshold = 0.4;
  /// Radius of the disk by which clouds grow, in pixels; 0: they do not.
  int dilation = 2;
};

/// The mask of probabilities: cloud above the threshold, dilated where clouds grew, clear
/// elsewhere, nodata where `valid` is 0 or the probability is NaN. The mean is that of the valid
/// pixels of the disk; beyond the edge the plane is mirrored (the edge's own pixel too), as
/// s2cloudless has it. `valid` may be empty: every pixel is. Errors: invalid_argument for radii out
/// of 0 to max_disk_radius, or spans whose length is not that of the plane.
result<void> mask_of_probabilities(std::span<const float> probabilities,
                                   std::span<const uint8_t> valid, plane_size size,
                                   const probability_options& options, std::span<uint8_t> mask);

/// Marks with 1 every pixel that is within the disk of one that is not 0; all others become 0.
/// Spans may not overlap. Precondition: the sizes fit, 0 <= radius <= max_disk_radius.
void dilate(std::span<const uint8_t> from, plane_size size, int radius, std::span<uint8_t> to);

}  // namespace stip

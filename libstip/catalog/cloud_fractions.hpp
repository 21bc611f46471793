#pragma once

namespace stip {

/// Shares of the valid pixels of an image, each 0 to 1. Definitions: docs/cloud.md.
struct cloud_fractions {
  /// Cloud coverage: cloud, with high-confidence cirrus, without dilation, shadow and snow.
  double cloud = 0;
  double shadow = 0;
  double cirrus = 0;
  double dilated = 0;
  double snow = 0;

  bool operator==(const cloud_fractions&) const = default;
};

}  // namespace stip

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/chip_image.hpp"
#include "libstip/raster/scene.hpp"

// Filters of images: what they make of a subdataset, and of a chip of it. Pixels without data stay
// so and count for nothing. Definitions: docs/filters.md.

namespace stip {

enum class filter_kind : uint8_t {
  /// Red, green and blue by their shares in brightness (ITU-R BT.601), else the mean of the bands.
  grayscale,
  /// Gaussian; see blur_plane.
  blur,
  /// What a blur takes away is added once more (unsharp mask).
  sharpen,
  median,
  /// The magnitude of Sobel's gradient, as floats.
  edges,
  /// Bytes of equal frequency, 1 to 255, 0 is no data: each value by the share of pixels below it.
  equalize,
};

/// A filter with its radius, 0 for those that have none.
struct image_filter {
  filter_kind kind = filter_kind::grayscale;
  int radius = 0;

  /// "blur-r5", "edges": part of the source of derived images.
  std::string name() const;

  bool operator==(const image_filter&) const = default;
};

/// Radius at most, in pixels: of blur and sharpen, and of median, whose work grows with its square.
inline constexpr int max_blur_radius = 100;
inline constexpr int max_median_radius = 15;

/// The filter of a name; without a radius blur has 2, sharpen and median have 1. Errors:
/// invalid_argument for other names, a radius out of range, or one of a filter that has none.
result<image_filter> parse_image_filter(std::string_view name, std::optional<int64_t> radius);

/// The names, separated by commas.
std::string image_filter_names();

/// What becomes of a subdataset.
struct filtered_part {
  /// On the grid of the subdataset. What it says of validity may differ from it.
  subdataset_description description;
  /// grayscale: of each of the subdataset's bands.
  std::vector<double> weights;
};

/// Subdatasets that a filter is used on: those that are measured.
std::vector<size_t> filtered_subdatasets(const scene_description& scene);

/// What the filter makes of a subdataset. Errors: unsupported for bands that hold classes (with a
/// colour table or names of categories); for grayscale also when bands that are joined have
/// different scales.
result<filtered_part> describe_filtered(const scene_description& scene, size_t subdataset,
                                        const image_filter& filter);

/// Filters a chip of that subdataset. Numbers of the result that would mean no data become the next
/// one. Whole numbers of 32 and 64 bits are filtered as doubles but for median. Errors:
/// invalid_argument for a chip whose bands or planes are not those of the part; those of
/// filter_planes.hpp.
result<chip_image> filter_chip(const chip_image& chip, const filtered_part& part,
                               const image_filter& filter);

}  // namespace stip

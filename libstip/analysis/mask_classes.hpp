#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "libstip/catalog/cloud_fractions.hpp"

// What a cloud mask says of a pixel, and the shares of an image that follow from it. Definitions:
// docs/cloud.md.

namespace stip {

/// The class of a pixel in a cloud mask: one byte a pixel. The numbers stand in stored masks: never
/// renumber.
enum class mask_class : uint8_t {
  nodata = 0,
  clear = 1,
  cloud = 2,
  shadow = 3,
  snow = 4,
  water = 5,
  /// High-confidence cirrus; counts as cloud.
  cirrus = 6,
  /// Not cloud itself, but so near to one that the provider does not trust it.
  dilated = 7,
};

inline constexpr size_t mask_class_count = 8;

/// "nodata", "clear", ...; "unknown" for any other value.
std::string_view to_string(mask_class c) noexcept;

/// Whether pixels of the class count as cloud.
constexpr bool is_cloud(mask_class c) noexcept {
  return c == mask_class::cloud || c == mask_class::cirrus;
}

/// Pixels by class. The counts of the parts of an image add up to those of the image.
struct class_counts {
  std::array<uint64_t, mask_class_count> pixels{};

  class_counts& operator+=(const class_counts& other) noexcept;
  uint64_t of(mask_class c) const noexcept { return pixels[static_cast<size_t>(c)]; }
  /// Pixels of any class but nodata.
  uint64_t valid() const noexcept;

  bool operator==(const class_counts&) const = default;
};

/// Counts the classes of a mask, or of a part of one. Where `own` is not empty, it is a byte for
/// each pixel, and only pixels where it is not 0 count: those whose centre lies in the image's
/// cell. Bytes that are no class count as nodata. Precondition: `own` is empty or as long as the
/// mask.
class_counts count_classes(std::span<const uint8_t> mask, std::span<const uint8_t> own = {});

/// The shares; nullopt when not one pixel is valid.
std::optional<cloud_fractions> fractions_of(const class_counts& counts);

/// Makes pixels nodata where `valid` is 0: for masks whose source does not tell holes itself.
/// Precondition: spans of one length.
void keep_valid(std::span<const uint8_t> valid, std::span<uint8_t> mask);

}  // namespace stip

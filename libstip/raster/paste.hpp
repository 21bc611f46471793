#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "libstip/core/error.hpp"
#include "libstip/raster/cut_geometry.hpp"
#include "libstip/raster/pixel_type.hpp"
#include "libstip/raster/scatter.hpp"

namespace stip {

/// Pixels of one plane (a band of a decoded block, say) to be put into a larger raster.
struct paste_source {
  /// Dense, height x width, in the machine's byte order.
  std::span<const std::byte> pixels;
  /// Where they lie, in the numbering of the raster that they are put into.
  pixel_rect rect;
  pixel_type type = pixel_type::uint8;
  /// A byte a pixel, 0: leave what is there. Empty: all pixels are put.
  std::span<const std::byte> valid;
};

/// Puts the pixels that lie within `to.rect` into plane `plane` of `to`, where they are valid.
/// ec::invalid_argument when sizes do not fit together.
result<void> paste(const paste_source& from, const plane_view& to, size_t plane);

}  // namespace stip

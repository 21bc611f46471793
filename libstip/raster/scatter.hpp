#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "libstip/raster/cut_geometry.hpp"

namespace stip {

/// Dense planes of pixels over one rectangle: `planes` x height x width x pixel_bytes.
struct plane_view {
  std::byte* data = nullptr;
  pixel_rect rect;
  size_t pixel_bytes = 1;

  size_t plane_bytes() const noexcept { return rect.pixels() * pixel_bytes; }
  std::byte* at(size_t plane, int64_t column, int64_t row) const noexcept {
    const auto pixel = static_cast<size_t>((row - rect.row) * rect.width + column - rect.column);
    return data + plane * plane_bytes() + pixel * pixel_bytes;
  }
};

/// Copies `part`, which lies within both rectangles, of `planes` planes.
void copy_part(const plane_view& from, const plane_view& to, const pixel_rect& part, size_t planes);

/// Sets the pixels of `part` of one plane of bytes.
void set_part(const plane_view& to, const pixel_rect& part, std::byte value);

}  // namespace stip

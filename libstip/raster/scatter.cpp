#include "libstip/raster/scatter.hpp"

#include <cstring>

namespace stip {

void copy_part(const plane_view& from, const plane_view& to, const pixel_rect& part,
               size_t planes) {
  if (part.empty()) return;
  const size_t row_bytes = static_cast<size_t>(part.width) * from.pixel_bytes;
  const size_t from_step = static_cast<size_t>(from.rect.width) * from.pixel_bytes;
  const size_t to_step = static_cast<size_t>(to.rect.width) * to.pixel_bytes;
  for (size_t plane = 0; plane < planes; ++plane) {
    const std::byte* source = from.at(plane, part.column, part.row);
    std::byte* target = to.at(plane, part.column, part.row);
    if (row_bytes == from_step && row_bytes == to_step) {
      std::memcpy(target, source, row_bytes * static_cast<size_t>(part.height));
      continue;
    }
    for (int64_t row = 0; row < part.height; ++row) {
      std::memcpy(target, source, row_bytes);
      source += from_step;
      target += to_step;
    }
  }
}

void set_part(const plane_view& to, const pixel_rect& part, std::byte value) {
  for (int64_t row = part.row; row < part.end_row(); ++row)
    std::memset(to.at(0, part.column, row), static_cast<int>(value),
                static_cast<size_t>(part.width));
}

}  // namespace stip

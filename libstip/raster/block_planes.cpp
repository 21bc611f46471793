#include "libstip/raster/block_planes.hpp"

#include <cstring>

namespace stip {

result<void> plane_encoder::encode(const validity_rule& rule, uint16_t rows, uint16_t columns,
                                   std::span<const std::byte> bands, std::span<const uint8_t> masks,
                                   const std::function<result<void>(const encoded_plane&)>& take) {
  const size_t pixels = size_t{rows} * columns;
  const size_t band_bytes = pixels * size_of(rule.type());
  const auto any_set = [&](std::span<const uint8_t> mask) {
    return std::memchr(mask.data(), 1, mask.size()) != nullptr;
  };
  // Where every pixel of a scene is data, the mask says which are the scene's.
  const bool off_scene = rule.kind() == validity::all && !any_set(masks);
  for (uint32_t plane = 0; plane < rule.bands() + rule.masks(); ++plane) {
    record_.clear();
    auto type = rule.type();
    std::span<const std::byte> encoded;
    if (plane < rule.bands()) {
      if (!off_scene && rule.has_data(plane, bands, masks, pixels))
        encoded = bands.subspan(plane * band_bytes, band_bytes);
    } else {
      type = pixel_type::bit;
      const auto mask = masks.subspan((plane - rule.bands()) * pixels, pixels);
      if (any_set(mask)) encoded = std::as_bytes(mask);
    }
    uint64_t content = 0;
    if (!encoded.empty()) {
      STIP_TRY(encoder_.append_block(type, rows, columns, encoded, record_));
      STIP_ASSIGN(const auto header, parse_block(record_));
      content = header.content;
    }
    STIP_TRY(take({plane, record_, content}));
  }
  return {};
}

}  // namespace stip

#include "libstip/raster/chip_content.hpp"

#include <array>
#include <bit>

namespace stip {

namespace {

// Hashes must not depend on the machine: numbers are hashed little-endian.
uint64_t little_endian(uint64_t value) {
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

}  // namespace

hash128 chip_content(pixel_type type, uint32_t width, uint32_t height, uint32_t planes,
                     uint16_t block_edge, std::span<const uint64_t> blocks) {
  hasher hash;
  const std::array<uint64_t, 5> shape{little_endian(static_cast<uint64_t>(type)),
                                      little_endian(width), little_endian(height),
                                      little_endian(planes), little_endian(block_edge)};
  hash.update(std::as_bytes(std::span{shape}));
  if constexpr (std::endian::native == std::endian::little) {
    hash.update(std::as_bytes(blocks));
  } else {
    for (const auto block : blocks) {
      const auto value = little_endian(block);
      hash.update(std::as_bytes(std::span{&value, 1}));
    }
  }
  return hash.digest128();
}

}  // namespace stip

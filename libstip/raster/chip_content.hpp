#pragma once

#include <cstdint>
#include <span>

#include "libstip/core/hash.hpp"
#include "libstip/raster/pixel_type.hpp"

namespace stip {

/// The content hash of a chip: XXH3-128 over type, width, height, planes, block edge and the
/// content hash of each block in order (0 for a block without a valid pixel). It says nothing of
/// codecs, segments or nodes: equal chips have equal hashes wherever they lie.
hash128 chip_content(pixel_type type, uint32_t width, uint32_t height, uint32_t planes,
                     uint16_t block_edge, std::span<const uint64_t> blocks);

}  // namespace stip

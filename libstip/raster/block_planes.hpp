#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "libstip/raster/block.hpp"
#include "libstip/raster/pixel_validity.hpp"

namespace stip {

/// One finished plane of a block: its record (empty: no pixel of it holds data) and the hash of its
/// pixels (0 then).
struct encoded_plane {
  uint32_t plane = 0;
  std::span<const std::byte> record;
  uint64_t content = 0;
};

/// Encodes the planes of one block of a chip, bands and then masks, as chips are stored: a plane
/// without data has no record. One object per thread.
class plane_encoder {
 public:
  /// `bands`: all bands, `masks`: all mask planes that the rule's kind of validity has, a byte a
  /// pixel; both rows x columns. `take` gets each plane once, in order; what it gets is valid until
  /// it returns. Errors: those of the encoder and of `take`.
  result<void> encode(const validity_rule& rule, uint16_t rows, uint16_t columns,
                      std::span<const std::byte> bands, std::span<const uint8_t> masks,
                      const std::function<result<void>(const encoded_plane&)>& take);

 private:
  block_encoder encoder_;
  std::vector<std::byte> record_;
};

}  // namespace stip

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/pixel_type.hpp"

struct libdeflate_compressor;

namespace stip {

/// The TIFF tag Predictor (TIFF 6.0, section 14; Adobe's Technical Note 3 for floats).
enum class tiff_predictor : uint16_t { none = 1, horizontal = 2, floating_point = 3 };

/// What suits the type, among what libtiff reads back.
tiff_predictor predictor_of(pixel_type type) noexcept;

/// Encodes tiles as TIFF's compression 8 (deflate in the zlib format) has them. Keeps its memory
/// for the next one; one per thread.
class tiff_tile_encoder {
 public:
  /// zlib's levels, 1 to 12; 6 is what GDAL takes.
  explicit tiff_tile_encoder(int level = 6);
  ~tiff_tile_encoder();
  tiff_tile_encoder(const tiff_tile_encoder&) = delete;
  tiff_tile_encoder& operator=(const tiff_tile_encoder&) = delete;

  /// The bytes of a tile whose samples stand side by side, pixel by pixel. `planes` is bands x rows
  /// x columns, dense, native byte order. Valid until the next call. Errors: internal, when there
  /// is no memory.
  result<std::span<const std::byte>> encode(pixel_type type, std::span<const std::byte> planes,
                                            size_t bands, size_t rows, size_t columns);

  /// The bytes of a mask of one bit a pixel; `mask` has a byte a pixel. Rows are padded to bytes.
  result<std::span<const std::byte>> encode_mask(std::span<const uint8_t> mask, size_t rows,
                                                 size_t columns);

 private:
  result<std::span<const std::byte>> deflate(std::span<const std::byte> bytes);

  libdeflate_compressor* compressor_ = nullptr;
  std::vector<std::byte> raw_;
  std::vector<std::byte> row_;
  std::vector<std::byte> packed_;
};

}  // namespace stip

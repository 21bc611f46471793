#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libstip/raster/pixel_type.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// Decodes the tiles or strips of a TIFF file straight into the caller's planes: its bytes through
/// libtiff, deflate through libdeflate, the horizontal predictor and the interleave undone in one
/// pass. It gives the pixels that GDAL gives, without its cache and its copies.
///
/// Only for what is the same in both: uncompressed, LZW, deflate and Zstandard, whole bytes a
/// sample, the first directory of a file that seeks_freely. Whatever it does not read with
/// certainty it leaves to GDAL. One object per thread.
class tiff_blocks {
 public:
  /// What GDAL says of the file, which the file's own words must match.
  struct expected {
    int64_t width = 0, height = 0;
    size_t bands = 0;
    pixel_type type = pixel_type::uint8;
    int64_t block_width = 0, block_height = 0;
  };

  /// A path, or a /vsi name. nullptr where the file is not of the kind above, or not what is
  /// expected.
  static std::unique_ptr<tiff_blocks> open(const std::string& path, const expected& shape);
  ~tiff_blocks();

  /// Reads these bands (from 0) of a window into `pixels` (bands x height x width, dense). False
  /// when the window is not made of whole blocks, or a block is missing, damaged or larger than
  /// defaults::reader_cache_bytes: GDAL then reads it, or says what is wrong.
  bool read(const source_window& window, std::span<const size_t> bands,
            std::span<std::byte> pixels);

 private:
  struct file;
  explicit tiff_blocks(std::unique_ptr<file> opened);

  /// The decoded samples of one block, rows x columns x samples.
  bool decode(uint32_t block, size_t bytes);
  bool inflate(uint32_t block, size_t bytes);

  std::unique_ptr<file> file_;
  std::vector<std::byte> packed_;
  std::vector<std::byte> samples_;
};

}  // namespace stip

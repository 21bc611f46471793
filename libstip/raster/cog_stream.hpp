#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/cog_layout.hpp"
#include "libstip/raster/cut_geometry.hpp"

namespace stip {

/// Writes a cloud optimized GeoTIFF whose pixels come in any order and are kept nowhere: each tile
/// is compressed once, overviews are made on the way (each pixel of one is the mean of up to four
/// valid ones below it), and in the end the compressed tiles are put in order. Tiles of 512 x 512,
/// deflate; BigTIFF where the size may need it; tiles without data take no room. Any thread may
/// add. Nothing of it is to be seen before `finish`.
class cog_stream {
 public:
  static constexpr int64_t tile_edge = cog_tile_edge;

  /// Errors: invalid_argument for a description that a GeoTIFF cannot have; those of the system.
  static result<std::unique_ptr<cog_stream>> create(const std::string& path, cog_description of);
  ~cog_stream();

  /// Adds the pixels of `part`, which begins at multiples of tile_edge and ends at one or at the
  /// picture's edge: `planes` is bands x rows x columns, dense; `valid` a byte a pixel, 0: none of
  /// the bands holds data. Each tile is added once. Errors: io_error, no_space.
  result<void> add(const pixel_rect& part, std::span<const std::byte> planes,
                   std::span<const uint8_t> valid);

  /// Tells that nothing of `part` holds data.
  result<void> add_empty(const pixel_rect& part);

  /// Writes the file and gives it its name. Errors: io_error, no_space.
  result<void> finish();

  /// Bytes of compressed tiles so far.
  uint64_t bytes() const noexcept { return end_.load(); }

 private:
  /// A whole tile, its outside without data.
  struct tile {
    std::vector<std::byte> planes;
    std::vector<uint8_t> valid;
    bool any = false;
  };
  /// An overview's tile of which not all parts have come.
  struct growing {
    std::unique_ptr<tile> pixels;
    int missing = 0;
  };
  struct encoders;

  cog_stream(std::string path, cog_description of, nameless_file spool);
  result<void> prepare();
  std::unique_ptr<tile> blank() const;
  result<void> take(size_t level, int64_t column, int64_t row, std::unique_ptr<tile> pixels);
  result<void> write(cog_level& to, size_t index, const tile& pixels);
  result<cog_piece> append(std::span<const std::byte> bytes);
  void shrink(const tile& from, tile& to, bool right, bool lower) const;

  std::string path_;
  cog_description of_;
  bool masked_;
  uint64_t nodata_ = 0;
  nameless_file spool_;
  std::atomic<uint64_t> end_{0};
  tiff_tags common_;
  std::vector<cog_level> levels_;
  std::unique_ptr<encoders> encoders_;
  std::mutex mutex_;
  std::vector<std::map<int64_t, growing>> growing_;
};

}  // namespace stip

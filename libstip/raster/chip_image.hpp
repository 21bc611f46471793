#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/block.hpp"
#include "libstip/raster/cut_geometry.hpp"
#include "libstip/raster/pixel_validity.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// The grid of a window of another grid: the same CRS, the origin moved by (column, row) pixels.
/// The window may lie outside of the grid.
grid window_grid(const grid& of, int64_t column, int64_t row, int64_t width, int64_t height);

/// The pixels of one chip in memory, for export and display.
struct chip_image {
  /// The subdataset; its grid is that of the chip's window.
  subdataset_description description;
  /// bands x rows x columns, native byte order. Pixels without data hold the band's nodata, else 0.
  std::vector<std::byte> pixels;
  /// mask planes x rows x columns, a byte a pixel, 0 or 1 (scene.hpp, mask_planes).
  std::vector<uint8_t> masks;
  /// What stip says of the image (GEOCODE, PLATFORM, SOURCE, ...) and what its provider said.
  std::map<std::string, std::string> items;
  std::map<std::string, std::string> properties;

  size_t bands() const noexcept { return description.bands.size(); }
  int64_t width() const noexcept { return description.grid.width; }
  int64_t height() const noexcept { return description.grid.height; }
  /// Pixels of one plane.
  size_t area() const noexcept { return static_cast<size_t>(width() * height()); }
  std::span<const std::byte> band(size_t i) const;

  /// A byte a pixel: 1 where the band holds data / where any band does.
  std::vector<uint8_t> valid_in(size_t band) const;
  std::vector<uint8_t> valid() const;
};

/// The window of a chip on its subdataset's grid, and the edge of its blocks.
struct chip_window {
  int64_t column = 0;
  int64_t row = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  uint16_t block_edge = 0;
};

/// The part of a chip's window that lies on its scene, and can hold data: a cell may be much larger
/// than the scene. `of` is the scene's grid; of a periodic one all columns are.
pixel_rect part_on_scene(const pixel_rect& window, const grid& of);

/// Puts a chip, or a part of it, together out of its blocks, which come in any order. Blocks that
/// do not come hold no data.
class chip_assembler {
 public:
  /// `subdataset` is the scene's. Errors: limit_exceeded when the chip has more pixels, bands and
  /// masks together, than `max_pixels`; invalid_argument for an empty window.
  static result<chip_assembler> make(const subdataset_description& subdataset,
                                     const chip_window& window,
                                     uint64_t max_pixels = defaults::max_chip_image_pixels);

  /// The same for a part of the window; what lies outside of it is left out.
  static result<chip_assembler> make_part(const subdataset_description& subdataset,
                                          const chip_window& window, const pixel_rect& part,
                                          uint64_t max_pixels = defaults::max_chip_image_pixels);

  /// Takes the record (block.hpp) of block number `block`: plane by plane (bands, then masks), in
  /// a plane row-major. Errors: invalid_argument for a number that the chip has not; malformed when
  /// type or shape are not those of that block; those of decode_block.
  result<void> place(uint64_t block, std::span<const std::byte> record);

  /// The chip; the assembler is then spent.
  chip_image finish() && { return std::move(image_); }

 private:
  chip_image image_;
  /// Blocks of the whole chip.
  uint64_t columns_ = 0;
  uint64_t rows_ = 0;
  pixel_rect chip_;
  int64_t edge_ = 0;
  /// Which of the chip's pixels the image has.
  pixel_rect part_;
  block_decoder decoder_;
  std::vector<std::byte> decoded_;
};

}  // namespace stip

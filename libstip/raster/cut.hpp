#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/geo/cell.hpp"
#include "libstip/raster/pixel_outline.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

class buffer_pool;

/// Bounds and choices of a cut.
struct cut_options {
  geocode_algorithm algorithm = geocode_algorithm::geohash;
  int precision = 5;
  /// Threads that plan the cut, and that decode, scatter and encode the blocks of this scene.
  size_t threads = 1;
  /// Bytes of pixel buffers that the cut may hold at once, all threads together.
  uint64_t memory_bytes = uint64_t{256} << 20;
  /// Cells that a subdataset may fall into; planning stops where there are more.
  uint64_t max_cells = defaults::max_covering_cells;
  /// What the plan may keep for each grid to remember which cell each pixel lies in; 0: the cut
  /// finds it out again.
  uint64_t cell_table_bytes = defaults::cell_table_bytes;
  /// Where the buffers come from, kept from scene to scene; nullptr: a pool of the cut's own. One
  /// that several cuts share must hold the bytes of all of them.
  buffer_pool* pool = nullptr;
};

/// The window of one chip: one subdataset of one cell.
struct planned_chip {
  std::string geocode;
  size_t subdataset = 0;
  /// Window on the subdataset's grid; may reach past the scene.
  int64_t column = 0, row = 0;
  uint32_t width = 0, height = 0;
};

/// One finished block of a chip, encoded (block.hpp); `record` is empty for a block without a valid
/// pixel. Valid until the sink returns.
struct cut_block {
  size_t chip = 0;
  /// Number of the block in the chip: plane by plane (bands, then masks), in a plane row-major.
  uint32_t block = 0;
  std::span<const std::byte> record;
};

/// What is known of a chip when all of its blocks have been handed over.
struct finished_chip {
  size_t chip = 0;
  /// Pixels of the window, on the scene and beyond, whose centre lies in the cell; and how many of
  /// them hold data in at least one band.
  uint64_t cell_pixels = 0;
  /// 0: the cell holds no data of this scene, and the chip must not be stored.
  uint64_t valid_pixels = 0;
  /// Around the valid pixels of the cell, in the columns and rows of the chip's window. Empty where
  /// all pixels of the cell are valid, or none.
  pixel_outline outline;

  bool is_partial() const noexcept { return valid_pixels > 0 && valid_pixels < cell_pixels; }
  hash128 content;
};

/// Takes the products of a cut. Called from the cut's threads, at most once at a time per chip; may
/// block (back pressure). An error ends the cut, which returns it.
class cut_sink {
 public:
  virtual ~cut_sink() = default;
  virtual result<void> block(const cut_block& block) = 0;
  virtual result<void> finish(const finished_chip& chip) = 0;
};

struct cut_summary {
  /// Cells with a wanted chip, and those of them in which no wanted chip has a valid pixel.
  uint64_t cells = 0;
  uint64_t cells_without_data = 0;
  /// Pixels of the scene, all subdatasets together.
  uint64_t pixels = 0;
  /// Pixels that were read and hold data in at least one band. Where no wanted chip is, nothing is
  /// read.
  uint64_t valid_pixels = 0;
  /// Pixels of the scene that lie in no cell (beyond +-85.05 degrees for quadtiles).
  uint64_t pixels_without_cell = 0;
  /// Bytes of pixels and masks that were read, and of the records that the sink got.
  uint64_t decoded_bytes = 0;
  uint64_t encoded_bytes = 0;
};

/// How a scene falls into chips; made once, before any pixel is read.
class cut_plan {
 public:
  virtual ~cut_plan() = default;
  virtual const std::vector<planned_chip>& chips() const = 0;
  /// Edge of the stored blocks, chosen from the scene alone (never from the machine), so that the
  /// same scene gives the same chips everywhere.
  virtual uint16_t block_edge(size_t subdataset) const = 0;
  /// Bytes of pixel buffers that cutting with one thread needs at most.
  virtual uint64_t needed_bytes() const = 0;
  /// About the bytes that the plan itself takes.
  virtual uint64_t kept_bytes() const = 0;
};

/// Plans the cut. Errors: limit_exceeded when one source block, or the rows of chips that must be
/// open at once, exceed options.memory_bytes; unsupported where a scene has no usable grid.
result<std::unique_ptr<cut_plan>> plan_cut(const scene_description& description,
                                           const std::vector<source_tiling>& tilings,
                                           const cut_options& options);

/// Cuts the scene: every source block is read and decoded once, scattered into the chips of all the
/// cells that it touches, and every chip's blocks are encoded and handed to the sink as soon as
/// they are complete. `wanted` (empty: all) leaves out chips that are already stored. `stop` is
/// asked between blocks.
result<cut_summary> cut(const scene& source, const cut_plan& plan, const cut_options& options,
                        const std::vector<bool>& wanted, cut_sink& sink,
                        const std::function<bool()>& stop);

}  // namespace stip

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "libstip/core/buffer_pool.hpp"
#include "libstip/raster/block_planes.hpp"
#include "libstip/raster/cut.hpp"
#include "libstip/raster/pixel_validity.hpp"
#include "libstip/raster/plan.hpp"
#include "libstip/raster/scatter.hpp"

namespace stip {

/// The pixels of one source window as a thread holds them.
struct window_pixels {
  plane_view bands;
  /// A byte a pixel; no data where no masks are cut.
  plane_view masks;
};

/// Pixels of a window that lie in one chip's cell and hold data.
struct valid_part {
  uint64_t pixels = 0;
  outline_builder outline;

  void clear() {
    pixels = 0;
    outline = {};
    rows_.clear();
  }

  /// In the columns and rows of the chip's window; between the first and the last of a part there
  /// may be others. Ascending by row.
  void add(const row_part& part) {
    rows_.push_back(part);
    if (rows_.size() >= most_rows) settle();
  }
  /// The outline is that of all rows afterwards.
  void settle() {
    outline.add(rows_);
    rows_.clear();
  }

 private:
  /// So few rows wait: windows of narrow scenes have millions.
  static constexpr size_t most_rows = 1024;
  std::vector<row_part> rows_;
};

/// Memory that one thread uses again from chip to chip.
struct assembly_scratch {
  struct piece {
    /// The block's number in a plane, and what the window holds of it in the chip's columns.
    int64_t block = 0;
    pixel_rect part;
    /// The chip's columns less those of the scene.
    int64_t shift = 0;
  };
  plane_encoder encoder;
  std::vector<uint8_t> mask;
  std::vector<piece> pieces;
};

/// Puts the chips of one subdataset together from source windows that come in any order and from
/// several threads: opens a block at the first window that meets it, encodes it and hands it to the
/// sink when its last pixel is there, and finishes a chip after its last block.
class chip_assembly {
 public:
  /// What the assemblies of one cut report.
  struct observer {
    /// A block is done that was open from one window to another; its bytes of the pool are free.
    std::function<void(uint64_t)> block_closed;
    std::atomic<uint64_t> encoded_bytes{0};
  };

  /// All references outlive the assembly.
  chip_assembly(const scene_plan& plan, const subdataset_plan& part,
                const subdataset_description& description, buffer_pool& pool, cut_sink& sink,
                observer& watcher);
  ~chip_assembly();

  const validity_rule& rule() const { return rule_; }

  /// Adds the pixels of the window that the chip holds; `valid` are those of its cell that hold
  /// data. Every window that meets the chip is added once. Errors: those of the sink;
  /// limit_exceeded when the pool has no room.
  result<void> add(size_t ordinal, const window_pixels& window, const valid_part& valid,
                   assembly_scratch& scratch);

  /// Whether the chip has been finished with a valid pixel.
  bool has_data(size_t ordinal) const { return has_data_[ordinal].load() != 0; }

 private:
  struct open_block;
  struct open_chip;

  result<open_chip*> chip_at(size_t ordinal);
  result<open_block*> block_at(open_chip& chip, int64_t index);
  result<void> close(size_t ordinal, open_chip& chip, int64_t index, assembly_scratch& scratch);
  result<void> skip_unreached(size_t ordinal, open_chip& chip);
  result<void> settle(size_t ordinal, open_chip& chip, std::unique_lock<std::mutex>& lock);

  const scene_plan& plan_;
  const subdataset_plan& part_;
  const validity_rule rule_;
  buffer_pool& pool_;
  cut_sink& sink_;
  observer& watcher_;

  /// Chips begin under the lock of their stripe.
  static constexpr size_t stripes = 64;
  std::array<std::mutex, stripes> stripe_;
  std::vector<std::unique_ptr<open_chip>> chips_;
  std::vector<std::atomic<uint8_t>> has_data_;
};

}  // namespace stip

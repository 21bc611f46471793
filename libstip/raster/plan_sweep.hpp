#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "libstip/raster/plan.hpp"

namespace stip {

/// How the bytes of a block that is being filled are counted.
enum class block_count : uint8_t {
  /// Its pixels: what depends on nothing but the scene.
  pixels,
  /// What its buffer takes of the pool.
  pool,
};

/// What the sweep over the windows of one subdataset needs. A block lives from the first to the
/// last window that meets it; one that a single window fills alone is `transient`: its window
/// opens, fills and encodes one such block after the other.
struct sweep_needs {
  /// By window: bytes of the blocks that live on after it and that it meets first.
  std::vector<uint64_t> opening;
  /// By window: bytes of its largest transient block.
  std::vector<uint64_t> transient;
  /// The most bytes that are taken at any window, when windows are read one after the other: by
  /// blocks that came from earlier windows, by its opening and transient blocks, and by its own
  /// pixels (these only when counted by pool).
  uint64_t peak = 0;
};

/// The windows of `part` with `edge` as block edge. `wanted` (by chip of the plan; empty: all)
/// leaves out chips.
sweep_needs needs_of_sweep(const std::vector<planned_chip>& chips, const subdataset_plan& part,
                           uint16_t edge, block_count count, const std::vector<bool>& wanted);

/// First and last window that meet `rect` (columns may lie over the seam of a periodic scene), and
/// how many of its pixels are on the scene; 0 pixels: it meets none.
struct window_span {
  int64_t first = 0, last = 0;
  uint64_t pixels = 0;
};
window_span span_of(const subdataset_plan& part, const pixel_rect& rect);

/// Fills part.touching of all windows.
void find_touching_chips(const std::vector<planned_chip>& chips, subdataset_plan& part);

}  // namespace stip

#include "libstip/raster/plan_sweep.hpp"

#include <algorithm>
#include <limits>

#include "libstip/core/buffer_pool.hpp"

namespace stip {

window_span span_of(const subdataset_plan& part, const pixel_rect& rect) {
  window_span span{std::numeric_limits<int64_t>::max(), -1, 0};
  part.extent.for_each_part(rect, [&](const pixel_rect& on_scene, int64_t) {
    const auto [first, last] = part.windows.first_and_last(on_scene);
    span.first = std::min(span.first, first);
    span.last = std::max(span.last, last);
    span.pixels += on_scene.pixels();
  });
  return span;
}

uint64_t subdataset_plan::window_bytes(uint64_t pixels) const {
  uint64_t bytes = buffer_pool::class_bytes(pixels * bands * size_of(type));
  if (cut_masks() > 0) bytes += buffer_pool::class_bytes(pixels * cut_masks());
  if (valid != validity::all) bytes += buffer_pool::class_bytes(pixels);
  return bytes;
}

sweep_needs needs_of_sweep(const std::vector<planned_chip>& chips, const subdataset_plan& part,
                           uint16_t edge, block_count count, const std::vector<bool>& wanted) {
  const auto windows = static_cast<size_t>(part.windows.count());
  sweep_needs needs;
  needs.opening.assign(windows, 0);
  needs.transient.assign(windows, 0);
  std::vector<uint64_t> closing(windows, 0);
  for (const uint32_t number : part.chips) {
    if (!wanted.empty() && !wanted[number]) continue;
    const auto& chip = chips[number];
    const block_layout layout{{chip.column, chip.row, chip.width, chip.height}, edge};
    part.extent.for_each_part(layout.window, [&](const pixel_rect& on_scene, int64_t shift) {
      layout.for_each_block(on_scene.moved(shift, 0), [&](int64_t index) {
        const auto rect = layout.block(index);
        // A block over the seam is met in two turns; count it in the one that it begins in.
        if (part.extent.period != 0 && rect.column < shift) return;
        const auto span = span_of(part, rect);
        const uint64_t bytes = rect.pixels() * part.stack_bytes_per_pixel();
        const uint64_t taken = count == block_count::pool ? buffer_pool::class_bytes(bytes) : bytes;
        const auto first = static_cast<size_t>(span.first);
        if (span.first == span.last) {
          needs.transient[first] = std::max(needs.transient[first], taken);
        } else {
          needs.opening[first] += taken;
          closing[static_cast<size_t>(span.last)] += taken;
        }
      });
    });
  }
  uint64_t carried = 0;
  for (size_t i = 0; i < windows; ++i) {
    uint64_t taken = carried + needs.opening[i] + needs.transient[i];
    if (count == block_count::pool)
      taken += part.window_bytes(part.windows.window(static_cast<int64_t>(i)).pixels());
    needs.peak = std::max(needs.peak, taken);
    carried += needs.opening[i];
    carried -= closing[i];
  }
  return needs;
}

void find_touching_chips(const std::vector<planned_chip>& chips, subdataset_plan& part) {
  const auto windows = static_cast<size_t>(part.windows.count());
  constexpr uint32_t none = std::numeric_limits<uint32_t>::max();
  // Two passes, count and fill; a chip over the seam can meet a window with both of its parts.
  std::vector<uint32_t> latest(windows, none);
  const auto visit = [&](auto&& f) {
    std::fill(latest.begin(), latest.end(), none);
    for (size_t ordinal = 0; ordinal < part.chips.size(); ++ordinal) {
      const auto& chip = chips[part.chips[ordinal]];
      const pixel_rect rect{chip.column, chip.row, chip.width, chip.height};
      part.extent.for_each_part(rect, [&](const pixel_rect& on_scene, int64_t) {
        part.windows.for_each_window(on_scene, [&](int64_t window) {
          const auto i = static_cast<size_t>(window);
          if (latest[i] == ordinal) return;
          latest[i] = static_cast<uint32_t>(ordinal);
          f(i, static_cast<uint32_t>(ordinal));
        });
      });
    }
  };
  part.touching_begin.assign(windows + 1, 0);
  visit([&](size_t window, uint32_t) { ++part.touching_begin[window + 1]; });
  for (size_t i = 0; i < windows; ++i) part.touching_begin[i + 1] += part.touching_begin[i];
  part.touching.resize(part.touching_begin[windows]);
  std::vector<uint64_t> at(part.touching_begin.begin(), part.touching_begin.end() - 1);
  visit([&](size_t window, uint32_t ordinal) { part.touching[at[window]++] = ordinal; });
}

}  // namespace stip

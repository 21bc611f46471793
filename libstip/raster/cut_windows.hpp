#pragma once

#include <cstdint>
#include <utility>

#include "libstip/core/error.hpp"
#include "libstip/raster/cut_geometry.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// The windows in which a subdataset is read, in the order of the sweep: row-major. Each is made of
/// whole source blocks, and every source block is part of exactly one, so that reading all windows
/// decodes every source block once.
class source_windows {
 public:
  source_windows() = default;

  /// Joins source blocks, first along the row and then, once a window has the scene's full width,
  /// row upon row, as long as a window has at most `target_pixels`. One source block is the least.
  /// ec::invalid_argument for a tiling without pixels.
  static result<source_windows> make(int64_t width, int64_t height, const source_tiling& tiling,
                                     uint64_t target_pixels);

  int64_t columns() const noexcept { return columns_; }
  int64_t rows() const noexcept { return rows_; }
  int64_t count() const noexcept { return columns_ * rows_; }

  /// Window `index`, cut off at the scene's edge.
  pixel_rect window(int64_t index) const noexcept {
    const pixel_rect whole{index % columns_ * step_x_, index / columns_ * step_y_, step_x_,
                           step_y_};
    return intersect(whole, {0, 0, width_, height_});
  }

  /// Pixels of the largest window.
  uint64_t max_pixels() const noexcept {
    return static_cast<uint64_t>(std::min(step_x_, width_)) *
           static_cast<uint64_t>(std::min(step_y_, height_));
  }

  /// Calls f(index) for every window that meets `rect`, which lies within the scene.
  template <class F>
  void for_each_window(const pixel_rect& rect, F&& f) const {
    if (rect.empty()) return;
    for (int64_t y = rect.row / step_y_; y <= (rect.end_row() - 1) / step_y_; ++y)
      for (int64_t x = rect.column / step_x_; x <= (rect.end_column() - 1) / step_x_; ++x)
        f(y * columns_ + x);
  }

  /// The first and the last window of the sweep that meet `rect`, which lies within the scene and
  /// is not empty.
  std::pair<int64_t, int64_t> first_and_last(const pixel_rect& rect) const noexcept {
    return {rect.row / step_y_ * columns_ + rect.column / step_x_,
            (rect.end_row() - 1) / step_y_ * columns_ + (rect.end_column() - 1) / step_x_};
  }

 private:
  int64_t width_ = 0, height_ = 0;
  int64_t step_x_ = 1, step_y_ = 1;
  int64_t columns_ = 0, rows_ = 0;
};

}  // namespace stip

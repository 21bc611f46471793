#pragma once

#include <algorithm>
#include <cstdint>

namespace stip {

/// A rectangle of pixels: [column, column + width) x [row, row + height).
struct pixel_rect {
  int64_t column = 0, row = 0;
  int64_t width = 0, height = 0;

  bool empty() const noexcept { return width <= 0 || height <= 0; }
  int64_t end_column() const noexcept { return column + width; }
  int64_t end_row() const noexcept { return row + height; }
  uint64_t pixels() const noexcept {
    return empty() ? 0 : static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
  }
  pixel_rect moved(int64_t columns, int64_t rows) const noexcept {
    return {column + columns, row + rows, width, height};
  }

  bool operator==(const pixel_rect&) const = default;
};

/// What both have in common; width or height is 0 where that is nothing.
inline pixel_rect intersect(const pixel_rect& a, const pixel_rect& b) noexcept {
  const int64_t column = std::max(a.column, b.column);
  const int64_t row = std::max(a.row, b.row);
  return {column, row, std::max<int64_t>(0, std::min(a.end_column(), b.end_column()) - column),
          std::max<int64_t>(0, std::min(a.end_row(), b.end_row()) - row)};
}

/// The pixels that a subdataset has: width x height, and `period` columns after which they begin
/// anew (0: never). A chip's window may reach past the scene, and over the seam of a periodic one.
struct scene_extent {
  int64_t width = 0, height = 0;
  int64_t period = 0;

  /// Calls f(pixel_rect on_scene, int64_t shift) for every part of `window` that lies on the scene;
  /// the part's columns within the window's numbering are those on the scene plus `shift`.
  template <class F>
  void for_each_part(const pixel_rect& window, F&& f) const {
    if (window.empty()) return;
    const pixel_rect scene{0, 0, width, height};
    if (period == 0) {
      if (const auto part = intersect(window, scene); !part.empty()) f(part, int64_t{0});
      return;
    }
    const int64_t first = floor_divide(window.column, period);
    const int64_t last = floor_divide(window.end_column() - 1, period);
    for (int64_t turn = first; turn <= last; ++turn) {
      const int64_t shift = turn * period;
      if (const auto part = intersect(window.moved(-shift, 0), scene); !part.empty())
        f(part, shift);
    }
  }

  /// Pixels of the window that lie on the scene.
  uint64_t pixels_on_scene(const pixel_rect& window) const {
    uint64_t pixels = 0;
    for_each_part(window, [&](const pixel_rect& part, int64_t) { pixels += part.pixels(); });
    return pixels;
  }

  static int64_t floor_divide(int64_t a, int64_t b) noexcept {
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
  }
};

/// The blocks of a chip: squares of `edge` pixels from its upper left corner, cut off at its right
/// and lower edge. Coordinates are the window's own, on the subdataset's grid.
struct block_layout {
  pixel_rect window;
  int64_t edge = 1;

  int64_t columns() const noexcept { return (window.width + edge - 1) / edge; }
  int64_t rows() const noexcept { return (window.height + edge - 1) / edge; }
  int64_t count() const noexcept { return columns() * rows(); }

  /// Block `index` of a plane, row-major.
  pixel_rect block(int64_t index) const noexcept {
    const int64_t x = index % columns() * edge;
    const int64_t y = index / columns() * edge;
    return {window.column + x, window.row + y, std::min(edge, window.width - x),
            std::min(edge, window.height - y)};
  }

  /// Calls f(index) for every block that meets `rect`, row-major.
  template <class F>
  void for_each_block(const pixel_rect& rect, F&& f) const {
    const auto part = intersect(rect, window);
    if (part.empty()) return;
    const int64_t x0 = (part.column - window.column) / edge;
    const int64_t x1 = (part.end_column() - 1 - window.column) / edge;
    const int64_t y0 = (part.row - window.row) / edge;
    const int64_t y1 = (part.end_row() - 1 - window.row) / edge;
    for (int64_t y = y0; y <= y1; ++y)
      for (int64_t x = x0; x <= x1; ++x) f(y * columns() + x);
  }
};

}  // namespace stip

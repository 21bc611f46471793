#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stip {

/// A point where pixels meet: the upper left corner of the pixel of that column and row of a chip's
/// window.
struct pixel_corner {
  uint32_t column = 0;
  uint32_t row = 0;

  bool operator==(const pixel_corner&) const = default;
};

/// A convex polygon around pixels, each corner once, clockwise as rows go down, from the first
/// corner of the uppermost row. Empty: nothing.
using pixel_outline = std::vector<pixel_corner>;

/// An outline has so many corners at most; where a hull has more, those go that take least of its
/// area with them.
inline constexpr size_t max_outline_corners = 32;

/// Pixels [begin, end) of a row.
struct row_part {
  uint32_t row = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// Finds the convex hull of pixels, squares and not points, that come in parts. It depends on the
/// pixels alone, not on how they came.
class outline_builder {
 public:
  /// Parts in the order of their rows; none is empty.
  void add(std::span<const row_part> parts);
  void add(const outline_builder& other);

  pixel_outline outline() const;

 private:
  void reduce();

  std::vector<pixel_corner> corners_;
};

/// Of pixels that are there at once; rows as outline_builder::add takes them.
pixel_outline outline_of(std::span<const row_part> rows);

/// Whether it is what a builder may give for a window of that size: no corner beyond it, not too
/// many, convex.
bool is_sound(const pixel_outline& outline, uint32_t width, uint32_t height);

}  // namespace stip

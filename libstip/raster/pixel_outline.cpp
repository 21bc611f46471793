#include "libstip/raster/pixel_outline.hpp"

#include <algorithm>
#include <tuple>

namespace stip {

namespace {

/// Points are brought down to their hull when there are more.
constexpr size_t many_corners = 512;

/// Twice the area of the triangle, positive where a, b, c turn clockwise as rows go down.
int64_t turn(const pixel_corner& a, const pixel_corner& b, const pixel_corner& c) {
  const auto across = [](uint32_t to, uint32_t from) {
    return static_cast<int64_t>(to) - static_cast<int64_t>(from);
  };
  return across(b.column, a.column) * across(c.row, a.row) -
         across(b.row, a.row) * across(c.column, a.column);
}

/// The hull of points that ascend by row, then column (A. M. Andrew, "Another efficient algorithm
/// for convex hulls in two dimensions", 1979).
pixel_outline hull_of(const std::vector<pixel_corner>& points) {
  if (points.size() < 3) return points;
  pixel_outline hull(2 * points.size());
  size_t count = 0;
  const auto chain = [&](auto begin, auto end, size_t first) {
    for (auto p = begin; p != end; ++p) {
      while (count >= first + 2 && turn(hull[count - 2], hull[count - 1], *p) <= 0) --count;
      hull[count++] = *p;
    }
  };
  // Down along the right, then up along the left; both ends belong to both.
  chain(points.begin(), points.end(), 0);
  --count;
  chain(points.rbegin(), points.rend(), count);
  hull.resize(count - 1);
  return hull;
}

pixel_outline hull_of_any(std::vector<pixel_corner> points) {
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
    return std::tie(a.row, a.column) < std::tie(b.row, b.column);
  });
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return hull_of(points);
}

}  // namespace

void outline_builder::add(std::span<const row_part> parts) {
  // What there is on each line between rows.
  std::vector<row_part> lines;
  lines.reserve(parts.size() + 1);
  const auto widen = [](row_part& line, const row_part& part) {
    line.begin = std::min(line.begin, part.begin);
    line.end = std::max(line.end, part.end);
  };
  for (const auto& part : parts) {
    if (lines.size() >= 2 && lines[lines.size() - 2].row == part.row) {
      widen(lines[lines.size() - 2], part);
    } else if (!lines.empty() && lines.back().row == part.row) {
      widen(lines.back(), part);
    } else {
      lines.push_back(part);
    }
    if (lines.back().row == part.row + 1)
      widen(lines.back(), part);
    else
      lines.push_back({part.row + 1, part.begin, part.end});
  }
  std::vector<pixel_corner> points;
  points.reserve(2 * lines.size());
  for (const auto& line : lines) {
    points.push_back({line.begin, line.row});
    points.push_back({line.end, line.row});
  }
  const auto hull = hull_of(points);
  corners_.insert(corners_.end(), hull.begin(), hull.end());
  if (corners_.size() > many_corners) reduce();
}

void outline_builder::add(const outline_builder& other) {
  corners_.insert(corners_.end(), other.corners_.begin(), other.corners_.end());
  if (corners_.size() > many_corners) reduce();
}

void outline_builder::reduce() {
  corners_ = hull_of_any(std::move(corners_));
}

pixel_outline outline_builder::outline() const {
  auto out = hull_of_any(corners_);
  while (out.size() > max_outline_corners) {
    size_t least = 0;
    int64_t smallest = INT64_MAX;
    for (size_t i = 0; i < out.size(); ++i) {
      const auto lost =
          turn(out[(i + out.size() - 1) % out.size()], out[i], out[(i + 1) % out.size()]);
      if (lost < smallest) std::tie(least, smallest) = std::pair{i, lost};
    }
    out.erase(out.begin() + static_cast<ptrdiff_t>(least));
  }
  return out;
}

pixel_outline outline_of(std::span<const row_part> rows) {
  outline_builder builder;
  builder.add(rows);
  return builder.outline();
}

bool is_sound(const pixel_outline& outline, uint32_t width, uint32_t height) {
  if (outline.empty()) return true;
  if (outline.size() < 3 || outline.size() > max_outline_corners) return false;
  size_t beginnings = 0;
  for (size_t i = 0; i < outline.size(); ++i) {
    const auto& corner = outline[i];
    // Rows go down once and up once: it runs around its pixels once.
    const auto before = outline[(i + outline.size() - 1) % outline.size()].row;
    const auto after = outline[(i + 1) % outline.size()].row;
    beginnings += before > corner.row && after >= corner.row ? 1 : 0;
    if (corner.column > width || corner.row > height) return false;
    if (turn(corner, outline[(i + 1) % outline.size()], outline[(i + 2) % outline.size()]) <= 0)
      return false;
  }
  return beginnings == 1;
}

}  // namespace stip

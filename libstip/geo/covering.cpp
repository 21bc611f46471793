#include "libstip/geo/covering.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "libstip/geo/patch.hpp"

namespace stip {

namespace {

/// A region whose box is at most this many cells wide and high gives all cells of the box.
constexpr double settled_cells = 0.75;

/// Polynomials with an error below this share of a cell are good enough to choose cells by.
constexpr double error_cells = 0.05;

/// Regions without a sample on the globe are divided down to this, or to this share of a raster
/// that is large, before they count as off the globe.
constexpr int64_t off_globe_pixels = 32;
constexpr int64_t off_globe_share = 128;

/// Blocks on each side of a raster in the estimate that comes first.
constexpr int64_t estimate_blocks = 16;

/// The estimate refuses when it is this many times the limit; it is good to a few per cent.
constexpr double estimate_safety = 2;

class cover {
 public:
  cover(pixel_mapper& mapper, const cell_grid& cells, size_t limit)
      : mapper_(mapper), cells_(cells), limit_(limit) {
    const grid& raster = mapper.raster();
    off_globe_ =
        std::max(off_globe_pixels, std::max(raster.width, raster.height) / off_globe_share);
    cell_width_ = cells.x_of(1) - cells.x_of(0);
    cell_height_ = cells.y_of(1) - cells.y_of(0);
  }

  result<std::vector<cell_index>> find() {
    const grid& raster = mapper_.raster();
    if (estimate() > estimate_safety * static_cast<double>(limit_)) return refusal();
    STIP_TRY(visit({0, 0, raster.width, raster.height}, nullptr));
    compact();
    if (found_.size() > limit_) return refusal();
    found_.shrink_to_fit();
    return std::move(found_);
  }

 private:
  tl::unexpected<error> refusal() const {
    return fail(ec::limit_exceeded, "cover the scene with cells",
                "at precision " + std::to_string(cells_.precision()) + " it has more than " +
                    std::to_string(limit_) + " cells",
                "choose a lower precision");
  }

  /// About how many cells there are: area by area, never more than pixels.
  double estimate() {
    const grid& raster = mapper_.raster();
    constexpr size_t side = estimate_blocks + 1;
    std::array<double, side * side> x{}, y{};
    std::array<uint8_t, side * side> ok{};
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<double>(raster.width) * static_cast<double>(i % side) / estimate_blocks;
      y[i] = static_cast<double>(raster.height) * static_cast<double>(i / side) / estimate_blocks;
    }
    mapper_.to_cell_crs_unwrapped(x, y, ok);
    const double pixels = static_cast<double>(raster.width) / estimate_blocks *
                          static_cast<double>(raster.height) / estimate_blocks;
    double cells = 0;
    for (size_t i = 0; i + side + 1 < x.size(); ++i) {
      const std::array<size_t, 4> corners{i, i + 1, i + side + 1, i + side};
      if (i % side == side - 1 ||
          !std::all_of(corners.begin(), corners.end(), [&](size_t c) { return ok[c] != 0; }))
        continue;
      double area = 0;
      for (size_t c = 0; c < 4; ++c) {
        const size_t a = corners[c], b = corners[(c + 1) % 4];
        const double ax = std::remainder(x[a] - x[i], cells_.period());
        const double bx = std::remainder(x[b] - x[i], cells_.period());
        area += ax * (y[b] - y[i]) - bx * (y[a] - y[i]);
      }
      cells += std::min(pixels, std::abs(area) / 2 / (cell_width_ * cell_height_));
    }
    return cells;
  }

  bool usable(const patch& fit) const {
    const auto good = [](double error, double step, double cell) {
      return error <= defaults::patch_error_pixels * step || error <= error_cells * cell;
    };
    return good(fit.x_error(), fit.x_step(), cell_width_) &&
           good(fit.y_error(), fit.y_step(), cell_height_);
  }

  result<void> visit(const pixel_window& w, const patch* known) {
    if (w.empty()) return {};
    if (++regions_ > defaults::max_covering_regions)
      return fail(ec::limit_exceeded, "cover the scene with cells",
                  "its georeference is torn in too many places", "check the file's georeference");
    patch fit;
    const int64_t longest = std::max(w.width(), w.height());
    if (!known) {
      fit = patch::fit(mapper_, w);
      if (fit.state() == patch::kind::off_globe && longest <= off_globe_) return {};
      if (fit.state() == patch::kind::smooth && usable(fit)) {
        known = &fit;
      } else if (longest <= defaults::min_patch_pixels) {
        return add_pixels(w);
      }
    }
    if (known) {
      const bounds box = known->box(w);
      const double top = cells_.y_axis().half;
      if (box.south > top || box.north < -top) return {};
      const int64_t west = cells_.x_axis().unbounded_index(box.west);
      const int64_t east = cells_.x_axis().unbounded_index(box.east);
      const int64_t south = std::max<int64_t>(0, cells_.y_axis().unbounded_index(box.south));
      const int64_t north = std::min(cells_.rows() - 1, cells_.y_axis().unbounded_index(box.north));
      if ((west == east && south == north) || longest == 1 ||
          (box.east - box.west <= settled_cells * cell_width_ &&
           box.north - box.south <= settled_cells * cell_height_)) {
        for (int64_t column = west; column <= east; ++column)
          for (int64_t row = south; row <= north; ++row)
            // The number of columns is a power of two.
            STIP_TRY(add({column & (cells_.columns() - 1), row}));
        return {};
      }
    }
    if (w.width() >= w.height()) {
      const int64_t middle = w.col_begin + w.width() / 2;
      STIP_TRY(visit({w.col_begin, w.row_begin, middle, w.row_end}, known));
      return visit({middle, w.row_begin, w.col_end, w.row_end}, known);
    }
    const int64_t middle = w.row_begin + w.height() / 2;
    STIP_TRY(visit({w.col_begin, w.row_begin, w.col_end, middle}, known));
    return visit({w.col_begin, middle, w.col_end, w.row_end}, known);
  }

  result<void> add_pixels(const pixel_window& w) {
    constexpr size_t most = defaults::min_patch_pixels * defaults::min_patch_pixels;
    std::array<double, most> x{}, y{};
    std::array<uint8_t, most> ok{};
    const auto count = static_cast<size_t>(w.width() * w.height());
    for (size_t i = 0; i < count; ++i) {
      const auto at = static_cast<int64_t>(i);
      x[i] = static_cast<double>(w.col_begin + at % w.width()) + 0.5;
      y[i] = static_cast<double>(w.row_begin + at / w.width()) + 0.5;
    }
    mapper_.to_cell_crs({x.data(), count}, {y.data(), count}, {ok.data(), count});
    for (size_t i = 0; i < count; ++i) {
      if (!ok[i]) continue;
      const cell_index cell = cells_.cell_of(x[i], y[i]);
      if (cell.column >= 0) STIP_TRY(add(cell));
    }
    return {};
  }

  result<void> add(cell_index cell) {
    // Regions side by side mostly name the same cells again.
    if (recent_[0] == cell || recent_[1] == cell) return {};
    recent_[1] = recent_[0];
    recent_[0] = cell;
    found_.push_back(cell);
    if (found_.size() < compact_at_) return {};
    compact();
    if (found_.size() > limit_) return refusal();
    compact_at_ = std::max<size_t>(min_compact, 2 * found_.size());
    return {};
  }

  void compact() {
    std::sort(found_.begin(), found_.end());
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
  }

  static constexpr size_t min_compact = size_t{1} << 14;

  pixel_mapper& mapper_;
  const cell_grid& cells_;
  size_t limit_;
  int64_t off_globe_ = off_globe_pixels;
  double cell_width_ = 0, cell_height_ = 0;
  std::vector<cell_index> found_;
  std::array<cell_index, 2> recent_{};
  size_t compact_at_ = min_compact;
  size_t regions_ = 0;
};

}  // namespace

result<std::vector<cell_index>> covering(pixel_mapper& mapper, const cell_grid& cells,
                                         size_t limit) {
  return cover(mapper, cells, limit).find();
}

result<std::vector<cell_index>> covering(const grid& raster, const cell_grid& cells, size_t limit) {
  STIP_ASSIGN(auto mapper, pixel_mapper::make(raster, cells));
  return covering(mapper, cells, limit);
}

}  // namespace stip

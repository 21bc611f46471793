#pragma once

#include <array>
#include <cstdint>

#include "libstip/geo/georeference.hpp"

namespace stip {

/// The pixels [col_begin, col_end) x [row_begin, row_end) of a grid; may lie outside of its raster.
struct pixel_window {
  int64_t col_begin = 0;
  int64_t row_begin = 0;
  int64_t col_end = 0;
  int64_t row_end = 0;

  int64_t width() const noexcept { return col_end - col_begin; }
  int64_t height() const noexcept { return row_end - row_begin; }
  bool empty() const noexcept { return col_end <= col_begin || row_end <= row_begin; }
  bool contains(const pixel_window& other) const noexcept {
    return other.col_begin >= col_begin && other.col_end <= col_end &&
           other.row_begin >= row_begin && other.row_end <= row_end;
  }
  bool operator==(const pixel_window&) const = default;
};

/// a + b u + c u^2.
struct quadratic {
  double a = 0;
  double b = 0;
  double c = 0;
  double at(double u) const noexcept { return a + u * (b + u * c); }
};

/// x, y of the cells' CRS over a window of pixels as biquadratic polynomials with an error bound.
/// They go through nine projected points; sixteen more points between them measure the error, and
/// two beside the centre show whether x makes whole turns between the others. x is continuous over
/// the window, so it may leave the world's range by part of a period.
class patch {
 public:
  enum class kind {
    /// The polynomials hold within x_error() and y_error().
    smooth,
    /// No sample is on the globe.
    off_globe,
    /// Some samples are off the globe, or the window is torn (a pole, the map's edge).
    torn,
  };

  /// Projects 27 points over the window and a margin around it.
  static patch fit(pixel_mapper& mapper, const pixel_window& window);

  kind state() const noexcept { return state_; }
  double x_error() const noexcept { return x_error_; }
  double y_error() const noexcept { return y_error_; }

  /// Change of x, y by one pixel at the window's centre: the larger of a step by column or by row.
  double x_step() const noexcept;
  double y_step() const noexcept;

  /// The argument of row_x, row_y for the centre of a pixel.
  double u_of(int64_t col) const noexcept {
    return (static_cast<double>(col) + 0.5 - centre_col_) / half_cols_;
  }
  /// The fractional column whose centre has this argument.
  double col_of(double u) const noexcept { return centre_col_ + u * half_cols_ - 0.5; }

  /// x and y along the centres of a row of pixels.
  quadratic row_x(int64_t row) const noexcept { return along(x_, row); }
  quadratic row_y(int64_t row) const noexcept { return along(y_, row); }

  /// A box around x, y of all pixel centres of a part of the window, errors included.
  bounds box(const pixel_window& part) const noexcept;

 private:
  /// Coefficients of u^j v^i at 3 i + j.
  using coefficients = std::array<double, 9>;

  quadratic along(const coefficients& c, int64_t row) const noexcept;
  double v_of(int64_t row) const noexcept {
    return (static_cast<double>(row) + 0.5 - centre_row_) / half_rows_;
  }

  kind state_ = kind::torn;
  double centre_col_ = 0, centre_row_ = 0;
  double half_cols_ = 1, half_rows_ = 1;
  double x_error_ = 0, y_error_ = 0;
  coefficients x_{}, y_{};
};

}  // namespace stip

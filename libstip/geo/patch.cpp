#include "libstip/geo/patch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace stip {

namespace {

/// The window is widened by this share of its size on each side before it is sampled: a globe's
/// edge that bulges into the window between two samples then shows in the samples outside.
constexpr double margin = 0.125;

/// The error of a smooth function peaks near the sixteen points where it is measured; this covers
/// what lies between them.
constexpr double error_safety = 4.0;

/// PROJ's iterative inverses stop at 1e-10 radians (phi2.cpp, TOL), so that its results are smooth
/// only to about that; in degrees and in metres on the ground.
constexpr double projection_noise_degrees = 2e-8;
constexpr double projection_noise_metres = 2e-3;

/// Rounding errors of evaluating a polynomial, in units of its largest value.
constexpr double rounding = 64 * std::numeric_limits<double>::epsilon();

/// Points with longitudes further apart than this share of a period are not taken as continuous.
constexpr double max_turn = 0.3;

constexpr int lattice = 5;
constexpr int samples = lattice * lattice;

/// One pixel right of the window's centre, and one below it. Longitudes of samples that lie whole
/// turns apart look continuous; over one pixel they cannot.
constexpr int probes = 2;

double place(int i) {
  return -1.0 + 0.5 * i;
}

/// The quadratic through values at u = -1, 0, 1.
quadratic through(double low, double middle, double high) {
  return {middle, (high - low) / 2, (high + low) / 2 - middle};
}

std::array<double, 9> biquadratic(std::span<const double, samples> values) {
  std::array<quadratic, 3> lines;
  for (int i = 0; i < 3; ++i) {
    const double* row = values.data() + 2 * i * lattice;
    lines[static_cast<size_t>(i)] = through(row[0], row[2], row[4]);
  }
  const auto column = [&](auto member, size_t j, std::array<double, 9>& out) {
    const quadratic q = through(lines[0].*member, lines[1].*member, lines[2].*member);
    out[j] = q.a;
    out[3 + j] = q.b;
    out[6 + j] = q.c;
  };
  std::array<double, 9> out{};
  column(&quadratic::a, 0, out);
  column(&quadratic::b, 1, out);
  column(&quadratic::c, 2, out);
  return out;
}

double value(const std::array<double, 9>& c, double u, double v) {
  const quadratic a{c[0], c[1], c[2]}, b{c[3], c[4], c[5]}, d{c[6], c[7], c[8]};
  return a.at(u) + v * (b.at(u) + v * d.at(u));
}

struct fitted {
  std::array<double, 9> coefficients;
  double error;
};

fitted fit_values(std::span<const double, samples> values) {
  fitted made{biquadratic(values), 0};
  double largest = 0;
  for (int i = 0; i < lattice; ++i) {
    for (int j = 0; j < lattice; ++j) {
      const double exact = values[static_cast<size_t>(i * lattice + j)];
      largest = std::max(largest, std::abs(exact));
      made.error =
          std::max(made.error, std::abs(value(made.coefficients, place(j), place(i)) - exact));
    }
  }
  made.error = error_safety * made.error + rounding * largest;
  return made;
}

struct range {
  double low, high;
};

/// The range of a biquadratic over a rectangle from its Bernstein coefficients, which enclose it.
range enclosed(const std::array<double, 9>& c, double u0, double u1, double v0, double v1) {
  std::array<std::array<double, 3>, 3> b{};
  for (size_t i = 0; i < 3; ++i) {
    const double v = i == 0 ? v0 : i == 1 ? (v0 + v1) / 2 : v1;
    const double low = value(c, u0, v);
    const double middle = value(c, (u0 + u1) / 2, v);
    const double high = value(c, u1, v);
    b[i] = {low, 2 * middle - (low + high) / 2, high};
  }
  range found{HUGE_VAL, -HUGE_VAL};
  for (size_t j = 0; j < 3; ++j) {
    const double middle = 2 * b[1][j] - (b[0][j] + b[2][j]) / 2;
    for (const double point : {b[0][j], middle, b[2][j]}) {
      found.low = std::min(found.low, point);
      found.high = std::max(found.high, point);
    }
  }
  return found;
}

}  // namespace

patch patch::fit(pixel_mapper& mapper, const pixel_window& window) {
  patch made;
  const auto cols = static_cast<double>(window.width());
  const auto rows = static_cast<double>(window.height());
  made.centre_col_ = static_cast<double>(window.col_begin) + cols / 2;
  made.centre_row_ = static_cast<double>(window.row_begin) + rows / 2;
  made.half_cols_ = cols * (0.5 + margin);
  made.half_rows_ = rows * (0.5 + margin);
  std::array<double, samples + probes> x{}, y{};
  std::array<uint8_t, samples + probes> ok{};
  for (int i = 0; i < samples; ++i) {
    const auto at = static_cast<size_t>(i);
    x[at] = made.centre_col_ + place(i % lattice) * made.half_cols_;
    y[at] = made.centre_row_ + place(i / lattice) * made.half_rows_;
  }
  const double right = std::min(1.0, made.half_cols_), below = std::min(1.0, made.half_rows_);
  x[samples] = made.centre_col_ + right;
  y[samples] = made.centre_row_;
  x[samples + 1] = made.centre_col_;
  y[samples + 1] = made.centre_row_ + below;
  mapper.to_cell_crs_unwrapped(x, y, ok);
  const auto good = std::count(ok.begin(), ok.end(), 1);
  if (good < samples + probes) {
    made.state_ = good == 0 ? kind::off_globe : kind::torn;
    return made;
  }
  if (!mapper.is_affine()) {
    const double period = mapper.cell_period();
    const double centre = x[samples / 2];
    for (double& value : x) {
      value -= period * std::round((value - centre) / period);
      if (std::abs(value - centre) > max_turn * period) return made;
    }
  }
  const fitted fx = fit_values(std::span(x).first<samples>());
  const fitted fy = fit_values(std::span(y).first<samples>());
  const double noise = mapper.is_affine()      ? 0
                       : mapper.epsg() == 4326 ? projection_noise_degrees
                                               : projection_noise_metres;
  made.x_ = fx.coefficients;
  made.y_ = fy.coefficients;
  made.x_error_ = fx.error + noise;
  made.y_error_ = fy.error + noise;
  const double beside = value(made.x_, right / made.half_cols_, 0) - x[samples];
  const double under = value(made.x_, 0, below / made.half_rows_) - x[samples + 1];
  if (std::max(std::abs(beside), std::abs(under)) > made.x_error_) return made;
  made.state_ = kind::smooth;
  return made;
}

double patch::x_step() const noexcept {
  return std::max(std::abs(x_[1]) / half_cols_, std::abs(x_[3]) / half_rows_);
}

double patch::y_step() const noexcept {
  return std::max(std::abs(y_[1]) / half_cols_, std::abs(y_[3]) / half_rows_);
}

quadratic patch::along(const coefficients& c, int64_t row) const noexcept {
  const double v = v_of(row);
  return {c[0] + v * (c[3] + v * c[6]), c[1] + v * (c[4] + v * c[7]), c[2] + v * (c[5] + v * c[8])};
}

bounds patch::box(const pixel_window& part) const noexcept {
  const double u0 = u_of(part.col_begin), u1 = u_of(part.col_end - 1);
  const double v0 = v_of(part.row_begin), v1 = v_of(part.row_end - 1);
  const range x = enclosed(x_, u0, u1, v0, v1);
  const range y = enclosed(y_, u0, u1, v0, v1);
  return {x.low - x_error_, y.low - y_error_, x.high + x_error_, y.high + y_error_};
}

}  // namespace stip

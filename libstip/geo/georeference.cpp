#include "libstip/geo/georeference.hpp"

#include <algorithm>
#include <cmath>

#include "libstip/core/defaults.hpp"
#include "libstip/geo/quadtile.hpp"

namespace stip {

namespace {

double determinant(const std::array<double, 6>& t) {
  return t[1] * t[5] - t[2] * t[4];
}

std::string code_of(int epsg) {
  return "EPSG:" + std::to_string(epsg);
}

std::optional<int64_t> period_of(const grid& raster, const crs_traits& traits) {
  const auto& t = raster.transform;
  if (!traits.geographic || t[1] == 0 || t[4] != 0 || t[2] != 0) return std::nullopt;
  const double columns = traits.period / std::abs(t[1]);
  if (std::abs(columns - static_cast<double>(raster.width)) > defaults::periodic_tolerance_pixels)
    return std::nullopt;
  return raster.width;
}

}  // namespace

result<void> check_grid(const grid& raster) {
  const auto refuse = [](std::string why) {
    return fail(ec::invalid_argument, "use the raster's georeference", std::move(why),
                "check the file's geotransform and size");
  };
  if (raster.width < 1 || raster.height < 1 || raster.width > defaults::max_raster_edge ||
      raster.height > defaults::max_raster_edge)
    return refuse("it has " + std::to_string(raster.width) + " x " + std::to_string(raster.height) +
                  " pixels");
  for (const double value : raster.transform)
    if (!std::isfinite(value)) return refuse("its geotransform is not finite");
  const double det = determinant(raster.transform);
  if (det == 0 || !std::isfinite(det) || !std::isfinite(1 / det))
    return refuse("its geotransform has no inverse");
  return {};
}

std::pair<double, double> pixel_of(const grid& raster, double x, double y) noexcept {
  const auto& t = raster.transform;
  const double dx = x - t[0];
  const double dy = y - t[3];
  if (t[2] == 0 && t[4] == 0) return {dx / t[1], dy / t[5]};
  const double det = determinant(t);
  return {(dx * t[5] - dy * t[2]) / det, (dy * t[1] - dx * t[4]) / det};
}

std::optional<int64_t> period_columns(const grid& raster) {
  if (!check_grid(raster)) return std::nullopt;
  const auto traits = describe_crs(raster.crs_wkt);
  return traits ? period_of(raster, *traits) : std::nullopt;
}

double pixel_mapper::cell_period() const noexcept {
  return epsg_ == 4326 ? 360.0 : 2 * quadtile::half_side;
}

result<pixel_mapper> pixel_mapper::make(const grid& raster, const cell_grid& cells) {
  return make(raster, cells.epsg());
}

result<pixel_mapper> pixel_mapper::make(const grid& raster, int epsg) {
  if (epsg != 4326 && epsg != 3857)
    return fail(ec::invalid_argument, "map pixels to EPSG:" + std::to_string(epsg),
                "cells lie in EPSG:4326 or EPSG:3857");
  STIP_TRY(check_grid(raster));
  STIP_ASSIGN(const auto traits, describe_crs(raster.crs_wkt));
  pixel_mapper made;
  made.raster_ = raster;
  made.epsg_ = epsg;
  made.period_columns_ = period_of(raster, traits);
  const auto& t = raster.transform;
  if (traits.period > 0) {
    const auto [col0, row0] = pixel_of(raster, t[0], t[3]);
    const auto [col1, row1] = pixel_of(raster, t[0] + traits.period, t[3]);
    made.period_pixels_ = {col1 - col0, row1 - row0};
  }
  if (!same_crs(raster.crs_wkt, code_of(epsg))) {
    STIP_ASSIGN(made.projection_, coordinate_transform::make(raster.crs_wkt, code_of(epsg)));
    const double pixel = std::min(std::hypot(t[1], t[4]), std::hypot(t[2], t[5]));
    made.grid_tolerance_ = pixel * defaults::round_trip_pixels;
    made.cell_tolerance_ =
        made.grid_tolerance_ * traits.unit_metres / made.projection_->target().unit_metres;
  }
  return made;
}

result<pixel_mapper> pixel_mapper::clone() const {
  pixel_mapper copy;
  copy.raster_ = raster_;
  copy.epsg_ = epsg_;
  copy.period_columns_ = period_columns_;
  copy.period_pixels_ = period_pixels_;
  copy.grid_tolerance_ = grid_tolerance_;
  copy.cell_tolerance_ = cell_tolerance_;
  if (projection_) {
    STIP_ASSIGN(copy.projection_, projection_->clone());
  }
  return copy;
}

void pixel_mapper::to_cell_crs(std::span<double> col, std::span<double> row,
                               std::span<uint8_t> ok) {
  if (period_columns_) {
    const auto period = static_cast<double>(*period_columns_);
    for (double& c : col)
      if (c < 0 || c >= period) c -= period * std::floor(c / period);
  }
  to_cell_crs_unwrapped(col, row, ok);
}

void pixel_mapper::to_cell_crs_unwrapped(std::span<double> col, std::span<double> row,
                                         std::span<uint8_t> ok) {
  for (size_t i = 0; i < col.size(); ++i) {
    const double x = raster_.x_of(col[i], row[i]);
    const double y = raster_.y_of(col[i], row[i]);
    col[i] = x;
    row[i] = y;
    ok[i] = std::isfinite(x) && std::isfinite(y);
  }
  if (projection_) projection_->forward_checked(col, row, ok, grid_tolerance_);
}

void pixel_mapper::to_pixel(std::span<double> x, std::span<double> y, std::span<uint8_t> ok) {
  if (projection_)
    projection_->inverse_checked(x, y, ok, cell_tolerance_);
  else
    for (size_t i = 0; i < x.size(); ++i) ok[i] = std::isfinite(x[i]) && std::isfinite(y[i]);
  const auto [period_col, period_row] = period_pixels_;
  const double length = period_col * period_col + period_row * period_row;
  const double centre_col = static_cast<double>(raster_.width) / 2;
  const double centre_row = static_cast<double>(raster_.height) / 2;
  for (size_t i = 0; i < x.size(); ++i) {
    auto [col, row] = pixel_of(raster_, x[i], y[i]);
    if (length > 0) {
      const double away =
          ((col - centre_col) * period_col + (row - centre_row) * period_row) / length;
      const double turns = std::round(away);
      col -= turns * period_col;
      row -= turns * period_row;
    }
    x[i] = col;
    y[i] = row;
    ok[i] = ok[i] && std::isfinite(col) && std::isfinite(row);
  }
}

}  // namespace stip

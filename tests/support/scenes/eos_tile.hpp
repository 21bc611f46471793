#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "tests/support/scenes/eos_metadata.hpp"

// What the land tiles of MODIS and VIIRS share.

namespace stip::scenes {

/// A field of a tile: its pixels follow from what is known of each place, and are the fill value
/// where there is nothing to say (nullopt) or the place is not on the globe.
struct eos_field {
  std::string name;
  pixel_type type = pixel_type::int16;
  double fill = 0;
  double low = 0, high = 0;
  std::optional<double> scale, offset;
  std::string units = "none";
  std::function<std::optional<double>(const place&)> value;
};

/// Within the globe, or beyond it at the edge of the sinusoidal grid.
inline bool on_globe(const eos_grid& grid, const place& p) {
  constexpr double radius = 6371007.181;
  const double pixel = (grid.right - grid.left) / static_cast<double>(grid.edge);
  const double x = grid.left + (static_cast<double>(p.x) + 0.5) * pixel;
  const double y = grid.top - (static_cast<double>(p.y) + 0.5) * pixel;
  return std::abs(x) <= std::numbers::pi * radius * std::cos(y / radius);
}

/// The layer of a field; `step` finest pixels are one of the grid's.
inline layer eos_layer(const std::shared_ptr<const landscape>& land, int64_t step,
                       const eos_grid& grid, const eos_field& f, uint32_t number) {
  layer l;
  l.name = f.name;
  l.type = f.type;
  l.width = l.height = grid.edge;
  const double pixel = (grid.right - grid.left) / static_cast<double>(grid.edge);
  l.transform = {grid.left, pixel, 0, grid.top, 0, -(grid.top - grid.bottom) / double(grid.edge)};
  l.crs = sinusoidal_wkt();
  l.nodata = f.fill;
  l.scale = f.scale;
  l.offset = f.offset;
  const auto number_of = [grid, f](const place& p) {
    if (!on_globe(grid, p)) return f.fill;
    const auto v = f.value(p);
    return v ? whole(*v, f.low, f.high) : f.fill;
  };
  visit_pixel_type(f.type, [&]<class T>(std::type_identity<T>) {
    l.pixels = paint_places<T>(land, step, number, number_of);
  });
  return l;
}

/// Reflectance * 10000 of what is not under clouds.
inline std::function<std::optional<double>(const place&)> clear_reflectance(wave at) {
  return [at](const place& p) -> std::optional<double> {
    if (is_cloud(p)) return std::nullopt;
    return 10000 * reflectance(p, at, 0.022);
  };
}

/// Reflectance * 10000, clouds and all.
inline std::function<std::optional<double>(const place&)> any_reflectance(wave at) {
  return
      [at](const place& p) -> std::optional<double> { return 10000 * reflectance(p, at, 0.022); };
}

/// Kelvin / 0.02 where the ground is seen; `shift` in kelvin.
inline std::function<std::optional<double>(const place&)> clear_temperature(double shift) {
  return [shift](const place& p) -> std::optional<double> {
    if (is_cloud(p) || is_cirrus(p)) return std::nullopt;
    return (temperature(p) + shift) / 0.02;
  };
}

/// Emissivity as (e - 0.49) / 0.002.
inline std::function<std::optional<double>(const place&)> clear_emissivity(double more) {
  return [more](const place& p) -> std::optional<double> {
    if (is_cloud(p)) return std::nullopt;
    return (0.975 + more + 0.008 * double(p.vigour) + 0.001 * double(p.noise) - 0.49) / 0.002;
  };
}

/// What changes slowly across the tile.
inline std::function<std::optional<double>(const place&)> smooth_field(double first, double across,
                                                                       double down) {
  return [=](const place& p) -> std::optional<double> {
    return first + across * double(p.x) + down * double(p.y);
  };
}

}  // namespace stip::scenes

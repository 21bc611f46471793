#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "libstip/raster/pixel_type.hpp"
#include "tests/support/scenes/landscape.hpp"

// How a landscape becomes the numbers of a band.

namespace stip::scenes {

/// Fills a window of a layer with pixels of the layer's own type, row after row. The span has
/// exactly the window's bytes. Any number of threads may call it.
using paint = std::function<void(const window& w, std::span<std::byte> out)>;

/// Where in the spectrum a band looks.
enum class wave : uint8_t {
  coastal,
  blue,
  green,
  red,
  edge705,
  edge740,
  edge783,
  nir,
  nir865,
  vapour945,
  cirrus1375,
  swir1610,
  swir2200,
  swir1240,
};

/// A band of reflectance.
struct reflective_band {
  wave at = wave::red;
  /// Told apart from other bands in the noise.
  uint32_t number = 0;
  /// Standard deviation of what neighbours do not share (texture and the sensor's noise), in
  /// reflectance.
  double noise = 0.004;
  /// Reflectance of the air itself: 0 for bands of level 2.
  double path = 0;
  /// Number = reflectance * gain + offset, rounded, within [low, high].
  double gain = 10000;
  double offset = 0;
  double low = 1;
  double high = 32767;
  double nodata = 0;
};

/// The land's pixels in that band, on a grid whose pixels are `step` finest pixels wide.
paint paint_reflectance(std::shared_ptr<const landscape> land, int64_t step, pixel_type type,
                        const reflective_band& band);

/// All that is known of one pixel.
struct place {
  cover ground = cover::water;
  bool inside = true;
  float height = 0, slope = 0, vigour = 0;
  float cloud = 0, cirrus = 0, shadow = 0;
  /// Roughly normal with a standard deviation of 1, the pixel's own.
  float noise = 0;
  int64_t x = 0, y = 0;
};

/// What masks say of the sky above a pixel.
inline bool is_cloud(const place& p) {
  return p.cloud >= 0.5f;
}
inline bool is_cirrus(const place& p) {
  return !is_cloud(p) && p.cirrus >= 0.5f;
}
inline bool is_shadow(const place& p) {
  return !is_cloud(p) && !is_cirrus(p) && p.shadow >= 0.5f;
}

/// Reflectance of a pixel at the ground or the clouds' tops.
double reflectance(const place& p, wave band, double noise);

/// Kelvin at the ground or the clouds' tops, as a thermal band sees it.
double temperature(const place& p);

/// A layer whose pixels follow from what is known of each: `value(place)` becomes a T.
template <class T, class F>
paint paint_places(std::shared_ptr<const landscape> land, int64_t step, uint32_t number, F value) {
  return [land = std::move(land), step, number, value](const window& w, std::span<std::byte> out) {
    survey s;
    land->look(w, step, s);
    auto* to = reinterpret_cast<T*>(out.data());
    for (int64_t row = 0; row < w.height; ++row) {
      const auto row_bits =
          static_cast<uint32_t>(mix(land->options().seed * 1024 + number, w.y + row, step));
      for (int64_t k = 0; k < w.width; ++k) {
        const auto i = static_cast<size_t>(row * w.width + k);
        const place p{static_cast<cover>(s.ground[i]),
                      s.inside[i] != 0,
                      s.height[i],
                      s.slope[i],
                      s.vigour[i],
                      s.cloud[i],
                      s.cirrus[i],
                      s.shadow[i],
                      normal(pixel_bits(row_bits, static_cast<uint32_t>(w.x + k))),
                      w.x + k,
                      w.y + row};
        to[i] = static_cast<T>(value(p));
      }
    }
  };
}

/// Rounds to the nearest whole number within [low, high].
inline double whole(double value, double low, double high) {
  const double r = std::floor(value + 0.5);
  return r < low ? low : r > high ? high : r;
}

}  // namespace stip::scenes

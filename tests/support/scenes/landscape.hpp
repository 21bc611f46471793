#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// A made-up piece of the Earth and of the air above it. Everything about a pixel follows from the
// seed and the pixel's place alone, so that windows, resolutions, bands and later questions about
// one pixel agree.

namespace stip::scenes {

/// A window of a grid: columns [x, x + width), rows [y, y + height).
struct window {
  int64_t x = 0;
  int64_t y = 0;
  int64_t width = 0;
  int64_t height = 0;

  size_t pixels() const { return static_cast<size_t>(width * height); }
};

/// What covers the ground.
enum class cover : uint8_t { water, forest, crops, grass, bare, urban, snow };
inline constexpr size_t covers = 7;

/// Where pixels of a scene hold data.
enum class swath : uint8_t {
  /// Everywhere.
  whole,
  /// All but a wedge at the eastern side, as a tile at the edge of a swath.
  edge,
  /// A rotated square, as a scene that keeps the direction of its orbit in a north-up grid.
  rotated,
};

/// Ground and air over a window: arrays of one value a pixel, row after row.
struct survey {
  /// Fractal height, about -1 to 1.
  std::vector<float> height;
  /// What the finest octaves add to it: the light on slopes.
  std::vector<float> slope;
  /// Of the parcel of land, -1 to 1: how well things grow.
  std::vector<float> vigour;
  /// Opacity of clouds, of cirrus, and darkness of clouds' shadows; 0 to 1.
  std::vector<float> cloud, cirrus, shadow;
  /// A cover a pixel.
  std::vector<uint8_t> ground;
  /// 1 where the pixel is inside the swath.
  std::vector<uint8_t> inside;
};

struct landscape_options {
  uint64_t seed = 1;
  /// The finest grid of the product. Coarser grids cover the same ground.
  int64_t width = 0;
  int64_t height = 0;
  /// The share of the scene under clouds, 0 to 1; kept to within a few per cent.
  double clouds = 0.25;
  /// The share of the width that a swath's edge takes away.
  double nodata = 0.12;
  swath shape = swath::whole;
};

/// A landscape. Any number of threads may ask.
class landscape {
 public:
  explicit landscape(const landscape_options& options);

  /// What is in a window of a grid whose pixels are `step` of the finest pixels wide and high.
  void look(const window& w, int64_t step, survey& out) const;

  const landscape_options& options() const { return options_; }

 private:
  struct octaves {
    uint64_t seed = 0;
    int64_t coarsest = 0;
    int first = 0;
    int count = 0;
    /// The weight of the first octave of the seed; each next has `fading` times as much.
    float weight = 0.5f;
    float fading = 0.6f;
  };
  /// Adds octaves of noise to one row of pixel centres; `east` and `south` shift the noise by half
  /// pixels of the finest grid.
  static void add_noise(const octaves& o, int64_t x, int64_t y, int64_t width, int64_t step,
                        int64_t east, int64_t south, float* out);
  void add_parcels(const window& w, int64_t row, int64_t step, uint32_t* parcel) const;
  bool within(int64_t x, int64_t y, int64_t step) const;
  octaves clouds() const;
  octaves cirrus() const;
  float quantile(const octaves& o, double share) const;

  landscape_options options_;
  int64_t coarsest_ = 0;
  int64_t parcel_edge_ = 0;
  int64_t shadow_reach_ = 0;
  float cloud_level_ = 0;
  float cirrus_level_ = 0;
};

/// SplitMix64's finaliser over a counter: a good hash.
uint64_t mix(uint64_t x);
uint64_t mix(uint64_t seed, int64_t x, int64_t y);

/// Uniform in [0, 1).
inline float unit(uint64_t bits) {
  return static_cast<float>(bits >> 40) * (1.0f / 16777216.0f);
}

/// 32 random bits of one pixel, from those of its row: cheap, and compilers vectorise it.
inline uint32_t pixel_bits(uint32_t row_bits, uint32_t column) {
  uint32_t h = row_bits + column * 0x9e3779b9u;
  h ^= h >> 16;
  h *= 0x7feb352du;
  h ^= h >> 15;
  h *= 0x846ca68bu;
  return h ^ h >> 16;
}

/// Roughly normal with a standard deviation of 1: a sum of four uniform bytes.
inline float normal(uint32_t bits) {
  const int sum = static_cast<int>(bits & 255) + static_cast<int>(bits >> 8 & 255) +
                  static_cast<int>(bits >> 16 & 255) + static_cast<int>(bits >> 24);
  return static_cast<float>(sum - 510) * (1.0f / 147.8f);
}

}  // namespace stip::scenes

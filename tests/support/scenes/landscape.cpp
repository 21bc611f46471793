#include "tests/support/scenes/landscape.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace stip::scenes {

namespace {

/// Cells of the coarsest octave are half of the scene, within these bounds, in finest pixels.
constexpr int64_t least_coarsest = 16;
constexpr int64_t most_coarsest = 1024;
constexpr int height_octaves = 7;
/// Octaves that decide on water, mountains and snow, so that shores are smooth.
constexpr int smooth_octaves = 4;
constexpr int cloud_octaves = 6;
constexpr int cirrus_octaves = 3;

/// Heights where the covers change.
constexpr float shore = -0.20f;
constexpr float tree_line = 0.12f;
constexpr float snow_line = 0.34f;
/// How fast a cloud becomes opaque beyond its rim.
constexpr float rim = 14.0f;
/// The share of a scene under cirrus, of that under clouds.
constexpr double cirrus_share = 0.3;
/// Samples a side from which the levels of clouds are found.
constexpr int64_t samples = 96;

int64_t floor_div(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

float clamp01(float v) {
  return v < 0 ? 0.0f : v > 1 ? 1.0f : v;
}

}  // namespace

uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t mix(uint64_t seed, int64_t x, int64_t y) {
  return mix(seed ^
             mix(static_cast<uint64_t>(x) * 0x100000001b3 + mix(static_cast<uint64_t>(y) + 1)));
}

landscape::landscape(const landscape_options& options) : options_(options) {
  const auto half = std::clamp<int64_t>(std::min(options.width, options.height) / 2, least_coarsest,
                                        most_coarsest);
  coarsest_ = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(half)));
  parcel_edge_ = std::max<int64_t>(4, coarsest_ / 16);
  shadow_reach_ = std::max<int64_t>(2, coarsest_ / 16);
  cloud_level_ = quantile(clouds(), options.clouds);
  cirrus_level_ = quantile(cirrus(), options.clouds * cirrus_share);
}

landscape::octaves landscape::clouds() const {
  return {mix(options_.seed, 2, 0), coarsest_, 0, cloud_octaves, 0.5f, 0.55f};
}

landscape::octaves landscape::cirrus() const {
  return {mix(options_.seed, 3, 0), coarsest_, 0, cirrus_octaves, 0.5f, 0.5f};
}

void landscape::add_noise(const octaves& o, int64_t x, int64_t y, int64_t width, int64_t step,
                          int64_t east, int64_t south, float* out) {
  float weight = o.weight;
  for (int i = 0; i < o.first + o.count; ++i, weight *= o.fading) {
    if (i < o.first) continue;
    // In half pixels of the finest grid, so that centres are whole numbers.
    const int64_t cell = std::max<int64_t>(2, 2 * o.coarsest >> i);
    const uint64_t seed = mix(o.seed + static_cast<uint64_t>(i));
    const int64_t py = (2 * y + 1) * step + south;
    const int64_t cy = floor_div(py, cell);
    const float scale = 1.0f / static_cast<float>(cell);
    const float v = static_cast<float>(py - cy * cell) * scale;
    const float sv = v * v * (3 - 2 * v);
    const auto corner = [&](int64_t cx) {
      const float above = unit(mix(seed, cx, cy));
      const float below = unit(mix(seed, cx, cy + 1));
      return above + (below - above) * sv - 0.5f;
    };
    int64_t at = 0;
    int64_t cx = floor_div((2 * x + 1) * step + east, cell);
    float left = corner(cx);
    while (at < width) {
      const float right = corner(cx + 1);
      const int64_t first = (2 * (x + at) + 1) * step + east - cx * cell;
      // The columns whose centres lie in this cell.
      const int64_t count = std::min(width - at, (cell - first + 2 * step - 1) / (2 * step));
      const float rise = right - left;
      for (int64_t k = 0; k < count; ++k) {
        const float u = static_cast<float>(static_cast<int32_t>(first + 2 * step * k)) * scale;
        out[at + k] += weight * (left + rise * (u * u * (3 - 2 * u)));
      }
      at += count;
      const int64_t next = floor_div((2 * (x + at) + 1) * step + east, cell);
      left = next == cx + 1 ? right : corner(next);
      cx = next;
    }
  }
}

float landscape::quantile(const octaves& o, double share) const {
  const int64_t step = std::max<int64_t>(1, std::max(options_.width, options_.height) / samples);
  const int64_t across = std::max<int64_t>(1, options_.width / step);
  const int64_t down = std::max<int64_t>(1, options_.height / step);
  std::vector<float> values(static_cast<size_t>(across * down), 0.0f);
  for (int64_t y = 0; y < down; ++y)
    add_noise(o, 0, y, across, step, 0, 0, values.data() + y * across);
  std::sort(values.begin(), values.end());
  const double place = (1 - std::clamp(share, 0.0, 1.0)) * static_cast<double>(values.size());
  const auto index = std::min(values.size() - 1, static_cast<size_t>(place));
  if (share <= 0) return values.back() + 1;
  return share >= 1 ? values.front() - 1 : values[index];
}

void landscape::add_parcels(const window& w, int64_t row, int64_t step, uint32_t* parcel) const {
  const uint64_t seed = mix(options_.seed, 4, 0);
  const auto edge = 2 * parcel_edge_;
  const int64_t py = (2 * (w.y + row) + 1) * step;
  const int64_t cy = floor_div(py, edge);
  const auto y = static_cast<float>(py - cy * edge);
  int64_t at = 0;
  while (at < w.width) {
    const int64_t px = (2 * (w.x + at) + 1) * step;
    const int64_t cx = floor_div(px, edge);
    const int64_t first = px - cx * edge;
    const int64_t count = std::min(w.width - at, (edge - first + 2 * step - 1) / (2 * step));
    // Parcels are the nearest of the points of the nine squares around.
    std::array<float, 9> sx, sy;
    std::array<uint32_t, 9> id;
    for (int64_t i = 0; i < 9; ++i) {
      const auto bits = mix(seed, cx + i % 3 - 1, cy + i / 3 - 1);
      const auto k = static_cast<size_t>(i);
      sx[k] = (static_cast<float>(i % 3 - 1) + unit(bits)) * static_cast<float>(edge);
      sy[k] = (static_cast<float>(i / 3 - 1) + unit(bits << 24)) * static_cast<float>(edge) - y;
      id[k] = static_cast<uint32_t>(bits);
    }
    for (int64_t k = 0; k < count; ++k) {
      const auto x = static_cast<float>(static_cast<int32_t>(first + 2 * step * k));
      float nearest = 1e30f;
      uint32_t found = 0;
      for (size_t i = 0; i < 9; ++i) {
        const float dx = sx[i] - x;
        const float distance = dx * dx + sy[i] * sy[i];
        found = distance < nearest ? id[i] : found;
        nearest = distance < nearest ? distance : nearest;
      }
      parcel[at + k] = found;
    }
    at += count;
  }
}

bool landscape::within(int64_t x, int64_t y, int64_t step) const {
  const double u = (static_cast<double>(x) + 0.5) * static_cast<double>(step) /
                   static_cast<double>(options_.width);
  const double v = (static_cast<double>(y) + 0.5) * static_cast<double>(step) /
                   static_cast<double>(options_.height);
  const double n = options_.nodata;
  switch (options_.shape) {
    case swath::whole:
      return true;
    case swath::edge:
      return u < 1 - n * (0.5 + v);
    case swath::rotated:
      return u - n * (1 - v) > 0 && u + n * v < 1 && v - n * u > 0 && v + n * (1 - u) < 1;
  }
  return true;
}

void landscape::look(const window& w, int64_t step, survey& out) const {
  const auto n = w.pixels();
  out.height.assign(n, 0.0f);
  out.slope.assign(n, 0.0f);
  out.cloud.assign(n, 0.0f);
  out.cirrus.assign(n, 0.0f);
  out.shadow.assign(n, 0.0f);
  out.vigour.resize(n);
  out.ground.resize(n);
  out.inside.resize(n);
  std::vector<uint32_t> parcel(static_cast<size_t>(w.width));
  const octaves smooth{mix(options_.seed, 1, 0), coarsest_, 0, smooth_octaves, 0.5f, 0.6f};
  auto fine = smooth;
  fine.first = smooth_octaves;
  fine.count = height_octaves - smooth_octaves;
  const auto cloudy = clouds();
  const auto thin = cirrus();
  for (int64_t row = 0; row < w.height; ++row) {
    const auto from = static_cast<size_t>(row * w.width);
    float* const height = out.height.data() + from;
    float* const slope = out.slope.data() + from;
    float* const cloud = out.cloud.data() + from;
    float* const veil = out.cirrus.data() + from;
    float* const shadow = out.shadow.data() + from;
    const auto y = w.y + row;
    add_noise(smooth, w.x, y, w.width, step, 0, 0, height);
    add_noise(fine, w.x, y, w.width, step, 0, 0, slope);
    add_parcels(w, row, step, parcel.data());
    if (options_.clouds > 0) {
      add_noise(cloudy, w.x, y, w.width, step, 0, 0, cloud);
      // The sun stands in the south-east: shadows fall to the north-west.
      add_noise(cloudy, w.x, y, w.width, step, shadow_reach_, 2 * shadow_reach_, shadow);
      add_noise(thin, w.x, y, w.width, step, 0, 0, veil);
      for (int64_t k = 0; k < w.width; ++k) {
        cloud[k] = clamp01((cloud[k] - cloud_level_) * rim + 0.5f);
        shadow[k] = clamp01((shadow[k] - cloud_level_) * rim + 0.5f) * (1 - cloud[k]);
        veil[k] = clamp01((veil[k] - cirrus_level_) * rim + 0.5f) * (1 - cloud[k]);
      }
    }
    for (int64_t k = 0; k < w.width; ++k) {
      const auto i = from + static_cast<size_t>(k);
      const auto id = parcel[static_cast<size_t>(k)];
      const float h = height[k] + 0.25f * slope[k];
      const auto kind = id >> 4 & 15;
      auto c = kind < 6    ? cover::crops
               : kind < 9  ? cover::grass
               : kind < 11 ? cover::bare
                           : cover::forest;
      if (kind == 15) c = cover::urban;
      if (h > tree_line) c = cover::forest;
      if (h > snow_line) c = cover::snow;
      if (h < shore) c = cover::water;
      out.ground[i] = static_cast<uint8_t>(c);
      out.vigour[i] = static_cast<float>(id >> 8 & 0xffff) * (2.0f / 65535.0f) - 1;
      out.inside[i] = within(w.x + k, y, step) ? 1 : 0;
    }
  }
}

}  // namespace stip::scenes

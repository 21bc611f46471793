#include "libstip/analysis/cloud_shadow.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "libstip/analysis/flood_fill.hpp"

namespace stip {

namespace {

constexpr double radians_per_degree = std::numbers::pi / 180;

/// Reflectance as whole numbers, for the flood: hundredths of a per cent, 0 being -10 per cent.
constexpr float steps_of_reflectance = 10'000;
constexpr float lowest_reflectance = -0.1f;
constexpr uint16_t hole = std::numeric_limits<uint16_t>::max();
constexpr uint16_t brightest = hole - 1;

/// Fmask: what is this much darker than its filled self may be shadow.
constexpr int shadow_depth = 200;
/// Fmask: the background level of the flood is this quantile of the clear land.
constexpr double background_quantile = 0.175;
/// Fmask: at least this share of a moved cloud must fall on what is dark.
constexpr double least_match = 0.3;
/// Fmask: smaller clouds are left alone.
constexpr size_t least_cloud_pixels = 9;
/// Pixels of a cloud that are moved to find its height at most, evenly chosen.
constexpr size_t max_matched_pixels = 2048;
/// Heights that are tried for a cloud at most.
constexpr int max_heights = 600;

std::vector<uint16_t> whole_numbers(const spectral_band& band, std::span<const uint8_t> mask) {
  std::vector<uint16_t> out(mask.size());
  std::vector<float> values(spectral::strip_pixels);
  for (size_t first = 0; first < mask.size(); first += values.size()) {
    const auto count = std::min(values.size(), mask.size() - first);
    read_values(band, first, count, values.data());
    for (size_t i = 0; i < count; ++i) {
      const auto step = (values[i] - lowest_reflectance) * steps_of_reflectance;
      out[first + i] =
          mask[first + i] == static_cast<uint8_t>(mask_class::nodata) || std::isnan(step)
              ? hole
              : static_cast<uint16_t>(std::clamp(step, 0.0f, float(brightest)));
    }
  }
  return out;
}

/// The level of the flood: a low quantile of what is neither cloud nor water, of everything where
/// there is no such.
uint16_t background(const std::vector<uint16_t>& values, std::span<const uint8_t> mask) {
  std::vector<uint64_t> clear(size_t{hole} + 1), all(size_t{hole} + 1);
  uint64_t clear_count = 0, all_count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == hole) continue;
    ++all[values[i]];
    ++all_count;
    if (mask[i] != static_cast<uint8_t>(mask_class::clear)) continue;
    ++clear[values[i]];
    ++clear_count;
  }
  const auto& counts = clear_count == 0 ? all : clear;
  const auto total = clear_count == 0 ? all_count : clear_count;
  auto left = static_cast<int64_t>(background_quantile * double(total));
  for (size_t level = 0; level < counts.size(); ++level) {
    left -= static_cast<int64_t>(counts[level]);
    if (left < 0) return static_cast<uint16_t>(level);
  }
  return 0;
}

/// Marks what may be shadow: hollows in both bands.
std::vector<uint8_t> dark_pixels(const spectral_image& image, std::span<const uint8_t> mask) {
  std::vector<uint8_t> dark(mask.size(), 1);
  std::vector<uint16_t> filled(mask.size());
  for (const auto role : {band_role::nir, band_role::swir1}) {
    const auto values = whole_numbers(*image.of(role), mask);
    fill_hollows(values, image.size, background(values, mask), hole, filled);
    for (size_t i = 0; i < mask.size(); ++i)
      dark[i] &= values[i] != hole && int(filled[i]) - int(values[i]) > shadow_depth ? 1 : 0;
  }
  return dark;
}

/// The clouds of a mask: pixels of each, which touch by sides or corners.
class cloud_finder {
 public:
  cloud_finder(plane_size size, std::span<const uint8_t> mask)
      : size_(size), labels_(mask.size()), mask_(mask) {}

  /// The next cloud, and its number from 1 on; empty when there are no more.
  std::vector<uint32_t> next() {
    std::vector<uint32_t> out;
    while (at_ < mask_.size() && !fresh(at_)) ++at_;
    if (at_ == mask_.size()) return out;
    ++number_;
    take(at_, out);
    for (size_t i = 0; i < out.size(); ++i) {
      const size_t x = out[i] % size_.width, y = out[i] / size_.width;
      for (size_t ny = y == 0 ? 0 : y - 1; ny < std::min(size_.height, y + 2); ++ny)
        for (size_t nx = x == 0 ? 0 : x - 1; nx < std::min(size_.width, x + 2); ++nx)
          if (fresh(ny * size_.width + nx)) take(ny * size_.width + nx, out);
    }
    return out;
  }

  bool is_own(size_t at) const { return labels_[at] == number_; }

 private:
  bool fresh(size_t at) const {
    return labels_[at] == 0 && is_cloud(static_cast<mask_class>(mask_[at]));
  }

  void take(size_t at, std::vector<uint32_t>& out) {
    labels_[at] = number_;
    out.push_back(static_cast<uint32_t>(at));
  }

  plane_size size_;
  std::vector<uint32_t> labels_;
  std::span<const uint8_t> mask_;
  size_t at_ = 0;
  uint32_t number_ = 0;
};

/// Columns and rows by which a cloud's shadow lies off it.
struct shift {
  int64_t columns = 0;
  int64_t rows = 0;
};

/// The shifts from the lowest to the highest cloud, each once.
std::vector<shift> shifts_of(const shadow_geometry& g) {
  const auto elevation = g.sun.elevation * radians_per_degree;
  const auto azimuth = g.sun.azimuth * radians_per_degree;
  // Away from the sun, per metre of height: east and south.
  const auto east = -std::sin(azimuth) / std::tan(elevation) / g.pixel_width;
  const auto south = std::cos(azimuth) / std::tan(elevation) / g.pixel_height;
  const auto longest = (highest_cloud - lowest_cloud) * std::max(std::abs(east), std::abs(south));
  const auto steps = std::clamp(int(longest), 1, max_heights);
  std::vector<shift> out;
  for (int i = 0; i <= steps; ++i) {
    const auto height = lowest_cloud + (highest_cloud - lowest_cloud) * i / steps;
    const shift s{std::llround(height * east), std::llround(height * south)};
    if (out.empty() || out.back().columns != s.columns || out.back().rows != s.rows)
      out.push_back(s);
  }
  return out;
}

}  // namespace

result<void> add_shadows(const spectral_image& image, const shadow_geometry& geometry,
                         std::span<uint8_t> mask) {
  const auto what = "find the shadows of clouds";
  const auto pixels = image.size.pixels();
  for (const auto role : {band_role::nir, band_role::swir1}) {
    const auto& band = image.of(role);
    if (!band || !is_known(band->type) || band->pixels.size() != pixels * size_of(band->type))
      return fail(ec::invalid_argument, what,
                  "there is no " + std::string(to_string(role)) + " band of the image's size");
  }
  if (mask.size() != pixels)
    return fail(ec::invalid_argument, what, "the mask has another number of pixels");
  if (pixels >= std::numeric_limits<uint32_t>::max())
    return fail(ec::limit_exceeded, what, "the image has too many pixels", "use a longer geocode");
  if (!(geometry.sun.elevation >= lowest_sun) || !std::isfinite(geometry.sun.azimuth) ||
      !(geometry.pixel_width > 0) || !(geometry.pixel_height > 0))
    return fail(ec::unsupported, what, "the sun is too low, or its place is unknown");
  const auto dark = dark_pixels(image, mask);
  const auto shifts = shifts_of(geometry);
  const auto width = static_cast<int64_t>(image.size.width);
  const auto height = static_cast<int64_t>(image.size.height);
  const auto moved = [&](uint32_t pixel, const shift& by) {
    const auto x = static_cast<int64_t>(pixel) % width + by.columns;
    const auto y = static_cast<int64_t>(pixel) / width + by.rows;
    return x < 0 || y < 0 || x >= width || y >= height ? int64_t{-1} : y * width + x;
  };
  cloud_finder clouds(image.size, mask);
  // Shadows are entered at the end: one cloud's shadow is dark ground for the others.
  std::vector<uint8_t> shadow(pixels);
  for (auto cloud = clouds.next(); !cloud.empty(); cloud = clouds.next()) {
    if (cloud.size() < least_cloud_pixels) continue;
    const auto stride = (cloud.size() + max_matched_pixels - 1) / max_matched_pixels;
    const shift* best = nullptr;
    double best_match = least_match;
    for (const auto& by : shifts) {
      uint64_t fallen = 0, matched = 0;
      for (size_t i = 0; i < cloud.size(); i += stride) {
        const auto at = moved(cloud[i], by);
        if (at < 0) continue;
        const auto place = static_cast<size_t>(at);
        if (mask[place] == static_cast<uint8_t>(mask_class::nodata) || clouds.is_own(place))
          continue;
        ++fallen;
        // What another cloud hides may well be shadow.
        matched += dark[place] != 0 || is_cloud(static_cast<mask_class>(mask[place])) ? 1 : 0;
      }
      if (fallen == 0) continue;
      const auto match = double(matched) / double(fallen);
      if (match <= best_match) continue;
      best_match = match;
      best = &by;
    }
    if (best == nullptr) continue;
    for (const auto pixel : cloud)
      if (const auto at = moved(pixel, *best); at >= 0) shadow[static_cast<size_t>(at)] = 1;
  }
  for (size_t i = 0; i < pixels; ++i) {
    const auto c = static_cast<mask_class>(mask[i]);
    if (shadow[i] != 0 && c != mask_class::nodata && !is_cloud(c))
      mask[i] = static_cast<uint8_t>(mask_class::shadow);
  }
  return {};
}

void dilate_clouds(plane_size size, int radius, std::span<uint8_t> mask) {
  std::vector<uint8_t> cloud(mask.size()), near(mask.size());
  for (size_t i = 0; i < mask.size(); ++i) cloud[i] = is_cloud(static_cast<mask_class>(mask[i]));
  dilate(cloud, size, radius, near);
  for (size_t i = 0; i < mask.size(); ++i) {
    const auto c = static_cast<mask_class>(mask[i]);
    if (near[i] != 0 && !is_cloud(c) && c != mask_class::nodata && c != mask_class::shadow)
      mask[i] = static_cast<uint8_t>(mask_class::dilated);
  }
}

}  // namespace stip

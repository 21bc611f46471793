#define CAF_SUITE analysis.cloud_shadow
#include "libstip/analysis/cloud_shadow.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "libstip/analysis/flood_fill.hpp"
#include "tests/support/libstip/code_of.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// The flood by definition: levels sink until each is the least that its neighbours allow.
std::vector<uint16_t> filled_slowly(const std::vector<uint16_t>& from, plane_size size,
                                    uint16_t outside, uint16_t hole) {
  const auto w = int64_t(size.width), h = int64_t(size.height);
  std::vector<int> level(from.size(), 1 << 20);
  for (bool changed = true; changed;) {
    changed = false;
    for (int64_t y = 0; y < h; ++y)
      for (int64_t x = 0; x < w; ++x) {
        const auto at = size_t(y * w + x);
        if (from[at] == hole) continue;
        int lowest = 1 << 20;
        for (int64_t ny = y - 1; ny <= y + 1; ++ny)
          for (int64_t nx = x - 1; nx <= x + 1; ++nx) {
            const bool out = nx < 0 || ny < 0 || nx >= w || ny >= h;
            const auto near = size_t(ny * w + nx);
            lowest = std::min(lowest, out || from[near] == hole ? int(outside) : level[near]);
          }
        const auto next = std::max(int(from[at]), lowest);
        changed = changed || next < level[at];
        level[at] = std::min(level[at], next);
      }
  }
  std::vector<uint16_t> out(from.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = from[i] == hole ? hole : uint16_t(level[i]);
  return out;
}

constexpr size_t edge = 100;
constexpr double elevation = 45, azimuth = 135;

/// Grass under a square cloud, with its shadow that many pixels to the north west.
struct meadow {
  std::array<std::vector<float>, band_roles> values;
  spectral_image image;
  std::vector<uint8_t> mask;

  explicit meadow(size_t away, size_t side = 10) : mask(edge * edge, uint8_t(mask_class::clear)) {
    for (auto& band : values) band.assign(edge * edge, 0.3f);
    for (size_t y = 0; y < side; ++y)
      for (size_t x = 0; x < side; ++x) {
        mask[(60 + y) * edge + 60 + x] = uint8_t(mask_class::cloud);
        const auto shadow = (60 - away + y) * edge + 60 - away + x;
        for (const auto role : {band_role::nir, band_role::swir1})
          values[size_t(role)][shadow] = 0.1f;
      }
    image.size = {edge, edge};
    for (size_t role = 0; role < band_roles; ++role)
      image.bands[role] = spectral_band{
          pixel_type::float32, std::as_bytes(std::span(values[role])), {}, std::nullopt};
  }
};

}  // namespace

CAF_TEST(hollows are filled to where they run over) {
  std::mt19937_64 random(20260510);
  for (int round = 0; round < 80; ++round) {
    const plane_size size{1 + random() % 14, 1 + random() % 14};
    std::vector<uint16_t> from(size.pixels()), to(size.pixels());
    for (auto& value : from) value = random() % 12 == 0 ? 65535 : uint16_t(random() % 30);
    const auto outside = uint16_t(random() % 25);
    fill_hollows(from, size, outside, 65535, to);
    CAF_CHECK(to == filled_slowly(from, size, outside, 65535));
  }
}

CAF_TEST(a shadow lies away from the sun at the height that fits) {
  // 20 pixels to the north and 20 to the west: the sun in the south east at 45 degrees.
  meadow m(20);
  CAF_REQUIRE(add_shadows(m.image, {{elevation, azimuth}, 30, 30}, m.mask).has_value());
  const auto counts = count_classes(m.mask);
  CAF_CHECK_EQUAL(counts.of(mask_class::cloud), 100u);
  CAF_CHECK_EQUAL(counts.of(mask_class::shadow), 100u);
  size_t wrong = 0;
  for (size_t y = 40; y < 50; ++y)
    for (size_t x = 40; x < 50; ++x) wrong += m.mask[y * edge + x] != uint8_t(mask_class::shadow);
  CAF_CHECK_EQUAL(wrong, 0u);
}

CAF_TEST(dark ground on the side of the sun is no shadow and small clouds cast none) {
  meadow m(20);
  CAF_REQUIRE(add_shadows(m.image, {{elevation, azimuth + 180}, 30, 30}, m.mask).has_value());
  CAF_CHECK_EQUAL(count_classes(m.mask).of(mask_class::shadow), 0u);
  meadow small(20, 2);
  CAF_REQUIRE(add_shadows(small.image, {{elevation, azimuth}, 30, 30}, small.mask).has_value());
  CAF_CHECK_EQUAL(count_classes(small.mask).of(mask_class::shadow), 0u);
}

CAF_TEST(a sun that is too low and a band that is missing are refused) {
  meadow m(20);
  CAF_CHECK(code_of(add_shadows(m.image, {{3, azimuth}, 30, 30}, m.mask)) == ec::unsupported);
  CAF_CHECK(code_of(add_shadows(m.image, {{elevation, azimuth}, 0, 30}, m.mask)) ==
            ec::unsupported);
  m.image.bands[size_t(band_role::nir)].reset();
  CAF_CHECK(code_of(add_shadows(m.image, {{elevation, azimuth}, 30, 30}, m.mask)) ==
            ec::invalid_argument);
}

CAF_TEST(the margin of a cloud is dilated but neither shadow nor nodata) {
  std::vector<uint8_t> mask = {1, 1, 3, 2, 0, 5, 1, 1, 1};
  dilate_clouds({9, 1}, 3, mask);
  CAF_CHECK(mask == (std::vector<uint8_t>{7, 7, 3, 2, 0, 7, 7, 1, 1}));
}

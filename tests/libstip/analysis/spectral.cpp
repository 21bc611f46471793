#define CAF_SUITE analysis.spectral
#include "libstip/analysis/spectral.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "libstip/analysis/calibrate.hpp"
#include "tests/support/libstip/code_of.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr float none = std::numeric_limits<float>::quiet_NaN();
using pixel = std::array<float, band_roles>;

float of(const pixel& p, band_role role) {
  return p[size_t(role)];
}

/// The published tests, one pixel at a time.
mask_class by_definition(const pixel& p, const spectral::clear_sky& sky) {
  const float blue = of(p, band_role::blue), green = of(p, band_role::green),
              red = of(p, band_role::red), nir = of(p, band_role::nir),
              swir1 = of(p, band_role::swir1), swir2 = of(p, band_role::swir2),
              kelvin = of(p, band_role::thermal), cirrus = of(p, band_role::cirrus);
  for (const float value : {blue, green, red, nir, swir1, swir2})
    if (std::isnan(value)) return mask_class::nodata;
  const bool has_kelvin = !std::isnan(kelvin);
  const float ndsi = green + swir1 != 0 ? (green - swir1) / (green + swir1) : 0;
  const float ndvi = nir + red != 0 ? (nir - red) / (nir + red) : 0;
  const float mean = (blue + green + red) * (1.0f / 3);
  const float whiteness =
      mean > 0 ? (std::abs(blue - mean) + std::abs(green - mean) + std::abs(red - mean)) / mean : 1;
  const bool basic =
      swir2 > 0.03f && (!has_kelvin || kelvin < 300.15f) && ndsi < 0.8f && ndvi < 0.8f;
  const bool seen =
      basic && whiteness < 0.7f && blue - 0.5f * red - 0.08f > 0 && nir > 0.75f * swir1;
  const bool potential = seen || cirrus > 0.01f;
  const bool water = (ndvi < 0.01f && nir < 0.11f) || (ndvi < 0.1f && ndvi > 0 && nir < 0.05f);
  const bool snow =
      ndsi > 0.15f && (!has_kelvin || kelvin < 276.95f) && nir > 0.11f && green > 0.1f;
  bool cloud = potential;
  if (sky.second_pass) {
    const float variability =
        std::max(0.0f, 1 - std::max(std::max(std::abs(ndvi), std::abs(ndsi)), whiteness));
    const float brightness = std::max(std::min(swir1, 0.11f), 0.0f) * (1.0f / 0.11f);
    const float high = std::isnan(cirrus) ? 0 : std::max(0.0f, cirrus * (1 / 0.04f));
    float cold = 1, colder = 1;
    if (sky.thermal && has_kelvin) {
      cold =
          std::max(0.0f, (sky.land_warm + 4 - kelvin) / (sky.land_warm + 4 - (sky.land_cold - 4)));
      colder = std::max(0.0f, sky.water_warm - kelvin) * 0.25f;
    }
    const float by_land = cold * variability + high, by_water = colder * brightness + high;
    cloud = (potential && water && by_water > 0.5f) ||
            (potential && !water && by_land > sky.land_threshold) || (!water && by_land > 0.99f) ||
            (sky.thermal && kelvin < sky.land_cold - 35);
  }
  if (cloud) return potential && !seen ? mask_class::cirrus : mask_class::cloud;
  return snow ? mask_class::snow : water ? mask_class::water : mask_class::clear;
}

/// Random pixels, many of them near the bounds, some without data.
std::vector<pixel> random_pixels(size_t count, std::mt19937_64& random) {
  std::uniform_real_distribution<float> unit(0, 1);
  std::vector<pixel> out(count);
  for (auto& p : out) {
    const float bright = unit(random) * unit(random);
    for (size_t b = 0; b < 6; ++b) p[b] = bright * (0.8f + 0.4f * unit(random)) - 0.01f;
    p[size_t(band_role::cirrus)] =
        unit(random) < 0.9f ? 0.012f * unit(random) : unit(random) * 0.1f;
    p[size_t(band_role::thermal)] = 240 + 70 * unit(random);
    if (unit(random) < 0.05f) p[random() % band_roles] = none;
  }
  return out;
}

/// Planes of floats, and the image over them.
struct planes {
  std::array<std::vector<float>, band_roles> values;
  spectral_image image;

  explicit planes(const std::vector<pixel>& pixels, size_t width = 0) {
    image.size = {width == 0 ? pixels.size() : width, width == 0 ? 1 : pixels.size() / width};
    for (size_t role = 0; role < band_roles; ++role) {
      for (const auto& p : pixels) values[role].push_back(p[role]);
      image.bands[role] = spectral_band{
          pixel_type::float32, std::as_bytes(std::span(values[role])), {}, std::nullopt};
    }
  }
};

const spectral::clear_sky usual = {true, true, 284, 296, 290, 0.5f};

}  // namespace

CAF_TEST(masks equal the published tests pixel by pixel) {
  std::mt19937_64 random(20260504);
  for (const size_t count : {1, 15, 16, 17, 1023, 1024, 1025, 5000})
    for (const bool second : {false, true})
      for (const bool thermal : {false, true}) {
        auto sky = usual;
        sky.second_pass = second;
        sky.thermal = thermal;
        const auto pixels = random_pixels(count, random);
        const planes p(pixels);
        std::vector<uint8_t> mask(count);
        CAF_REQUIRE(spectral_mask(p.image, sky, mask).has_value());
        size_t wrong = 0;
        for (size_t i = 0; i < count; ++i)
          wrong += mask[i] != uint8_t(by_definition(pixels[i], sky));
        CAF_CHECK_EQUAL(wrong, 0u);
      }
}

CAF_TEST(whole numbers are calibrated and holes are nodata in every type) {
  std::mt19937_64 random(20260505);
  const size_t count = 700;
  std::array<std::vector<uint16_t>, band_roles> words;
  std::vector<pixel> expected(count);
  spectral_image image;
  image.size = {count, 1};
  for (size_t role = 0; role < band_roles; ++role) {
    const bool kelvin = role == size_t(band_role::thermal);
    spectral_calibration c{kelvin ? 0.00341802 : 2.75e-5, kelvin ? 149.0 : -0.2, std::nullopt};
    for (size_t i = 0; i < count; ++i) {
      const auto number = uint16_t(random() % 30 == 0 ? 0 : 7000 + random() % 33000);
      words[role].push_back(number);
      expected[i][role] = number == 0 ? none : float(number) * float(c.scale) + float(c.offset);
    }
    image.bands[role] =
        spectral_band{pixel_type::uint16, std::as_bytes(std::span(words[role])), c, 0.0};
  }
  std::vector<uint8_t> mask(count), valid(count, 1);
  for (size_t i = 0; i < count; i += 9) valid[i] = 0;
  image.valid = valid;
  CAF_REQUIRE(spectral_mask(image, usual, mask).has_value());
  size_t wrong = 0;
  for (size_t i = 0; i < count; ++i)
    wrong +=
        mask[i] != uint8_t(valid[i] == 0 ? mask_class::nodata : by_definition(expected[i], usual));
  CAF_CHECK_EQUAL(wrong, 0u);
}

CAF_TEST(radiance becomes temperature) {
  const thermal_constants tirs{774.8853, 1321.0789};
  spectral_band band;
  band.calibration = {3.342e-4, 0.1, tirs};
  std::vector<uint16_t> words;
  for (unsigned v = 1; v < 65536; v += 7) words.push_back(uint16_t(v));
  std::vector<float> direct(words.size());
  band.pixels = std::as_bytes(std::span(words));
  read_values(band, 0, words.size(), direct.data());
  double worst = 0;
  for (size_t i = 0; i < words.size(); ++i)
    worst = std::max(
        worst, std::abs(direct[i] - tirs.k2 / std::log(tirs.k1 / (words[i] * 3.342e-4 + 0.1) + 1)));
  CAF_CHECK(worst < 0.001);
}

CAF_TEST(the quantiles of an image are those of its clear land) {
  // Grass at temperatures that count up, water, and clouds that must not count.
  std::vector<pixel> pixels;
  for (int i = 0; i < 2000; ++i)
    pixels.push_back({0.04f, 0.06f, 0.05f, 0.35f, 0.2f, 0.1f, 0.001f, 280 + float(i) / 100});
  for (int i = 0; i < 1000; ++i)
    pixels.push_back({0.06f, 0.04f, 0.03f, 0.02f, 0.01f, 0.01f, 0.001f, 285 + float(i) / 100});
  for (int i = 0; i < 500; ++i) pixels.push_back({0.5f, 0.5f, 0.5f, 0.5f, 0.4f, 0.3f, 0.002f, 250});
  std::mt19937_64 random(20260506);
  std::shuffle(pixels.begin(), pixels.end(), random);
  const planes small(pixels);
  const auto sky = measure_clear_sky(small.image);
  CAF_REQUIRE(sky.has_value());
  CAF_CHECK(sky->second_pass && sky->thermal);
  CAF_CHECK(std::abs(sky->land_cold - 283.5f) < 0.02f);
  CAF_CHECK(std::abs(sky->land_warm - 296.5f) < 0.02f);
  CAF_CHECK(std::abs(sky->water_warm - 293.25f) < 0.02f);
  std::vector<uint8_t> mask(pixels.size());
  CAF_REQUIRE(spectral_mask(small.image, mask).has_value());
  const auto counts = count_classes(mask);
  CAF_CHECK_EQUAL(counts.of(mask_class::cloud), 500u);
  CAF_CHECK_EQUAL(counts.of(mask_class::water), 1000u);
  CAF_CHECK_EQUAL(counts.of(mask_class::clear), 2000u);
  // An image too large to look at every pixel comes to nearly the same.
  std::vector<pixel> many;
  for (int i = 0; i < 300; ++i) many.insert(many.end(), pixels.begin(), pixels.end());
  std::shuffle(many.begin(), many.end(), random);
  const planes large(many);
  const auto about = measure_clear_sky(large.image);
  CAF_REQUIRE(about.has_value());
  CAF_CHECK(std::abs(about->land_cold - sky->land_cold) < 0.3f);
  CAF_CHECK(std::abs(about->land_warm - sky->land_warm) < 0.3f);
}

CAF_TEST(an image of clouds alone and one without data have no second pass) {
  const std::vector<pixel> white(300, pixel{0.5f, 0.5f, 0.5f, 0.5f, 0.4f, 0.3f, 0.002f, 250});
  const planes cloudy(white);
  std::vector<uint8_t> mask(300);
  CAF_REQUIRE(spectral_mask(cloudy.image, mask).has_value());
  CAF_CHECK(mask == std::vector<uint8_t>(300, uint8_t(mask_class::cloud)));
  const planes empty(std::vector<pixel>(300, pixel{none, 0, 0, 0, 0, 0, 0, 0}));
  CAF_REQUIRE(spectral_mask(empty.image, mask).has_value());
  CAF_CHECK(mask == std::vector<uint8_t>(300, uint8_t(mask_class::nodata)));
}

CAF_TEST(missing bands and lengths that do not fit are named) {
  std::mt19937_64 random(1);
  planes p(random_pixels(50, random));
  std::vector<uint8_t> mask(50);
  auto image = p.image;
  image.bands[size_t(band_role::swir1)].reset();
  const auto lacking = spectral_mask(image, mask);
  CAF_REQUIRE(!lacking.has_value());
  CAF_CHECK(lacking.error().why.find("swir1") != std::string::npos);
  image = p.image;
  image.bands[size_t(band_role::red)]->pixels = image.bands[0]->pixels.first(40);
  CAF_CHECK(code_of(spectral_mask(image, mask)) == ec::invalid_argument);
  mask.resize(49);
  CAF_CHECK(code_of(spectral_mask(p.image, mask)) == ec::invalid_argument);
}

CAF_TEST(bands without a known scale are refused by name) {
  scene_description scene;
  scene.platform = "Sentinel-2-L1C";
  scene.subdatasets.resize(1);
  for (const auto* name : {"B02", "B03", "B04", "B8A", "B11", "B12"}) {
    auto& band = scene.subdatasets[0].bands.emplace_back();
    band.name = name;
    band.scale = 1e-4;
    band.unit = "reflectance";
  }
  const auto source = find_spectral(scene);
  CAF_REQUIRE(source.has_value());
  CAF_CHECK(calibrate(scene, *source, {45, 150}).has_value());
  scene.subdatasets[0].bands[3].unit.clear();
  const auto refused = calibrate(scene, *source, {45, 150});
  CAF_REQUIRE(!refused.has_value());
  CAF_CHECK(to_string(refused.error()).find("B8A") != std::string::npos);
  CAF_CHECK(to_string(refused.error()).find("baseline") != std::string::npos);
}

CAF_TEST(the angle of the sun is taken into account where the product left it out) {
  scene_description scene;
  scene.platform = "Landsat8C2L1";
  scene.subdatasets.resize(1);
  for (const auto* name : {"B2", "B3", "B4", "B5", "B6", "B7", "B10"}) {
    auto& band = scene.subdatasets[0].bands.emplace_back();
    band.name = name;
    band.scale = 2e-5;
    band.offset = -0.1;
    band.unit = "reflectance";
    band.properties["sun_angle"] = "not corrected";
  }
  const auto source = find_spectral(scene);
  CAF_REQUIRE(source.has_value());
  const auto calibrated = calibrate(scene, *source, {30, 150});
  CAF_REQUIRE(calibrated.has_value());
  CAF_CHECK(std::abs((*calibrated)[0]->scale - 4e-5) < 1e-12);
  CAF_CHECK(std::abs((*calibrated)[0]->offset + 0.2) < 1e-12);
  CAF_CHECK((*calibrated)[size_t(band_role::thermal)]->thermal.has_value());
  CAF_CHECK(code_of(calibrate(scene, *source, {-3, 150})) == ec::unsupported);
}

#define CAF_SUITE analysis.image_filter
#include "libstip/analysis/image_filter.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "libstip/raster/nodata.hpp"
#include "tests/support/libstip/code_of.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// A scene of one subdataset.
scene_description scene_of(pixel_type type, validity valid, const std::vector<std::string>& names,
                           std::optional<double> nodata) {
  scene_description out;
  out.platform = "mine";
  out.tile = "T";
  auto& part = out.subdatasets.emplace_back();
  part.id = "0";
  part.type = type;
  part.valid = valid;
  part.grid.width = 40;
  part.grid.height = 30;
  for (const auto& name : names) {
    auto& band = part.bands.emplace_back();
    band.name = name;
    if (nodata) band.nodata = nodata_pattern(type, *nodata);
  }
  return out;
}

/// A chip of 17 x 13 pixels of the scene with random numbers.
chip_image chip_of(const scene_description& scene, uint64_t seed) {
  std::mt19937_64 random(seed);
  chip_image out;
  out.description = scene.subdatasets[0];
  out.description.grid.width = 17;
  out.description.grid.height = 13;
  const auto bands = out.bands();
  out.pixels.resize(out.area() * bands * size_of(out.description.type));
  visit_pixel_type(out.description.type, [&]<class T>(std::type_identity<T>) {
    for (size_t i = 0; i < out.area() * bands; ++i) {
      const bool alpha = out.description.valid == validity::alpha && i >= out.area() * (bands - 1);
      const auto number = alpha ? T(random() % 4 == 0 ? 0 : 255) : T(random() % 100);
      std::memcpy(out.pixels.data() + i * sizeof(T), &number, sizeof(T));
    }
  });
  out.masks.resize(out.area() * mask_planes(out.description.valid, bands));
  for (auto& byte : out.masks) byte = random() % 4 != 0;
  return out;
}

result<chip_image> filtered(const scene_description& scene, const chip_image& chip,
                            const image_filter& filter) {
  STIP_ASSIGN(const auto part, describe_filtered(scene, 0, filter));
  return filter_chip(chip, part, filter);
}

std::vector<double> numbers(const chip_image& of, size_t band) {
  std::vector<double> out(of.area());
  visit_pixel_type(of.description.type, [&]<class T>(std::type_identity<T>) {
    for (size_t i = 0; i < out.size(); ++i) {
      T value{};
      std::memcpy(&value, of.band(band).data() + i * sizeof(T), sizeof(T));
      out[i] = double(value);
    }
  });
  return out;
}

const std::vector<pixel_type> all_types = {
    pixel_type::uint8,   pixel_type::int8,   pixel_type::uint16, pixel_type::int16,
    pixel_type::uint32,  pixel_type::int32,  pixel_type::uint64, pixel_type::int64,
    pixel_type::float32, pixel_type::float64};
const std::vector<validity> all_validities = {validity::nodata, validity::alpha, validity::mask,
                                              validity::band_masks, validity::all};

std::vector<image_filter> all_filters() {
  std::vector<image_filter> out;
  for (const auto* name : {"grayscale", "blur", "sharpen", "median", "edges", "equalize"})
    out.push_back(*parse_image_filter(name, std::nullopt));
  return out;
}

}  // namespace

CAF_TEST(names and radii go there and are bounded) {
  CAF_CHECK_EQUAL(parse_image_filter("blur", 5)->name(), "blur-r5");
  CAF_CHECK_EQUAL(parse_image_filter("blur", std::nullopt)->name(), "blur-r2");
  CAF_CHECK_EQUAL(parse_image_filter("median", std::nullopt)->name(), "median-r1");
  CAF_CHECK_EQUAL(parse_image_filter("edges", std::nullopt)->name(), "edges");
  CAF_CHECK(code_of(parse_image_filter("edges", 2)) == ec::invalid_argument);
  CAF_CHECK(code_of(parse_image_filter("blur", 0)) == ec::invalid_argument);
  CAF_CHECK(code_of(parse_image_filter("blur", 101)) == ec::invalid_argument);
  CAF_CHECK(code_of(parse_image_filter("median", 16)) == ec::invalid_argument);
  const auto unknown = parse_image_filter("bloom", std::nullopt);
  CAF_CHECK(to_string(unknown.error()).find("grayscale, blur, sharpen") != std::string::npos);
}

CAF_TEST(every filter leaves the holes of every type and validity as holes and makes none) {
  uint64_t seed = 20261212;
  CAF_MESSAGE("seed " << seed);
  for (const auto type : all_types)
    for (const auto valid : all_validities) {
      const auto scene = scene_of(type, valid, {"red", "green", "blue", "nir"},
                                  valid == validity::nodata ? std::optional(7.0) : std::nullopt);
      const auto chip = chip_of(scene, ++seed);
      for (const auto& filter : all_filters()) {
        const auto out = filtered(scene, chip, filter);
        CAF_REQUIRE(out.has_value());
        CAF_CHECK_EQUAL(out->masks.size(),
                        out->area() * mask_planes(out->description.valid, out->bands()));
        if (filter.kind == filter_kind::grayscale) {
          CAF_REQUIRE_EQUAL(out->bands(), 1u);
          auto expected = chip.valid_in(0);
          for (const size_t band : {1, 2}) {
            const auto other = chip.valid_in(band);
            for (size_t i = 0; i < expected.size(); ++i) expected[i] &= other[i];
          }
          CAF_CHECK(out->valid_in(0) == expected);
          continue;
        }
        const size_t bands = valid == validity::alpha ? 3 : 4;
        for (size_t b = 0; b < bands; ++b) CAF_CHECK(out->valid_in(b) == chip.valid_in(b));
      }
    }
}

CAF_TEST(gray is the brightness of colours and the mean of other bands) {
  const auto colours =
      scene_of(pixel_type::uint8, validity::all, {"nir", "blue", "red", "Green"}, {});
  const auto chip = chip_of(colours, 1);
  const auto gray = filtered(colours, chip, *parse_image_filter("grayscale", std::nullopt));
  CAF_REQUIRE(gray.has_value());
  const auto blue = numbers(chip, 1), red = numbers(chip, 2), green = numbers(chip, 3);
  const auto seen = numbers(*gray, 0);
  const auto valid = chip.valid();
  for (size_t i = 0; i < seen.size(); ++i)
    if (valid[i] != 0)
      CAF_CHECK_EQUAL(seen[i], std::nearbyint(0.299 * red[i] + 0.587 * green[i] + 0.114 * blue[i]));
  CAF_CHECK_EQUAL(gray->description.bands[0].properties.at("bands"), "blue, red, Green");
  const auto others = scene_of(pixel_type::int16, validity::all, {"a", "b"}, {});
  const auto pair = chip_of(others, 2);
  const auto mean = filtered(others, pair, *parse_image_filter("grayscale", std::nullopt));
  CAF_REQUIRE(mean.has_value());
  const auto a = numbers(pair, 0), b = numbers(pair, 1), m = numbers(*mean, 0);
  const auto counts = pair.valid();
  for (size_t i = 0; i < m.size(); ++i)
    if (counts[i] != 0) CAF_CHECK_EQUAL(m[i], std::nearbyint((a[i] + b[i]) / 2));
  auto apart = others;
  apart.subdatasets[0].bands[1].scale = 2;
  CAF_CHECK(code_of(filtered(apart, pair, *parse_image_filter("grayscale", std::nullopt))) ==
            ec::unsupported);
}

CAF_TEST(sharpening adds what blurring takes away and stays within the type) {
  const auto scene = scene_of(pixel_type::uint8, validity::all, {"a"}, {});
  auto chip = chip_of(scene, 3);
  std::fill(chip.masks.begin(), chip.masks.end(), 1);
  for (auto& byte : chip.pixels) byte = std::byte(std::to_integer<int>(byte) % 2 == 0 ? 0 : 255);
  const auto soft = filtered(scene, chip, {filter_kind::blur, 1});
  const auto sharp = filtered(scene, chip, {filter_kind::sharpen, 1});
  CAF_REQUIRE(soft.has_value());
  CAF_REQUIRE(sharp.has_value());
  // Black and white cannot become more so.
  CAF_CHECK(sharp->pixels == chip.pixels);
  CAF_CHECK(soft->pixels != chip.pixels);
  const auto floats = scene_of(pixel_type::float32, validity::nodata, {"a"}, -9999);
  const auto plane = chip_of(floats, 4);
  const auto s = filtered(floats, plane, {filter_kind::blur, 2});
  const auto t = filtered(floats, plane, {filter_kind::sharpen, 2});
  const auto own = numbers(plane, 0), less = numbers(*s, 0), more = numbers(*t, 0);
  for (size_t i = 0; i < own.size(); ++i)
    CAF_CHECK(std::abs(less[i] + more[i] - 2 * own[i]) < 1e-4);
}

CAF_TEST(equal frequencies are told in bytes) {
  for (const auto type : {pixel_type::uint16, pixel_type::float64}) {
    const auto scene = scene_of(type, validity::nodata, {"a"}, 0);
    const auto chip = chip_of(scene, 5);
    const auto out = filtered(scene, chip, {filter_kind::equalize, 0});
    CAF_REQUIRE(out.has_value());
    CAF_CHECK(out->description.type == pixel_type::uint8);
    const auto from = numbers(chip, 0), to = numbers(*out, 0);
    double count = 0, least = 0;
    double lowest = std::numeric_limits<double>::infinity();
    for (const auto value : from)
      if (value != 0) {
        ++count;
        lowest = std::min(lowest, value);
      }
    const auto upto = [&](double value) {
      return double(std::count_if(from.begin(), from.end(),
                                  [&](double other) { return other != 0 && other <= value; }));
    };
    least = upto(lowest);
    for (size_t i = 0; i < from.size(); ++i) {
      const double expected =
          from[i] == 0 ? 0 : std::round(1 + (upto(from[i]) - least) / (count - least) * 254);
      CAF_CHECK_EQUAL(to[i], expected);
    }
  }
  const auto flat = scene_of(pixel_type::int16, validity::all, {"a"}, {});
  auto chip = chip_of(flat, 6);
  std::fill(chip.pixels.begin(), chip.pixels.end(), std::byte{1});
  std::fill(chip.masks.begin(), chip.masks.end(), 1);
  const auto out = filtered(flat, chip, {filter_kind::equalize, 0});
  CAF_REQUIRE(out.has_value());
  CAF_CHECK(std::all_of(out->pixels.begin(), out->pixels.end(),
                        [](std::byte b) { return b == std::byte{1}; }));
}

CAF_TEST(large numbers of 64 bits do not run over) {
  const auto scene = scene_of(pixel_type::uint64, validity::all, {"a"}, {});
  auto chip = chip_of(scene, 7);
  std::fill(chip.pixels.begin(), chip.pixels.end(), std::byte{0xff});
  std::fill(chip.masks.begin(), chip.masks.end(), 1);
  const auto out = filtered(scene, chip, {filter_kind::sharpen, 1});
  CAF_REQUIRE(out.has_value());
  CAF_CHECK(out->pixels == chip.pixels);
}

CAF_TEST(classes and quality bands are not filtered) {
  auto scene = scene_of(pixel_type::uint8, validity::all, {"landcover"}, {});
  scene.subdatasets[0].bands[0].categories = {"water", "wood"};
  CAF_CHECK(code_of(describe_filtered(scene, 0, {filter_kind::blur, 1})) == ec::unsupported);
  scene.subdatasets[0].quality = true;
  CAF_CHECK(filtered_subdatasets(scene).empty());
}

CAF_TEST(a chip that is not of the part is refused) {
  const auto scene = scene_of(pixel_type::uint16, validity::mask, {"a", "b"}, {});
  const auto part = describe_filtered(scene, 0, {filter_kind::grayscale, 0});
  auto chip = chip_of(scene, 8);
  chip.pixels.resize(chip.pixels.size() - 2);
  CAF_CHECK(code_of(filter_chip(chip, *part, {filter_kind::grayscale, 0})) == ec::invalid_argument);
  chip = chip_of(scene, 9);
  chip.masks.clear();
  CAF_CHECK(code_of(filter_chip(chip, *part, {filter_kind::blur, 1})) == ec::invalid_argument);
}

#define CAF_SUITE analysis.mask_classes
#include "libstip/analysis/mask_classes.hpp"

#include <caf/test/unit_test.hpp>
#include <random>
#include <vector>

using namespace stip;

namespace {

std::vector<uint8_t> random_mask(size_t size, unsigned values, std::mt19937_64& random) {
  std::vector<uint8_t> out(size);
  for (auto& pixel : out) pixel = uint8_t(random() % values);
  return out;
}

}  // namespace

CAF_TEST(an image without a valid pixel has no cloud coverage) {
  const std::vector<uint8_t> mask(100, uint8_t(mask_class::nodata));
  CAF_CHECK(!fractions_of(count_classes(mask)).has_value());
  CAF_CHECK(!fractions_of(class_counts{}).has_value());
}

CAF_TEST(cloud coverage holds cirrus but neither shadow nor dilation nor snow) {
  const std::vector<uint8_t> mask = {0, 0, 1, 2, 2, 3, 4, 5, 6, 7};
  const auto counts = count_classes(mask);
  CAF_CHECK_EQUAL(counts.valid(), 8u);
  const auto shares = fractions_of(counts);
  CAF_REQUIRE(shares.has_value());
  CAF_CHECK_EQUAL(shares->cloud, 3.0 / 8);
  CAF_CHECK_EQUAL(shares->shadow, 1.0 / 8);
  CAF_CHECK_EQUAL(shares->cirrus, 1.0 / 8);
  CAF_CHECK_EQUAL(shares->dilated, 1.0 / 8);
  CAF_CHECK_EQUAL(shares->snow, 1.0 / 8);
}

CAF_TEST(counts equal those of a loop and parts add up to the whole) {
  std::mt19937_64 random(20260501);
  for (size_t size : {0, 1, 3, 4, 5, 1000, 4099}) {
    const auto mask = random_mask(size, 10, random);
    const auto own = random_mask(size, 2, random);
    class_counts all, kept;
    for (size_t i = 0; i < size; ++i) {
      const size_t c = mask[i] < mask_class_count ? mask[i] : 0;
      ++all.pixels[c];
      kept.pixels[c] += own[i];
    }
    CAF_CHECK(count_classes(mask) == all);
    if (size != 0) CAF_CHECK(count_classes(mask, own) == kept);
    auto sum = count_classes(std::span(mask).first(size / 3));
    sum += count_classes(std::span(mask).subspan(size / 3));
    CAF_CHECK(sum == all);
  }
}

CAF_TEST(holes become nodata and nothing else changes) {
  std::vector<uint8_t> mask = {1, 2, 3, 4};
  const std::vector<uint8_t> valid = {1, 0, 255, 0};
  keep_valid(valid, mask);
  CAF_CHECK(mask == (std::vector<uint8_t>{1, 0, 3, 0}));
}

#define CAF_SUITE analysis.statistics
#include "libstip/analysis/statistics.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace stip;

namespace {

constexpr float none = std::numeric_limits<float>::quiet_NaN();

/// NumPy's percentile of sorted numbers.
double percentile(const std::vector<float>& sorted, double q) {
  const double place = q / 100 * double(sorted.size() - 1);
  const auto low = size_t(place), high = std::min(low + 1, sorted.size() - 1);
  return double(sorted[low]) + (double(sorted[high]) - double(sorted[low])) * (place - double(low));
}

bool close(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

}  // namespace

CAF_TEST(numbers over a few pixels are those of a pocket calculator) {
  const std::vector<float> values = {1, none, 2, 3, 4, 100};
  const std::vector<uint8_t> own = {1, 1, 1, 1, 1, 0};
  const auto found = measure_pixels(values, own);
  CAF_CHECK_EQUAL(found.count, 4u);
  CAF_CHECK_EQUAL(found.pixels, 5u);
  CAF_CHECK_EQUAL(found.mean, 2.5);
  CAF_CHECK_EQUAL(found.least, 1.0);
  CAF_CHECK_EQUAL(found.most, 4.0);
  CAF_CHECK_EQUAL(found.standard_deviation, std::sqrt(1.25));
  CAF_CHECK_EQUAL(found.percentiles[1], 1.75);
  CAF_CHECK_EQUAL(found.percentiles[2], 2.5);
  CAF_CHECK(close(found.percentiles[4], 3.85, 1e-12));
}

CAF_TEST(without a pixel nothing is known) {
  for (const auto& found : {measure_pixels({}), measure_pixels(std::vector<float>{none, none}),
                            measure_pixels(std::vector<float>{1}, std::vector<uint8_t>{0})}) {
    CAF_CHECK_EQUAL(found.count, 0u);
    CAF_CHECK(std::isnan(found.mean));
    CAF_CHECK(std::isnan(found.least));
    CAF_CHECK(std::isnan(found.percentiles[2]));
  }
  const std::vector<float> one = {none, 7, none};
  const auto found = measure_pixels(one);
  CAF_CHECK_EQUAL(found.standard_deviation, 0.0);
  for (const auto value : found.percentiles) CAF_CHECK_EQUAL(value, 7.0);
}

CAF_TEST(a large mean does not drown a small deviation) {
  std::vector<float> values;
  for (int i = 0; i < 10'000; ++i) values.push_back(i % 2 == 0 ? 16'000'000.0f : 16'000'002.0f);
  const auto found = measure_pixels(values);
  CAF_CHECK(close(found.mean, 16'000'001, 1e-12));
  CAF_CHECK(close(found.standard_deviation, 1, 1e-9));
}

CAF_TEST(random planes come to what sorting and summing give) {
  constexpr uint64_t seed = 20261201;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    const auto count = size_t(1 + random() % 20'000);
    std::vector<float> values(count);
    std::vector<uint8_t> own(count);
    const double width = std::pow(10.0, double(random() % 9) - 4);
    std::normal_distribution<double> normal(width * double(random() % 5), width);
    for (size_t i = 0; i < count; ++i) {
      const auto kind = random() % 10;
      values[i] = kind == 0 ? none : kind == 1 ? 0.0f : float(normal(random));
      // Many equal numbers, as scaled bytes have.
      if (round % 3 == 0) values[i] = std::round(values[i] * 10) / 10;
      own[i] = random() % 4 != 0;
    }
    const bool by_mask = round % 2 == 0;
    std::vector<float> kept;
    for (size_t i = 0; i < count; ++i)
      if (!std::isnan(values[i]) && (!by_mask || own[i] != 0)) kept.push_back(values[i]);
    const auto found = measure_pixels(values, by_mask ? own : std::vector<uint8_t>());
    CAF_REQUIRE_EQUAL(found.count, kept.size());
    if (kept.empty()) continue;
    std::sort(kept.begin(), kept.end());
    long double sum = 0, squares = 0;
    for (const auto value : kept) sum += value;
    const auto mean = double(sum / kept.size());
    for (const auto value : kept)
      squares += (value - (long double)mean) * (value - (long double)mean);
    CAF_CHECK(close(found.mean, mean, 1e-12));
    CAF_CHECK(close(found.standard_deviation, std::sqrt(double(squares / kept.size())), 1e-10));
    CAF_CHECK_EQUAL(found.least, double(kept.front()));
    CAF_CHECK_EQUAL(found.most, double(kept.back()));
    for (size_t i = 0; i < told_percentiles.size(); ++i)
      CAF_CHECK_EQUAL(found.percentiles[i], percentile(kept, told_percentiles[i]));
  }
}

#define CAF_SUITE analysis.filter_planes
#include "libstip/analysis/filter_planes.hpp"

#include <algorithm>
#include <array>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "tests/support/libstip/code_of.hpp"

using namespace stip;
using namespace stip::test;

namespace {

template <class T>
struct made_plane {
  plane_size size;
  std::vector<T> values;
  std::vector<uint8_t> valid;

  made_plane(std::mt19937_64& random, size_t longest, unsigned holes) {
    size = {1 + size_t(random() % longest), 1 + size_t(random() % longest)};
    values.resize(size.pixels());
    valid.resize(size.pixels());
    for (auto& value : values) {
      if constexpr (std::is_floating_point_v<T>)
        value = T(std::normal_distribution<double>(10, 100)(random));
      else
        value = T(random());
    }
    for (size_t i = 0; i < valid.size(); ++i) {
      valid[i] = random() % 100 < holes ? 0 : 1;
      // What stands in a hole must not matter.
      if constexpr (std::is_floating_point_v<T>)
        if (valid[i] == 0) values[i] = std::numeric_limits<T>::quiet_NaN();
    }
  }

  bool counts(long x, long y) const {
    return x >= 0 && y >= 0 && x < long(size.width) && y < long(size.height) &&
           valid[size_t(y) * size.width + size_t(x)] != 0;
  }
  T at(long x, long y) const { return values[size_t(y) * size.width + size_t(x)]; }
};

/// OpenCV's documented width for a kernel's size.
double gaussian(int radius, int at) {
  const double sigma = 0.3 * (radius - 1) + 0.8;
  return std::exp(-at * at / (2 * sigma * sigma));
}

template <class T>
double blurred(const made_plane<T>& of, long x, long y, int radius) {
  double sum = 0, weights = 0;
  for (int r = -radius; r <= radius; ++r)
    for (int c = -radius; c <= radius; ++c) {
      if (!of.counts(x + c, y + r)) continue;
      const double weight = gaussian(radius, r) * gaussian(radius, c);
      sum += weight * double(of.at(x + c, y + r));
      weights += weight;
    }
  return sum / weights;
}

template <class T>
T median(const made_plane<T>& of, long x, long y, int radius) {
  std::vector<T> window;
  for (int r = -radius; r <= radius; ++r)
    for (int c = -radius; c <= radius; ++c)
      if (of.counts(x + c, y + r)) window.push_back(of.at(x + c, y + r));
  std::sort(window.begin(), window.end());
  return window[(window.size() - 1) / 2];
}

template <class T>
double gradient(const made_plane<T>& of, long x, long y) {
  const auto at = [&](long c, long r) {
    return double(of.counts(x + c, y + r) ? of.at(x + c, y + r) : of.at(x, y));
  };
  const double across = at(1, -1) - at(-1, -1) + 2 * (at(1, 0) - at(-1, 0)) + at(1, 1) - at(-1, 1);
  const double down = at(-1, 1) - at(-1, -1) + 2 * (at(0, 1) - at(0, -1)) + at(1, 1) - at(1, -1);
  return std::hypot(across, down);
}

/// Whether a hole of the plane was left as it is.
template <class T>
bool untouched(T before, T after) {
  return before == after || (before != before && after != after);
}

template <class T>
void try_medians(uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int round = 0; round < 12; ++round) {
    const made_plane<T> plane(random, 24, round % 3 == 0 ? 0 : 20);
    const int radius = 1 + round % 4;
    auto values = plane.values;
    CAF_REQUIRE(median_plane<T>(std::span(values), plane.valid, plane.size, radius).has_value());
    size_t wrong = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const auto x = long(i % plane.size.width), y = long(i / plane.size.width);
      const bool right = plane.valid[i] == 0 ? untouched(plane.values[i], values[i])
                                             : values[i] == median(plane, x, y, radius);
      wrong += right ? 0 : 1;
    }
    CAF_CHECK_EQUAL(wrong, 0u);
  }
}

template <class T>
void try_blurs(uint64_t seed, double tolerance) {
  std::mt19937_64 random(seed);
  for (int round = 0; round < 40; ++round) {
    const made_plane<T> plane(random, 24, round % 3 == 0 ? 0 : 30);
    const int radius = std::array{1, 2, 5, 40}[size_t(round) % 4];
    auto soft = plane.values, sharp = plane.values;
    CAF_REQUIRE(blur_plane<T>(std::span(soft), plane.valid, plane.size, radius).has_value());
    CAF_REQUIRE(edges_of_plane<T>(std::span(sharp), plane.valid, plane.size).has_value());
    size_t wrong = 0;
    for (size_t i = 0; i < soft.size(); ++i) {
      const auto x = long(i % plane.size.width), y = long(i / plane.size.width);
      if (plane.valid[i] == 0) {
        wrong +=
            untouched(plane.values[i], soft[i]) && untouched(plane.values[i], sharp[i]) ? 0 : 1;
        continue;
      }
      const bool right = std::abs(double(soft[i]) - blurred(plane, x, y, radius)) < tolerance &&
                         std::abs(double(sharp[i]) - gradient(plane, x, y)) < 10 * tolerance;
      wrong += right ? 0 : 1;
    }
    CAF_CHECK_EQUAL(wrong, 0u);
  }
}

size_t threads() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return size_t(std::distance(begin(tasks), end(tasks)));
}

}  // namespace

CAF_TEST(medians of any type are those of sorting the valid pixels of each window) {
  constexpr uint64_t seed = 20261210;
  CAF_MESSAGE("seed " << seed);
  try_medians<uint8_t>(seed);
  try_medians<int8_t>(seed + 1);
  try_medians<uint16_t>(seed + 2);
  try_medians<int16_t>(seed + 3);
  try_medians<uint32_t>(seed + 4);
  try_medians<int32_t>(seed + 5);
  try_medians<uint64_t>(seed + 6);
  try_medians<int64_t>(seed + 7);
  try_medians<float>(seed + 8);
  try_medians<double>(seed + 9);
}

CAF_TEST(blurs and edges are those of sums over the valid pixels of each window) {
  constexpr uint64_t seed = 20261211;
  CAF_MESSAGE("seed " << seed);
  try_blurs<float>(seed, 1e-3);
  try_blurs<double>(seed + 1, 1e-9);
}

CAF_TEST(a hole leaves a plain as it is) {
  const plane_size size{9, 9};
  std::vector<uint8_t> valid(81, 1);
  std::vector<float> values(81, 7);
  for (const size_t i : {0, 40, 41, 80}) {
    valid[i] = 0;
    values[i] = -9999;
  }
  auto soft = values;
  CAF_REQUIRE(blur_plane<float>(std::span(soft), valid, size, 3).has_value());
  CAF_REQUIRE(edges_of_plane<float>(std::span(values), valid, size).has_value());
  for (size_t i = 0; i < 81; ++i) {
    CAF_CHECK(std::abs(soft[i] - (valid[i] != 0 ? 7 : -9999)) < 1e-5f);
    CAF_CHECK_EQUAL(values[i], valid[i] != 0 ? 0.0f : -9999.0f);
  }
}

CAF_TEST(planes that do not fit are refused and empty ones are nothing) {
  std::vector<float> values(6);
  const std::vector<uint8_t> valid(6, 1), fewer(5, 1);
  CAF_CHECK(code_of(blur_plane<float>(std::span(values), valid, {4, 2}, 1)) ==
            ec::invalid_argument);
  CAF_CHECK(code_of(median_plane<float>(std::span(values), fewer, {3, 2}, 1)) ==
            ec::invalid_argument);
  CAF_CHECK(blur_plane<float>({}, {}, {0, 3}, 1).has_value());
}

CAF_TEST(no filter starts a thread) {
  const plane_size size{1500, 1500};
  const std::vector<uint8_t> valid(size.pixels(), 1);
  std::vector<uint8_t> bytes(size.pixels(), 3);
  std::vector<uint16_t> words(size.pixels(), 3);
  std::vector<float> values(size.pixels(), 3);
  const auto before = threads();
  CAF_REQUIRE(median_plane<uint8_t>(std::span(bytes), valid, size, 5).has_value());
  CAF_REQUIRE(median_plane<uint16_t>(std::span(words), valid, size, 2).has_value());
  CAF_REQUIRE(blur_plane<float>(std::span(values), valid, size, 9).has_value());
  CAF_REQUIRE(edges_of_plane<float>(std::span(values), valid, size).has_value());
  CAF_CHECK_EQUAL(threads(), before);
}

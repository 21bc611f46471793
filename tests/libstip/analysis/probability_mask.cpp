#define CAF_SUITE analysis.probability_mask
#include "libstip/analysis/probability_mask.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "libstip/analysis/mask_classes.hpp"
#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scene_planes.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// The definition, pixel by pixel.
std::vector<uint8_t> by_definition(const std::vector<float>& p, const std::vector<uint8_t>& valid,
                                   plane_size size, const probability_options& options) {
  const auto w = int64_t(size.width), h = int64_t(size.height);
  const auto mirror = [](int64_t at, int64_t n) {
    while (at < 0 || at >= n) at = at < 0 ? -1 - at : 2 * n - 1 - at;
    return at;
  };
  const auto good = [&](int64_t at) { return valid[size_t(at)] && !std::isnan(p[size_t(at)]); };
  std::vector<uint8_t> cloud(p.size()), out(p.size());
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x) {
      const int r = options.average;
      double sum = 0;
      int count = 0;
      for (int dy = -r; dy <= r; ++dy)
        for (int dx = -r; dx <= r; ++dx) {
          const auto at = mirror(y + dy, h) * w + mirror(x + dx, w);
          if (dx * dx + dy * dy > r * r || !good(at)) continue;
          sum += double(p[size_t(at)]);
          ++count;
        }
      cloud[size_t(y * w + x)] = good(y * w + x) && float(sum / count) > float(options.threshold);
    }
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x) {
      const int r = options.dilation;
      bool near = false;
      for (int dy = -r; dy <= r; ++dy)
        for (int dx = -r; dx <= r; ++dx)
          if (dx * dx + dy * dy <= r * r && y + dy >= 0 && y + dy < h && x + dx >= 0 && x + dx < w)
            near = near || cloud[size_t((y + dy) * w + x + dx)];
      const auto at = size_t(y * w + x);
      out[at] = uint8_t(!good(int64_t(at)) ? mask_class::nodata
                        : cloud[at]        ? mask_class::cloud
                        : near             ? mask_class::dilated
                                           : mask_class::clear);
    }
  return out;
}

}  // namespace

CAF_TEST(masks equal the definition with holes and disks larger than the plane) {
  std::mt19937_64 random(20260502);
  for (int round = 0; round < 60; ++round) {
    const plane_size size{1 + random() % 23, 1 + random() % 17};
    const probability_options options{int(random() % 8), 0.3 + double(random() % 4) / 10,
                                      int(random() % 6)};
    std::vector<float> p(size.pixels());
    std::vector<uint8_t> valid(size.pixels());
    for (auto& value : p)
      // Multiples of 1/16 with sums that are exact, so that ties are ties in any order.
      value =
          random() % 20 == 0 ? std::numeric_limits<float>::quiet_NaN() : float(random() % 17) / 16;
    for (auto& flag : valid) flag = random() % 5 != 0;
    std::vector<uint8_t> mask(size.pixels());
    CAF_REQUIRE(mask_of_probabilities(p, valid, size, options, mask).has_value());
    CAF_CHECK(mask == by_definition(p, valid, size, options));
  }
}

CAF_TEST(a lone cloud grows by the disk) {
  std::vector<float> p(49, 0);
  p[24] = 1;
  std::vector<uint8_t> mask(49);
  CAF_REQUIRE(mask_of_probabilities(p, {}, {7, 7}, {0, 0.4, 2}, mask).has_value());
  const auto counts = count_classes(mask);
  CAF_CHECK_EQUAL(counts.of(mask_class::cloud), 1u);
  // 13 pixels have their centre within 2 of another's.
  CAF_CHECK_EQUAL(counts.of(mask_class::dilated), 12u);
  CAF_CHECK_EQUAL(counts.of(mask_class::clear), 36u);
}

CAF_TEST(radii and sizes that do not fit are refused) {
  const std::vector<float> p(6);
  std::vector<uint8_t> mask(6);
  CAF_CHECK(code_of(mask_of_probabilities(p, {}, {2, 3}, {65, 0.4, 2}, mask)) ==
            ec::invalid_argument);
  CAF_CHECK(code_of(mask_of_probabilities(p, {}, {2, 3}, {4, 0.4, -1}, mask)) ==
            ec::invalid_argument);
  CAF_CHECK(code_of(mask_of_probabilities(p, {}, {2, 4}, {}, mask)) == ec::invalid_argument);
  CAF_CHECK(code_of(mask_of_probabilities(p, mask, {3, 2}, {}, mask)) == ec::none);
  CAF_CHECK(code_of(mask_of_probabilities({}, {}, {0, 3}, {}, {})) == ec::none);
}

CAF_TEST(the probabilities of three dates give the masks of s2cloudless) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA names no directory");
    return;
  }
  for (const auto* date : {"20150711T100008", "20150820T100728", "20150909T100017"}) {
    const auto folder = *data + "/sentinel2/eolearn-T33TVL-s2cloudless/";
    scene_options options;
    options.platform = "clouds";
    const auto probabilities = open_one(folder + "CLP_S2C_" + date + ".tif", options);
    const auto expected = open_one(folder + "CLM_S2C_" + date + ".tif", options);
    CAF_REQUIRE(probabilities != nullptr && expected != nullptr);
    const auto& part = probabilities->description().subdatasets[0];
    const plane_size size{size_t(part.grid.width), size_t(part.grid.height)};
    const auto p = float_plane(*probabilities, {0, 0});
    CAF_REQUIRE_EQUAL(p.size(), size.pixels());
    std::vector<uint8_t> mask(p.size());
    CAF_REQUIRE(mask_of_probabilities(p, {}, size, {}, mask).has_value());
    const auto wanted = float_plane(*expected, {0, 0});
    size_t differing = 0;
    for (size_t i = 0; i < mask.size(); ++i) {
      const bool cloudy = wanted[i] != 0;
      const bool ours =
          mask[i] == uint8_t(mask_class::cloud) || mask[i] == uint8_t(mask_class::dilated);
      differing += cloudy != ours;
    }
    CAF_MESSAGE(date << ": " << differing << " of " << mask.size() << " pixels differ");
    CAF_CHECK_EQUAL(differing, 0u);
  }
}

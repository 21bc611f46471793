#define CAF_SUITE scenes.pixels

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "tests/support/scenes/product.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;
using namespace stip::scenes;

namespace {

constexpr uint64_t seed = 20211122;

/// A small product of each family.
product small(const std::string& family, uint64_t scene_seed = 5) {
  recipe r;
  r.family = family;
  r.seed = scene_seed;
  r.size = 150;
  r.days = 3;
  auto planned = plan(r, "nowhere");
  CAF_REQUIRE(planned.has_value());
  return *planned;
}

std::vector<std::byte> painted(const layer& l, const window& w) {
  std::vector<std::byte> out(w.pixels() * size_of(l.type));
  l.pixels(w, out);
  return out;
}

double mean(const landscape& land, int64_t edge, std::vector<float> survey::*field) {
  survey s;
  land.look({0, 0, edge, edge}, 1, s);
  double sum = 0;
  for (const float v : s.*field) sum += v >= 0.5f;
  return sum / double((s.*field).size());
}

}  // namespace

CAF_TEST(a pixel is the same whatever window it is painted in) {
  std::mt19937_64 random(seed);
  for (const auto& f : families()) {
    const auto p = small(std::string(f.name));
    for (const auto& l : p.layers) {
      const auto all = painted(l, {0, 0, l.width, l.height});
      for (int i = 0; i < 3; ++i) {
        window w;
        w.x = int64_t(random() % uint64_t(l.width));
        w.y = int64_t(random() % uint64_t(l.height));
        w.width = 1 + int64_t(random() % uint64_t(l.width - w.x));
        w.height = 1 + int64_t(random() % uint64_t(std::min<int64_t>(8, l.height - w.y)));
        const auto part = painted(l, w);
        const auto size = size_of(l.type);
        bool same = true;
        for (int64_t row = 0; row < w.height; ++row)
          same = same && std::memcmp(part.data() + size_t(row * w.width) * size,
                                     all.data() + size_t((w.y + row) * l.width + w.x) * size,
                                     size_t(w.width) * size) == 0;
        if (!same) CAF_FAIL("windows of " << f.name << " " << l.name << " differ, seed " << seed);
        const auto value = value_at(l, w.y, w.x);
        const auto wanted = number_at(l.type, all, size_t(w.y * l.width + w.x));
        CAF_CHECK_EQUAL(value, wanted);
      }
    }
  }
}

CAF_TEST(another seed gives other pixels and the same seed the same ones) {
  for (const auto& f : families()) {
    const auto p = small(std::string(f.name)), same = small(std::string(f.name)),
               other = small(std::string(f.name), 6);
    size_t changed = 0;
    for (size_t i = 0; i < p.layers.size(); ++i) {
      const auto& l = p.layers[i];
      const window w{0, 0, l.width, l.height};
      CAF_CHECK(painted(l, w) == painted(same.layers[i], w));
      changed += painted(l, w) != painted(other.layers[i], w);
    }
    // Angles and the like are those of the orbit.
    CAF_CHECK(3 * changed > p.layers.size());
  }
}

CAF_TEST(clouds cover the share that was asked for) {
  for (const double share : {0.0, 0.1, 0.4, 0.9}) {
    const landscape land({9, 400, 400, share, 0, swath::whole});
    const double found = mean(land, 400, &survey::cloud);
    CAF_CHECK(std::abs(found - share) < 0.04);
  }
}

CAF_TEST(there is shadow but none under clouds) {
  const landscape land({9, 400, 400, 0.3, 0, swath::whole});
  survey s;
  land.look({0, 0, 400, 400}, 1, s);
  size_t shaded = 0, wrong = 0;
  for (size_t i = 0; i < s.cloud.size(); ++i) {
    shaded += s.shadow[i] > 0.5f;
    wrong += s.shadow[i] > 0.5f && s.cloud[i] > 0.5f;
  }
  CAF_CHECK(shaded > s.cloud.size() / 50);
  CAF_CHECK_EQUAL(wrong, 0u);
}

CAF_TEST(pixels outside the swath are nodata and none inside is) {
  recipe r;
  r.family = "landsat-l2sp";
  r.size = 200;
  auto p = plan(r, "nowhere");
  CAF_REQUIRE(p.has_value());
  const auto red = p->find("SR_B4"), quality = p->find("QA_PIXEL");
  CAF_REQUIRE(red.has_value() && quality.has_value());
  const window all{0, 0, (*red)->width, (*red)->height};
  const auto numbers = painted(**red, all), flags = painted(**quality, all);
  size_t outside = 0, wrong = 0;
  for (size_t i = 0; i < all.pixels(); ++i) {
    const bool fill = number_at(pixel_type::uint16, flags, i) == 1;
    outside += fill;
    wrong += fill != (number_at(pixel_type::uint16, numbers, i) == 0);
  }
  CAF_CHECK_EQUAL(wrong, 0u);
  CAF_CHECK(outside > all.pixels() / 10);
  CAF_CHECK(outside < all.pixels() / 2);
}

CAF_TEST(quality flags of Landsat agree with the brightness of clouds) {
  recipe r;
  r.family = "landsat-l2sp";
  r.size = 300;
  auto p = plan(r, "nowhere");
  CAF_REQUIRE(p.has_value());
  const auto red = p->find("SR_B4"), quality = p->find("QA_PIXEL");
  CAF_REQUIRE(red.has_value() && quality.has_value());
  const window all{0, 0, (*red)->width, (*red)->height};
  const auto numbers = painted(**red, all), flags = painted(**quality, all);
  double cloudy = 0, clear = 0, cloudy_sum = 0, clear_sum = 0;
  size_t wrong = 0;
  for (size_t i = 0; i < all.pixels(); ++i) {
    const auto bits = unsigned(number_at(pixel_type::uint16, flags, i));
    const auto value = number_at(pixel_type::uint16, numbers, i);
    const bool cloud = bits >> 3 & 1, sure = (bits >> 8 & 3) == 3, open = bits >> 6 & 1;
    if (bits == 1) continue;
    wrong += cloud != sure || (cloud && open);
    if (cloud) ++cloudy, cloudy_sum += value;
    if (open) ++clear, clear_sum += value;
  }
  CAF_CHECK_EQUAL(wrong, 0u);
  CAF_CHECK(cloudy > 0 && clear > 0);
  CAF_CHECK(cloudy_sum / cloudy > 1.5 * clear_sum / clear);
}

CAF_TEST(bands are correlated as those of the real Earth) {
  recipe r;
  r.family = "sentinel2-l1c";
  r.size = 300;
  r.clouds = 0;
  r.nodata = 0;
  auto p = plan(r, "nowhere");
  CAF_REQUIRE(p.has_value());
  const auto correlation = [&](const char* a, const char* b) {
    const auto one = p->find(a), two = p->find(b);
    CAF_REQUIRE(one.has_value() && two.has_value());
    const window all{0, 0, (*one)->width, (*one)->height};
    const auto x = painted(**one, all), y = painted(**two, all);
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    for (size_t i = 0; i < all.pixels(); ++i) {
      const double u = number_at(pixel_type::uint16, x, i), v = number_at(pixel_type::uint16, y, i);
      sx += u, sy += v, sxx += u * u, syy += v * v, sxy += u * v;
    }
    const auto n = double(all.pixels());
    return (n * sxy - sx * sy) / std::sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
  };
  CAF_CHECK(correlation("B02", "B03") > 0.8);
  CAF_CHECK(correlation("B03", "B04") > 0.8);
  CAF_CHECK(correlation("B04", "B08") < 0.7);
}

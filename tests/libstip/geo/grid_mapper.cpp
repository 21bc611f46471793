#define CAF_SUITE geo.grid_mapper
#include "libstip/geo/grid_mapper.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "grids.hpp"

using namespace stip;
using namespace stip::test;

namespace {

grid_mapper mapper(const grid& from, const grid& to) {
  auto made = grid_mapper::make(from, to);
  if (!made) CAF_FAIL(to_string(made.error()));
  return std::move(*made);
}

/// A picture in degrees, and in a Mercator projection, around the middle of a grid.
std::vector<grid> pictures_of(const grid& g) {
  std::vector<grid> out;
  auto there = pixel_mapper::make(g, 4326);
  double x = static_cast<double>(g.width) / 2, y = static_cast<double>(g.height) / 2;
  uint8_t ok = 0;
  there->to_cell_crs({&x, 1}, {&y, 1}, {&ok, 1});
  if (ok == 0 || std::abs(y) > 84) return out;
  const auto traits = describe_crs(g.crs_wkt);
  const double metres = std::hypot(g.transform[1], g.transform[4]) * traits->unit_metres;
  const double degrees = metres / 111'319;
  out.push_back(
      {"EPSG:4326", {x - 100 * degrees, degrees, 0, y + 80 * degrees, 0, -degrees}, 200, 160});
  auto mercator = coordinate_transform::make("EPSG:4326", "EPSG:3857");
  mercator->forward({&x, 1}, {&y, 1}, {&ok, 1});
  if (ok != 0)
    out.push_back(
        {"EPSG:3857", {x - 100 * metres, metres, 0, y + 80 * metres, 0, -metres}, 200, 160});
  return out;
}

}  // namespace

CAF_TEST(places are within an eighth of a pixel of what projecting gives whatever is asked beside) {
  constexpr uint64_t seed = 31;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  size_t compared = 0, interpolated = 0;
  for (const auto& [name, source, geohash, quadtile] : hard_grids())
    for (const auto& picture : pictures_of(source)) {
      auto m = mapper(picture, source), other = mapper(picture, source);
      for (int64_t row = 0; row < picture.height; row += 1 + static_cast<int64_t>(random() % 9)) {
        const auto begin = static_cast<int64_t>(random() % 100) - 20;
        const size_t count = 1 + random() % 120;
        std::vector<double> x(count), y(count), ex(count), ey(count);
        std::vector<uint8_t> ok(count), eok(count);
        m.row(begin, row, x, y, ok);
        for (size_t i = 0; i < count; ++i) {
          ex[i] = static_cast<double>(begin + static_cast<int64_t>(i)) + 0.5;
          ey[i] = static_cast<double>(row) + 0.5;
        }
        m.exact(ex, ey, eok);
        for (size_t i = 0; i < count; ++i) {
          if (ok[i] == 0) continue;
          CAF_REQUIRE(eok[i] != 0);
          const double off = std::max(std::abs(x[i] - ex[i]), std::abs(y[i] - ey[i]));
          if (off > grid_mapper::tolerance_pixels) CAF_ERROR(name << ": off by " << off);
          interpolated += off > 0 ? 1 : 0;
          ++compared;
        }
        // One pixel alone, by somebody else.
        const auto i = random() % count;
        double ax = 0, ay = 0;
        uint8_t aok = 0;
        other.row(begin + static_cast<int64_t>(i), row, {&ax, 1}, {&ay, 1}, {&aok, 1});
        CAF_CHECK_EQUAL(aok, ok[i]);
        if (aok != 0) CAF_CHECK(ax == x[i] && ay == y[i]);
      }
    }
  CAF_CHECK(compared > 10'000);
  CAF_CHECK(interpolated > compared / 4);
}

CAF_TEST(grids of one lattice are shifted and others are not ) {
  const auto g = square("EPSG:32632", 399960, 5700000, 60, 300, 400);
  auto part = g;
  part.transform[0] += 60 * 17;
  part.transform[3] -= 60 * 5;
  auto m = mapper(part, g);
  CAF_REQUIRE(m.shift().has_value());
  CAF_CHECK(*m.shift() == std::pair<int64_t, int64_t>(17, 5));
  auto half = part;
  half.transform[0] += 30;
  CAF_CHECK(!mapper(half, g).shift());
  auto coarse = part;
  coarse.transform[1] = 120;
  CAF_CHECK(!mapper(coarse, g).shift());
  auto zone = part;
  zone.crs_wkt = "EPSG:32633";
  CAF_CHECK(!mapper(zone, g).shift());
  // Over the antimeridian a source lies a turn away.
  const grid east{"EPSG:4326", {-180, 0.1, 0, 10, 0, -0.1}, 100, 100};
  const grid picture{"EPSG:4326", {179, 0.1, 0, 10, 0, -0.1}, 40, 100};
  auto over = mapper(picture, east);
  CAF_REQUIRE(over.shift().has_value());
  CAF_CHECK(*over.shift() == std::pair<int64_t, int64_t>(-10, 0));
  // The whole world on its own grid; beyond its seam columns begin anew and are mapped.
  const grid world{"EPSG:4326", {-180, 1, 0, 90, 0, -1}, 360, 180};
  CAF_REQUIRE(mapper(world, world).shift().has_value());
  const grid seam{"EPSG:4326", {170, 1, 0, 90, 0, -1}, 20, 180};
  auto around = mapper(seam, world);
  CAF_CHECK(!around.shift());
  std::vector<double> x(20), y(20);
  std::vector<uint8_t> ok(20);
  around.row(0, 10, x, y, ok);
  for (size_t i = 0; i < 20; ++i)
    CAF_CHECK(std::abs(x[i] - (static_cast<double>((350 + i) % 360) + 0.5)) < 1e-6);
}

#define CAF_SUITE geo.footprint
#include "libstip/geo/footprint.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <random>

#include "grids.hpp"

using namespace stip;

namespace {

bool holds(const std::vector<lon_lat>& ring, lon_lat p) {
  bool inside = false;
  for (size_t i = 0; i + 1 < ring.size(); ++i) {
    const auto &a = ring[i], &b = ring[i + 1];
    if ((a.lat > p.lat) != (b.lat > p.lat) &&
        p.lon < a.lon + (p.lat - a.lat) / (b.lat - a.lat) * (b.lon - a.lon))
      inside = !inside;
  }
  return inside;
}

bool holds(const footprint& f, lon_lat p) {
  for (const auto& ring : f.rings)
    if (holds(ring, p)) return true;
  return false;
}

}  // namespace

CAF_TEST(a footprint holds the places of the raster and no others) {
  CAF_MESSAGE("seed 41");
  std::mt19937_64 random(41);
  for (const auto& sample : test::hard_grids()) {
    auto found = footprint_of(sample.grid);
    CAF_REQUIRE(found.has_value());
    auto mapper = pixel_mapper::make(sample.grid, 4326);
    CAF_REQUIRE(mapper.has_value());
    size_t points = 0;
    for (const auto& ring : found->rings) {
      CAF_REQUIRE(ring.size() >= 4);
      CAF_CHECK(ring.front() == ring.back());
      points += ring.size();
      double area = 0;
      for (size_t i = 0; i + 1 < ring.size(); ++i) {
        CAF_REQUIRE(std::abs(ring[i].lon) <= 180 && std::abs(ring[i].lat) <= 90);
        area += ring[i].lon * ring[i + 1].lat - ring[i + 1].lon * ring[i].lat;
      }
      CAF_CHECK(area > 0);
    }
    CAF_CHECK(points < 400);
    // Two pixels beside the outline the footprint must be right.
    size_t wrong = 0, inside = 0;
    std::uniform_real_distribution<double> sine(-1, 1), lon(-180, 180), unit(0, 1);
    const auto width = static_cast<double>(sample.grid.width);
    const auto height = static_cast<double>(sample.grid.height);
    for (int i = 0; i < 4000; ++i) {
      lon_lat p{lon(random), std::asin(sine(random)) * 180 / M_PI};
      if (i % 2 == 0) {
        double x = unit(random) * width, y = unit(random) * height;
        uint8_t ok = 0;
        mapper->to_cell_crs({&x, 1}, {&y, 1}, {&ok, 1});
        if (!ok || std::abs(y) > 90) continue;
        p = {std::remainder(x, 360.0), y};
      }
      double col = p.lon, row = p.lat;
      uint8_t ok = 0;
      mapper->to_pixel({&col, 1}, {&row, 1}, {&ok, 1});
      const double depth = ok ? std::min({col, row, width - col, height - row}) : -HUGE_VAL;
      const double near = 0.02 * std::max(width, height);
      // Beside the globe's edge pixels are too oblique to compare.
      double ahead_x[4] = {col - near, col + near, col, col};
      double ahead_y[4] = {row, row, row - near, row + near};
      uint8_t ahead[4] = {};
      mapper->to_cell_crs_unwrapped(ahead_x, ahead_y, ahead);
      const bool on_globe = ahead[0] && ahead[1] && ahead[2] && ahead[3];
      if (depth > near && on_globe) {
        wrong += !holds(*found, p);
        ++inside;
      } else if (depth < -near) {
        wrong += holds(*found, p);
      }
    }
    CAF_MESSAGE(sample.name << ": " << found->rings.size() << " rings, " << points << " points, "
                            << inside << " places inside, " << wrong << " wrong");
    CAF_CHECK_EQUAL(wrong, 0u);
  }
}

CAF_TEST(scenes over the antimeridian have a ring on each side) {
  auto found = footprint_of(test::square("EPSG:32601", 200000, 7000000, 500, 300, 200));
  CAF_REQUIRE(found.has_value());
  CAF_REQUIRE_EQUAL(found->rings.size(), 2u);
  auto whole = footprint_of(test::square("EPSG:4326", -180, 90, 1, 360, 180));
  CAF_REQUIRE(whole.has_value());
  auto text = whole->to_wkt();
  CAF_CHECK_EQUAL(text, "MULTIPOLYGON (((-180 -90, 180 -90, 180 90, -180 90, -180 -90)))");
}

CAF_TEST(a raster off the globe has an empty footprint) {
  auto found = footprint_of(test::modis(0, 0, 2400));
  CAF_REQUIRE(found.has_value());
  auto text = found->to_wkt();
  CAF_CHECK_EQUAL(text, "MULTIPOLYGON EMPTY");
  CAF_CHECK(!footprint_of(test::square("", 0, 0, 1, 1, 1)));
}

CAF_TEST(the footprint of a part of a raster holds what lies in it and no more) {
  CAF_MESSAGE("seed 43");
  std::mt19937_64 random(43);
  std::uniform_real_distribution<double> unit(0, 1);
  for (const auto& sample : test::hard_grids()) {
    auto mapper = pixel_mapper::make(sample.grid, 4326);
    CAF_REQUIRE(mapper.has_value());
    const auto width = double(sample.grid.width), height = double(sample.grid.height);
    size_t inside = 0, outside = 0, wrong = 0;
    for (int round = 0; round < 20; ++round) {
      // A part of a twentieth, as chips are small beside their scenes.
      const double w = width / 20, h = height / 20;
      const double col = unit(random) * (width - w), row = unit(random) * (height - h);
      const std::array<pixel_point, 4> corners{
          {{col, row}, {col + w, row}, {col + w, row + h}, {col, row + h}}};
      const auto found = footprint_of(sample.grid, corners);
      CAF_REQUIRE(found.has_value());
      const auto place = [&](double x, double y) -> std::optional<lon_lat> {
        uint8_t ok = 0;
        mapper->to_cell_crs({&x, 1}, {&y, 1}, {&ok, 1});
        if (!ok) return std::nullopt;
        return lon_lat{std::remainder(x, 360.0), y};
      };
      // Where a corner is off the globe, pixels are too oblique to compare.
      if (!std::all_of(corners.begin(), corners.end(),
                       [&](const auto& c) { return place(c.col, c.row).has_value(); }))
        continue;
      for (int i = 0; i < 200; ++i) {
        const double x = unit(random) * 3 - 1, y = unit(random) * 3 - 1;
        const double depth = std::min({x, y, 1 - x, 1 - y});
        const auto p = place(col + x * w, row + y * h);
        if (!p || std::abs(depth) < 0.02 || std::abs(p->lat) > 90) continue;
        ++(depth > 0 ? inside : outside);
        wrong += holds(*found, *p) != (depth > 0);
      }
    }
    CAF_MESSAGE(sample.name << ": " << inside << " places inside, " << outside << " outside, "
                            << wrong << " wrong");
    CAF_CHECK_EQUAL(wrong, 0u);
  }
}

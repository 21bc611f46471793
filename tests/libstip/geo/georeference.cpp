#define CAF_SUITE geo.georeference
#include "libstip/geo/georeference.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "grids.hpp"

using namespace stip;

CAF_TEST(a projection is lon lat in this order and goes back) {
  auto made = coordinate_transform::make("EPSG:4326", "EPSG:32632");
  CAF_REQUIRE(made.has_value());
  double x[] = {9.0, 10.5, std::numeric_limits<double>::quiet_NaN(), HUGE_VAL};
  double y[] = {0.0, 48.25, 1.0, 2.0};
  uint8_t ok[4] = {7, 7, 7, 7};
  made->forward(x, y, ok);
  CAF_CHECK(ok[0] == 1 && ok[1] == 1 && ok[2] == 0 && ok[3] == 0);
  CAF_CHECK(std::abs(x[0] - 500000) < 1e-6 && std::abs(y[0]) < 1e-6);
  auto other = made->clone();
  CAF_REQUIRE(other.has_value());
  other->inverse({x, 2}, {y, 2}, {ok, 2});
  CAF_CHECK(ok[0] == 1 && ok[1] == 1);
  CAF_CHECK(std::abs(x[1] - 10.5) < 1e-9 && std::abs(y[1] - 48.25) < 1e-9);
  CAF_CHECK_EQUAL(made->transformed_points(), 4u);
  CAF_CHECK_EQUAL(other->transformed_points(), 2u);
}

CAF_TEST(points off a sinusoidal globe fail the round trip only) {
  auto made = coordinate_transform::make(test::sinusoidal, "EPSG:4326");
  CAF_REQUIRE(made.has_value());
  // 20,000 km west at 60 degrees north, where the globe ends at 10,000 km.
  double x[] = {-20000000, -9000000}, y[] = {6671703, 6671703};
  uint8_t ok[2] = {};
  made->forward(x, y, ok);
  CAF_CHECK(ok[0] == 1 && ok[1] == 1);
  double cx[] = {-20000000, -9000000}, cy[] = {6671703, 6671703};
  made->forward_checked(cx, cy, ok, 500);
  CAF_CHECK(ok[0] == 0 && ok[1] == 1);
}

CAF_TEST(what is no coordinate system is refused) {
  for (const std::string crs :
       {"", "nonsense", "EPSG:0", "EPSG:99999999", "/etc/passwd", "http://127.0.0.1/a.wkt"}) {
    CAF_CHECK(!describe_crs(crs));
    CAF_CHECK(!coordinate_transform::make(crs, "EPSG:4326"));
    CAF_CHECK(!same_crs(crs, crs));
  }
  CAF_CHECK(!describe_crs(std::string(size_t{8} << 20, 'P')));
}

CAF_TEST(the same system is known under other names) {
  CAF_CHECK(same_crs("EPSG:4326", "OGC:CRS84"));
  CAF_CHECK(same_crs("EPSG:32632", "+proj=utm +zone=32 +datum=WGS84") ||
            !same_crs("EPSG:32632", "EPSG:32633"));
  CAF_CHECK(!same_crs("EPSG:32632", "EPSG:32633"));
  CAF_CHECK(!same_crs("EPSG:4326", "EPSG:4269"));
  auto degrees = describe_crs("EPSG:4326");
  CAF_REQUIRE(degrees.has_value());
  CAF_CHECK(degrees->geographic);
  CAF_CHECK_EQUAL(degrees->period, 360.0);
  auto grads = describe_crs("EPSG:4807");
  CAF_REQUIRE(grads.has_value());
  CAF_CHECK(std::abs(grads->period - 400) < 1e-6);
}

CAF_TEST(pixels go to the ground and back) {
  for (const auto& sample : test::hard_grids()) {
    for (const int epsg : {4326, 3857}) {
      auto made = pixel_mapper::make(sample.grid, epsg);
      CAF_REQUIRE(made.has_value());
      auto mapper = made->clone();
      CAF_REQUIRE(mapper.has_value());
      size_t wrong = 0, seen = 0;
      double worst = 0;
      // PROJ chooses between datum shifts point by point, there and back by different borders.
      const double allowed = sample.name.starts_with("NAD27") ? 0.01 : 1e-5;
      for (int i = 0; i < 400; ++i) {
        const double col = (i % 20 + 0.5) * static_cast<double>(sample.grid.width) / 20;
        const double row = (i / 20 + 0.5) * static_cast<double>(sample.grid.height) / 20;
        double x = col, y = row;
        uint8_t ok = 0;
        mapper->to_cell_crs({&x, 1}, {&y, 1}, {&ok, 1});
        if (!ok) continue;
        mapper->to_pixel({&x, 1}, {&y, 1}, {&ok, 1});
        ++seen;
        worst = std::max({worst, std::abs(x - col), std::abs(y - row)});
        wrong += !ok || std::abs(x - col) > allowed || std::abs(y - row) > allowed;
      }
      if (wrong)
        CAF_MESSAGE(sample.name << " " << epsg << ": " << wrong << " of " << seen << ", by "
                                << worst);
      CAF_CHECK_EQUAL(wrong, 0u);
    }
  }
}

CAF_TEST(a grid in the CRS of the cells never meets PROJ) {
  auto degrees = pixel_mapper::make(test::square("OGC:CRS84", -10, 60, 0.25, 100, 100), 4326);
  CAF_REQUIRE(degrees.has_value());
  CAF_CHECK(degrees->is_affine());
  auto metres = pixel_mapper::make(test::square("EPSG:3857", -10, 60, 0.25, 100, 100), 3857);
  CAF_REQUIRE(metres.has_value());
  CAF_CHECK(metres->is_affine());
  auto across = pixel_mapper::make(test::square("EPSG:3857", -10, 60, 0.25, 100, 100), 4326);
  CAF_REQUIRE(across.has_value());
  CAF_CHECK(!across->is_affine());
  CAF_CHECK(!pixel_mapper::make(test::square("EPSG:4326", 0, 0, 1, 1, 1), 32632));
}

CAF_TEST(grids of 360 degrees are periodic) {
  auto period = [](const grid& g) { return period_columns(g).value_or(-1); };
  CAF_CHECK_EQUAL(period(test::square("EPSG:4326", 0, 90, 0.25, 1440, 720)), 1440);
  CAF_CHECK_EQUAL(period(test::square("EPSG:4326", -180.125, 90, 0.25, 1440, 720)), 1440);
  CAF_CHECK_EQUAL(period(test::square("EPSG:4269", -180, 90, 0.25 + 1e-9, 1440, 720)), 1440);
  CAF_CHECK_EQUAL(period(test::square("EPSG:4326", 0, 90, 0.25, 1439, 720)), -1);
  CAF_CHECK_EQUAL(period(test::square("EPSG:4326", 0, 90, 0.25, 1441, 720)), -1);
  CAF_CHECK_EQUAL(period(test::square("EPSG:32632", 0, 90, 1, 360, 720)), -1);
  CAF_CHECK_EQUAL(period(test::turned(test::square("EPSG:4326", 0, 90, 1, 360, 180))), -1);
}

CAF_TEST(longitudes reach the copy inside the raster) {
  auto mapper = pixel_mapper::make(test::square("EPSG:4326", 0, 90, 0.5, 720, 360), 4326);
  CAF_REQUIRE(mapper.has_value());
  double x[] = {-10, 10, -179.75, 179.75, 359.75}, y[] = {0, 0, 0, 0, 0};
  uint8_t ok[5] = {};
  mapper->to_pixel(x, y, ok);
  CAF_CHECK_EQUAL(x[0], 700.0);
  CAF_CHECK_EQUAL(x[1], 20.0);
  CAF_CHECK_EQUAL(x[2], 360.5);
  CAF_CHECK_EQUAL(x[3], 359.5);
  CAF_CHECK_EQUAL(x[4], 719.5);
  double col[] = {-0.5, 720.5}, row[] = {1, 1};
  mapper->to_cell_crs(col, row, {ok, 2});
  CAF_CHECK_EQUAL(col[0], 359.75);
  CAF_CHECK_EQUAL(col[1], 0.25);
}

CAF_TEST(grids that have no inverse are refused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CAF_CHECK(!check_grid({"EPSG:4326", {0, 1, 2, 0, 2, 4}, 10, 10}));
  CAF_CHECK(!check_grid({"EPSG:4326", {0, nan, 0, 0, 0, 1}, 10, 10}));
  CAF_CHECK(!check_grid({"EPSG:4326", {0, 1e-200, 0, 0, 0, 1e-200}, 10, 10}));
  CAF_CHECK(!check_grid({"EPSG:4326", {0, 1, 0, 0, 0, 1}, int64_t{1} << 40, 10}));
  CAF_CHECK(!check_grid({"EPSG:4326", {0, 1, 0, 0, 0, 1}, 10, -1}));
  CAF_CHECK(check_grid({"EPSG:4326", {0, 1, 0, 0, 0, 1}, 10, 10}));
}

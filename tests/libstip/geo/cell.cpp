#define CAF_SUITE geo.cell
#include "libstip/geo/cell.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "libstip/geo/geohash.hpp"
#include "libstip/geo/quadtile.hpp"

using namespace stip;

namespace {

constexpr auto geohash_ = geocode_algorithm::geohash;
constexpr auto quadtile_ = geocode_algorithm::quadtile;
constexpr geocode_algorithm both[] = {geohash_, quadtile_};

/// Geohash by literal halving, as its inventor describes it.
std::string halving_geohash(double lon, double lat, int precision) {
  if (lon >= 180) lon -= 360;
  double west = -180, east = 180, south = -90, north = 90;
  std::string code;
  int digit = 0;
  for (int i = 0; i < precision * 5; ++i) {
    double& low = i % 2 == 0 ? west : south;
    double& high = i % 2 == 0 ? east : north;
    const double value = i % 2 == 0 ? lon : lat;
    const double middle = (low + high) / 2;
    digit = digit * 2 + (value >= middle);
    (value >= middle ? low : high) = middle;
    if (i % 5 == 4) {
      code += "0123456789bcdefghjkmnpqrstuvwxyz"[digit];
      digit = 0;
    }
  }
  return code;
}

/// Quadkey by literal quartering of the square, north to south.
std::string quartering_quadtile(double x, double y, int precision) {
  double west = -1, east = 1, south = -1, north = 1;
  std::string code;
  for (int i = 0; i < precision; ++i) {
    const double mx = (west + east) / 2, my = (south + north) / 2;
    const bool is_east = x >= mx * quadtile::half_side, is_north = y >= my * quadtile::half_side;
    (is_east ? west : east) = mx;
    (is_north ? south : north) = my;
    code += static_cast<char>('0' + (is_north ? 0 : 2) + (is_east ? 1 : 0));
  }
  return code;
}

std::string encoded(geocode_algorithm algorithm, double lon, double lat, int precision) {
  auto code = encode(algorithm, {lon, lat}, precision);
  return code ? *code : "none";
}

double limit(geocode_algorithm algorithm) {
  return algorithm == geohash_ ? 90.0 : quadtile::max_latitude;
}

double below(double v) {
  return std::nextafter(v, -HUGE_VAL);
}

}  // namespace

CAF_TEST(known places have their known codes) {
  CAF_CHECK_EQUAL(encoded(geohash_, -5.6, 42.6, 5), "ezs42");
  CAF_CHECK_EQUAL(encoded(geohash_, 10.40744, 57.64911, 11), "u4pruydqqvj");
  CAF_CHECK_EQUAL(encoded(quadtile_, -0.1, 51.5, 3), "031");
  CAF_CHECK_EQUAL(encoded(quadtile_, -122.33, 47.6, 9), "021230030");
  CAF_CHECK_EQUAL(encoded(quadtile_, -1, 1, 1), "0");
  CAF_CHECK_EQUAL(encoded(quadtile_, 1, 1, 1), "1");
  CAF_CHECK_EQUAL(encoded(quadtile_, -1, -1, 1), "2");
  CAF_CHECK_EQUAL(encoded(quadtile_, 1, -1, 1), "3");
}

CAF_TEST(encoding agrees with literal halving) {
  CAF_MESSAGE("seed 21");
  std::mt19937_64 random(21);
  std::uniform_real_distribution<double> lon(-180, 180), lat(-90, 90);
  for (int i = 0; i < 20000; ++i) {
    double x = lon(random), y = lat(random);
    // Every third point lies exactly on an edge of some depth.
    if (i % 3 == 0) {
      x = std::ldexp(std::round(std::ldexp(x / 180, i % 30)), -(i % 30)) * 180;
      y = std::ldexp(std::round(std::ldexp(y / 90, i % 30)), -(i % 30)) * 90;
    }
    const int precision = 1 + i % 12;
    auto code = encoded(geohash_, x, y, precision);
    CAF_REQUIRE_EQUAL(code, halving_geohash(x, y, precision));
    if (std::abs(y) > 85) continue;
    const int zoom = 1 + i % 29;
    auto tile = encoded(quadtile_, x, y, zoom);
    CAF_REQUIRE_EQUAL(tile,
                      quartering_quadtile(quadtile::mercator_x(x), *quadtile::mercator_y(y), zoom));
  }
}

CAF_TEST(a cell holds its south west corner and none of its other edges) {
  CAF_MESSAGE("seed 22");
  std::mt19937_64 random(22);
  for (const auto algorithm : both) {
    for (int i = 0; i < 20000; ++i) {
      auto made = cell_grid::make(algorithm, 1 + i % max_precision(algorithm));
      CAF_REQUIRE(made.has_value());
      const cell_grid grid = *made;
      cell_index cell{static_cast<int64_t>(random() % static_cast<uint64_t>(grid.columns())),
                      static_cast<int64_t>(random() % static_cast<uint64_t>(grid.rows()))};
      if (i % 5 == 0) cell.row = grid.rows() - 1;
      if (i % 7 == 0) cell.column = grid.columns() - 1;
      const auto code = grid.code(cell);
      auto back = grid.index_of(code);
      CAF_REQUIRE(back.has_value());
      CAF_REQUIRE(*back == cell);
      CAF_REQUIRE_EQUAL(grid.packed(cell), pack(algorithm, code));
      auto box = decode(algorithm, code);
      CAF_REQUIRE(box.has_value());
      const int precision = grid.precision();
      CAF_REQUIRE_EQUAL(encoded(algorithm, box->west, box->south, precision), code);
      CAF_REQUIRE_EQUAL(encoded(algorithm, below(box->east), below(box->north), precision), code);
      CAF_REQUIRE(encoded(algorithm, box->east, box->south, precision) != code);
      CAF_REQUIRE(encoded(algorithm, below(box->west), box->south, precision) != code);
      if (cell.row > 0)
        CAF_REQUIRE(encoded(algorithm, box->west, below(box->south), precision) != code);
      const bool top = cell.row == grid.rows() - 1;
      CAF_REQUIRE_EQUAL(encoded(algorithm, box->west, box->north, precision) == code, top);
      if (top) CAF_REQUIRE_EQUAL(box->north, limit(algorithm));
      const bounds projected = grid.cell_bounds(cell);
      CAF_REQUIRE(grid.cell_of(projected.west, projected.south) == cell);
      CAF_REQUIRE(grid.cell_of(below(projected.east), below(projected.north)) == cell);
      CAF_REQUIRE(grid.cell_of(projected.east, projected.south) != cell);
      CAF_REQUIRE(grid.cell_of(projected.west, below(projected.south)) != cell);
      CAF_REQUIRE_EQUAL(grid.cell_of(projected.west, projected.north) == cell, top);
    }
  }
}

CAF_TEST(degrees and projected coordinates name the same cell) {
  CAF_MESSAGE("seed 23");
  std::mt19937_64 random(23);
  std::uniform_real_distribution<double> lon(-540, 540), lat(-85.06, 85.06);
  for (int i = 0; i < 20000; ++i) {
    double x = lon(random), y = lat(random);
    auto grid = cell_grid::make(quadtile_, 1 + i % 29);
    CAF_REQUIRE(grid.has_value());
    if (i % 2 == 0) {
      // One step of a double beside an edge in degrees.
      auto code = encoded(quadtile_, x, std::clamp(y, -85.0, 85.0), grid->precision());
      auto box = decode(quadtile_, code);
      CAF_REQUIRE(box.has_value());
      x = i % 4 == 0 ? below(box->west) : box->west;
      y = i % 8 < 4 ? below(box->south) : box->south;
    }
    const auto northing = quadtile::mercator_y(y);
    auto code = encoded(quadtile_, x, y, grid->precision());
    CAF_REQUIRE_EQUAL(northing.has_value(), code != "none");
    if (!northing) continue;
    const auto cell = grid->cell_of(quadtile::mercator_x(x), *northing);
    CAF_REQUIRE_EQUAL(grid->code(cell), code);
  }
}

CAF_TEST(longitude wraps and latitude ends) {
  for (const auto algorithm : both) {
    for (int precision = 1; precision <= max_precision(algorithm); ++precision) {
      auto west = encoded(algorithm, -180, 10, precision);
      CAF_CHECK_EQUAL(encoded(algorithm, 180, 10, precision), west);
      CAF_CHECK_EQUAL(encoded(algorithm, 540, 10, precision), west);
      CAF_CHECK_EQUAL(encoded(algorithm, -540, 10, precision), west);
      CAF_CHECK(encoded(algorithm, below(180), 10, precision) != west);
      CAF_CHECK_EQUAL(encoded(algorithm, below(-180), 10, precision),
                      encoded(algorithm, 179.99999999999997, 10, precision));
      const double top = limit(algorithm);
      CAF_CHECK_EQUAL(encoded(algorithm, 3, top, precision),
                      encoded(algorithm, 3, below(top), precision));
      CAF_CHECK(encoded(algorithm, 3, -top, precision) != "none");
      CAF_CHECK_EQUAL(encoded(algorithm, 3, std::nextafter(top, 91), precision), "none");
      CAF_CHECK_EQUAL(encoded(algorithm, 3, std::nextafter(-top, -91), precision), "none");
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double bad : {nan, HUGE_VAL, -HUGE_VAL}) {
      CAF_CHECK_EQUAL(encoded(algorithm, bad, 3, 2), "none");
      CAF_CHECK_EQUAL(encoded(algorithm, 3, bad, 2), "none");
      auto grid = cell_grid::make(algorithm, 3);
      CAF_REQUIRE(grid.has_value());
      CAF_CHECK(grid->cell_of(bad, 0) == cell_index{});
      CAF_CHECK(grid->cell_of(0, bad) == cell_index{});
    }
  }
  CAF_CHECK(encoded(quadtile_, 0, 85.0511287798066, 29) != "none");
}

CAF_TEST(children fill their parent and share its edges) {
  CAF_MESSAGE("seed 24");
  std::mt19937_64 random(24);
  for (const auto algorithm : both) {
    for (int i = 0; i < 500; ++i) {
      std::string code;
      const auto length = 1 + random() % static_cast<uint64_t>(max_precision(algorithm) - 1);
      while (code.size() < length)
        code += alphabet(algorithm)[random() % alphabet(algorithm).size()];
      auto outer = projected_bounds(algorithm, code);
      CAF_REQUIRE(outer.has_value());
      std::set<std::pair<double, double>> corners;
      bounds hull{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
      const auto inside = children(algorithm, code);
      CAF_REQUIRE(std::is_sorted(inside.begin(), inside.end()));
      for (const auto& child : inside) {
        auto up = parent(child);
        CAF_REQUIRE(up.has_value());
        CAF_REQUIRE_EQUAL(*up, code);
        auto box = projected_bounds(algorithm, child);
        CAF_REQUIRE(box.has_value());
        corners.emplace(box->west, box->south);
        hull = {std::min(hull.west, box->west), std::min(hull.south, box->south),
                std::max(hull.east, box->east), std::max(hull.north, box->north)};
      }
      CAF_REQUIRE(hull == *outer);
      CAF_REQUIRE_EQUAL(corners.size(), static_cast<size_t>(digit_count(algorithm)));
    }
    const std::string longest(static_cast<size_t>(max_precision(algorithm)), '0');
    CAF_CHECK(children(algorithm, longest).empty());
    CAF_CHECK(!parent("0"));
  }
}

CAF_TEST(neighbours share an edge or a corner and know each other) {
  CAF_MESSAGE("seed 25");
  std::mt19937_64 random(25);
  for (const auto algorithm : both) {
    for (int i = 0; i < 4000; ++i) {
      auto grid = cell_grid::make(algorithm, 2 + i % (max_precision(algorithm) - 1));
      CAF_REQUIRE(grid.has_value());
      cell_index cell{static_cast<int64_t>(random() % static_cast<uint64_t>(grid->columns())),
                      static_cast<int64_t>(random() % static_cast<uint64_t>(grid->rows()))};
      if (i % 3 == 0) cell.row = i % 2 == 0 ? 0 : grid->rows() - 1;
      if (i % 5 == 0) cell.column = i % 2 == 0 ? 0 : grid->columns() - 1;
      const auto code = grid->code(cell);
      auto around = neighbours(algorithm, code);
      CAF_REQUIRE(around.has_value());
      auto box = projected_bounds(algorithm, code);
      CAF_REQUIRE(box.has_value());
      for (size_t d = 0; d < 8; ++d) {
        const std::string& other = (*around)[d];
        const bool north = d == 0 || d == 1 || d == 7, south = d >= 3 && d <= 5;
        const bool expected = !(north && cell.row == grid->rows() - 1) && !(south && cell.row == 0);
        CAF_REQUIRE_EQUAL(!other.empty(), expected);
        if (other.empty()) continue;
        auto back = neighbours(algorithm, other);
        CAF_REQUIRE(back.has_value());
        CAF_REQUIRE_EQUAL((*back)[(d + 4) % 8], code);
        auto beside = projected_bounds(algorithm, other);
        CAF_REQUIRE(beside.has_value());
        if (north) CAF_REQUIRE_EQUAL(beside->south, box->north);
        if (south) CAF_REQUIRE_EQUAL(beside->north, box->south);
        if (d >= 1 && d <= 3 && box->east < grid->period() / 2)
          CAF_REQUIRE_EQUAL(beside->west, box->east);
      }
    }
  }
  auto pole = neighbours(geohash_, "zz");
  CAF_REQUIRE(pole.has_value());
  CAF_CHECK_EQUAL((*pole)[2], "bp");
  CAF_CHECK_EQUAL((*pole)[0], "");
}

CAF_TEST(codes that are none are refused everywhere) {
  for (const auto algorithm : both) {
    for (const char* bad : {"", "A", "4a!", "0123456789012345678901234567890"}) {
      CAF_CHECK(!decode(algorithm, bad));
      CAF_CHECK(!projected_bounds(algorithm, bad));
      CAF_CHECK(!neighbours(algorithm, bad));
      CAF_CHECK(!cell_grid::of_code(algorithm, bad));
    }
    CAF_CHECK(!cell_grid::make(algorithm, 0));
    CAF_CHECK(!cell_grid::make(algorithm, 30));
    auto grid = cell_grid::make(algorithm, 2);
    CAF_REQUIRE(grid.has_value());
    CAF_CHECK(!grid->index_of("012"));
  }
}

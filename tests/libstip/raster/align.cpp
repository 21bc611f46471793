#define CAF_SUITE raster.align
#include "libstip/raster/align.hpp"

#include <array>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "libstip/geo/cell.hpp"
#include "libstip/geo/projection.hpp"

using namespace stip;

namespace {

constexpr uint64_t seed = 20261122;

/// A chip over a cell with room to each side, whose float pixels are a function of lon, lat.
chip_image chip_over(const bounds& cell, const std::string& crs, double metres,
                     const std::function<double(double, double)>& f, bool quality = false) {
  auto way = coordinate_transform::make("EPSG:4326", crs);
  CAF_REQUIRE(way.has_value());
  double west = 1e18, east = -1e18, south = 1e18, north = -1e18;
  for (const double lon : {cell.west, cell.east})
    for (const double lat : {cell.south, cell.north}) {
      double x = lon, y = lat;
      uint8_t ok = 0;
      way->forward({&x, 1}, {&y, 1}, {&ok, 1});
      CAF_REQUIRE(ok == 1);
      west = std::min(west, x), east = std::max(east, x);
      south = std::min(south, y), north = std::max(north, y);
    }
  chip_image out;
  auto& d = out.description;
  d.id = "0";
  d.type = pixel_type::float32;
  d.valid = validity::nodata;
  d.quality = quality;
  d.bands.emplace_back().name = "f";
  d.bands[0].nodata = 0x7fc00000;
  d.grid.crs_wkt = crs;
  d.grid.transform = {west - 3 * metres, metres, 0, north + 3 * metres, 0, -metres};
  d.grid.width = static_cast<int64_t>((east - west) / metres) + 7;
  d.grid.height = static_cast<int64_t>((north - south) / metres) + 7;
  std::vector<float> numbers;
  for (int64_t row = 0; row < d.grid.height; ++row)
    for (int64_t column = 0; column < d.grid.width; ++column) {
      double x = d.grid.x_of(double(column) + 0.5, double(row) + 0.5);
      double y = d.grid.y_of(double(column) + 0.5, double(row) + 0.5);
      uint8_t ok = 0;
      way->inverse({&x, 1}, {&y, 1}, {&ok, 1});
      numbers.push_back(ok ? static_cast<float>(f(x, y)) : NAN);
    }
  out.pixels.resize(numbers.size() * sizeof(float));
  std::memcpy(out.pixels.data(), numbers.data(), out.pixels.size());
  return out;
}

float value(const chip_image& image, int64_t column, int64_t row) {
  float out = 0;
  std::memcpy(&out, image.pixels.data() + size_t(row * image.width() + column) * sizeof out,
              sizeof out);
  return out;
}

}  // namespace

CAF_TEST(the grid of a cell fills the cell and cells share it) {
  std::mt19937_64 random{seed};
  CAF_MESSAGE("seed " << seed);
  const auto check = [&](geocode_algorithm algorithm, const std::string& code, int edge) {
    const auto cell = align_cell(algorithm, code, edge);
    CAF_REQUIRE(cell.has_value());
    CAF_REQUIRE(check_grid(cell->of).has_value());
    const auto place = cell_grid::of_code(algorithm, code);
    CAF_REQUIRE(place.has_value());
    const auto want = place->first.cell_bounds(place->second);
    const auto& w = cell->window;
    const auto& g = cell->of;
    const auto near = [&](double a, double b) {
      return std::abs(a - b) <= 1e-4 * (want.east - want.west) / edge;
    };
    CAF_CHECK(near(g.x_of(double(w.column), 0), want.west));
    CAF_CHECK(near(g.x_of(double(w.end_column()), 0), want.east));
    CAF_CHECK(near(g.y_of(0, double(w.row)), want.north));
    CAF_CHECK(near(g.y_of(0, double(w.end_row())), want.south));
    return *cell;
  };
  for (int round = 0; round < 300; ++round) {
    const bool hash = random() % 2 == 0;
    const auto algorithm = hash ? geocode_algorithm::geohash : geocode_algorithm::quadtile;
    const std::string_view alphabet = hash ? "0123456789bcdefghjkmnpqrstuvwxyz" : "0123";
    std::string code;
    for (auto left = 1 + random() % (hash ? 9 : 22); left > 0; --left)
      code += alphabet[random() % alphabet.size()];
    const int edge = 1 << (random() % 10);
    const auto one = check(algorithm, code, edge);
    auto beside = code;
    beside.back() = alphabet[random() % alphabet.size()];
    CAF_CHECK(check(algorithm, beside, edge).of == one.of);
  }
  CAF_CHECK(!align_cell(geocode_algorithm::geohash, "u4", 0));
  CAF_CHECK(!align_cell(geocode_algorithm::geohash, "u4", max_aligned_edge + 1));
  CAF_CHECK(!align_cell(geocode_algorithm::geohash, "ua", 4));
}

CAF_TEST(what is smooth comes back by every kernel whatever the projection) {
  const auto f = [](double lon, double lat) { return 100 * lon - 70 * lat; };
  for (const auto& [algorithm, code] :
       {std::pair{geocode_algorithm::geohash, std::string("u4pru")},
        std::pair{geocode_algorithm::quadtile, std::string("120221031")}}) {
    const auto box = decode(algorithm, code);
    CAF_REQUIRE(box.has_value());
    for (const auto* crs : {"EPSG:32632", "EPSG:3035", "EPSG:4326"}) {
      const bool degrees = std::string_view(crs) == "EPSG:4326";
      const auto chip = chip_over(*box, crs, degrees ? 0.0005 : 60, f);
      for (const auto kind : {resampling::bilinear, resampling::cubic, resampling::average})
        for (const int edge : {16, 50}) {
          const auto cell = align_cell(algorithm, code, edge);
          CAF_REQUIRE(cell.has_value());
          const auto made = align_chip(chip, *cell, kind);
          CAF_REQUIRE(made.has_value());
          CAF_CHECK_EQUAL(made->image.width(), edge);
          auto to_degrees =
              coordinate_transform::make(made->image.description.grid.crs_wkt, "EPSG:4326");
          CAF_REQUIRE(to_degrees.has_value());
          // At the edges a kernel may reach beyond the chip, and weighs what there is.
          for (int64_t row = 2; row < edge - 2; ++row)
            for (int64_t column = 2; column < edge - 2; ++column) {
              const auto& g = made->image.description.grid;
              double x = g.x_of(double(column) + 0.5, double(row) + 0.5);
              double y = g.y_of(double(column) + 0.5, double(row) + 0.5);
              uint8_t ok = 0;
              to_degrees->forward({&x, 1}, {&y, 1}, {&ok, 1});
              const auto now = value(made->image, column, row);
              // Kernels that are wider than a pixel are a little off where they have no whole
              // width.
              const auto most =
                  5e-3 * (100 * (box->east - box->west) + 70 * (box->north - box->south));
              if (!(std::abs(now - f(x, y)) <= most))
                CAF_FAIL(crs << " " << to_string(kind) << " " << edge << ": " << column << ", "
                             << row << ": " << now << " for " << f(x, y));
            }
        }
    }
  }
}

CAF_TEST(classes take the nearest pixel and no mixture) {
  const auto box = decode(geocode_algorithm::geohash, "u4pru");
  const auto chip = chip_over(
      *box, "EPSG:32632", 90,
      [](double lon, double lat) { return std::floor(lon * 300) + 7 * std::floor(lat * 300) > 0; },
      true);
  const auto cell = align_cell(geocode_algorithm::geohash, "u4pru", 64);
  CAF_REQUIRE(cell.has_value());
  const auto made = align_chip(chip, *cell, resampling::cubic);
  CAF_REQUIRE(made.has_value());
  for (int64_t row = 0; row < 64; ++row)
    for (int64_t column = 0; column < 64; ++column) {
      const auto v = value(made->image, column, row);
      CAF_REQUIRE(v == 0 || v == 1);
    }
}

CAF_TEST(holes stay holes and what is beside a chip has no data) {
  const auto box = decode(geocode_algorithm::geohash, "u4pru");
  const auto middle = (box->west + box->east) / 2;
  const auto chip = chip_over(*box, "EPSG:32632", 60,
                              [&](double lon, double) { return lon < middle ? NAN : 5.0; });
  const auto cell = align_cell(geocode_algorithm::geohash, "u4pru", 32);
  const auto made = align_chip(chip, *cell, resampling::bilinear);
  CAF_REQUIRE(made.has_value());
  const auto valid = made->image.valid();
  size_t holes = 0;
  for (int64_t row = 0; row < 32; ++row)
    for (int64_t column = 0; column < 32; ++column) {
      const bool has = valid[size_t(row * 32 + column)] != 0;
      holes += !has;
      if (column < 15) CAF_CHECK(!has);
      if (column > 16) CAF_CHECK(has);
      if (has) CAF_CHECK_EQUAL(value(made->image, column, row), 5.0f);
    }
  CAF_CHECK(holes > 0);
  // The cell to the east of it: the chip has nothing but its margin there.
  const auto far = neighbours(geocode_algorithm::geohash, "u4pru");
  const auto beside = align_cell(geocode_algorithm::geohash, (*far)[2], 32);
  const auto nothing = align_chip(chip, *beside, resampling::bilinear);
  CAF_REQUIRE(nothing.has_value());
  CAF_CHECK(count_set(nothing->image.valid()) < 32u * 32u / 4);
}

#define CAF_SUITE geo.covering
#include "libstip/geo/covering.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <set>

#include "grids.hpp"

using namespace stip;

namespace {

/// The cells of all pixel centres, one by one.
std::set<cell_index> brute_force(pixel_mapper& mapper, const cell_grid& cells) {
  std::set<cell_index> found;
  const auto width = static_cast<size_t>(mapper.raster().width);
  std::vector<double> x(width), y(width);
  std::vector<uint8_t> ok(width);
  for (int64_t row = 0; row < mapper.raster().height; ++row) {
    for (size_t col = 0; col < width; ++col) {
      x[col] = static_cast<double>(col) + 0.5;
      y[col] = static_cast<double>(row) + 0.5;
    }
    mapper.to_cell_crs(x, y, ok);
    for (size_t col = 0; col < width; ++col) {
      const auto cell = ok[col] ? cells.cell_of(x[col], y[col]) : cell_index{};
      if (cell.column >= 0) found.insert(cell);
    }
  }
  return found;
}

bool touches(const std::set<cell_index>& exact, const cell_grid& cells, cell_index cell) {
  for (int64_t dx = -1; dx <= 1; ++dx)
    for (int64_t dy = -1; dy <= 1; ++dy)
      if (exact.count({(cell.column + dx) & (cells.columns() - 1), cell.row + dy})) return true;
  return false;
}

}  // namespace

CAF_TEST(a covering has every cell of a pixel and at most one ring more) {
  for (const auto& sample : test::hard_grids()) {
    for (const auto algorithm : {geocode_algorithm::geohash, geocode_algorithm::quadtile}) {
      const auto& precisions =
          algorithm == geocode_algorithm::geohash ? sample.geohash : sample.quadtile;
      for (const int precision : precisions) {
        auto cells = cell_grid::make(algorithm, precision);
        CAF_REQUIRE(cells.has_value());
        auto mapper = pixel_mapper::make(sample.grid, *cells);
        CAF_REQUIRE(mapper.has_value());
        const auto exact = brute_force(*mapper, *cells);
        auto found = covering(sample.grid, *cells);
        CAF_REQUIRE(found.has_value());
        CAF_REQUIRE(std::is_sorted(found->begin(), found->end()));
        CAF_REQUIRE(std::adjacent_find(found->begin(), found->end()) == found->end());
        size_t missing = 0, far = 0;
        for (const auto& cell : exact)
          missing += !std::binary_search(found->begin(), found->end(), cell);
        for (const auto& cell : *found) far += !touches(exact, *cells, cell);
        CAF_MESSAGE(sample.name << ", " << std::string(to_string(algorithm)) << " " << precision
                                << ": " << exact.size() << " cells, covering " << found->size());
        CAF_CHECK_EQUAL(missing, 0u);
        CAF_CHECK_EQUAL(far, 0u);
      }
    }
  }
}

CAF_TEST(too many cells are refused without finding them all) {
  const auto scene = test::square("EPSG:32632", 399960, 5700000, 10, 10980, 10980);
  auto cells = cell_grid::make(geocode_algorithm::geohash, 12);
  CAF_REQUIRE(cells.has_value());
  auto mapper = pixel_mapper::make(scene, *cells);
  CAF_REQUIRE(mapper.has_value());
  auto found = covering(*mapper, *cells);
  CAF_REQUIRE(!found);
  CAF_CHECK(found.error().code == ec::limit_exceeded);
  CAF_CHECK(mapper->transformed_points() < 10000);
  auto coarse = cell_grid::make(geocode_algorithm::geohash, 5);
  CAF_REQUIRE(coarse.has_value());
  auto all = covering(scene, *coarse);
  CAF_REQUIRE(all.has_value());
  CAF_CHECK(covering(scene, *coarse, all->size()).has_value());
  auto few = covering(scene, *coarse, all->size() - 1);
  CAF_REQUIRE(!few);
  CAF_CHECK(few.error().code == ec::limit_exceeded);
}

CAF_TEST(a raster off the globe has no cell) {
  auto cells = cell_grid::make(geocode_algorithm::geohash, 4);
  CAF_REQUIRE(cells.has_value());
  auto found = covering(test::modis(0, 0, 2400), *cells);
  CAF_REQUIRE(found.has_value());
  CAF_CHECK(found->empty());
}

CAF_TEST(a raster without a usable georeference is refused) {
  auto cells = cell_grid::make(geocode_algorithm::geohash, 4);
  CAF_REQUIRE(cells.has_value());
  CAF_CHECK(!covering(test::square("", 0, 0, 1, 10, 10), *cells));
  CAF_CHECK(!covering(test::square("no such system", 0, 0, 1, 10, 10), *cells));
  CAF_CHECK(!covering(test::square("EPSG:32632", 0, 0, 0, 10, 10), *cells));
  CAF_CHECK(!covering(test::square("EPSG:32632", 0, 0, 1, 0, 10), *cells));
  CAF_CHECK(!covering(test::square("EPSG:32632", NAN, 0, 1, 10, 10), *cells));
}

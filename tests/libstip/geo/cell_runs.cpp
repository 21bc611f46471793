#define CAF_SUITE geo.cell_runs
#include "libstip/geo/cell_runs.hpp"

#include <caf/test/unit_test.hpp>
#include <random>

#include "grids.hpp"

using namespace stip;

namespace {

constexpr geocode_algorithm both[] = {geocode_algorithm::geohash, geocode_algorithm::quadtile};

const std::vector<int>& precisions(const test::named_grid& sample, geocode_algorithm algorithm) {
  return algorithm == geocode_algorithm::geohash ? sample.geohash : sample.quadtile;
}

/// The partition into geohash cells of this length.
cell_runs partition_of(const grid& scene, int precision) {
  auto cells = cell_grid::make(geocode_algorithm::geohash, precision);
  CAF_REQUIRE(cells.has_value());
  auto mapper = pixel_mapper::make(scene, *cells);
  CAF_REQUIRE(mapper.has_value());
  return {std::move(*mapper), *cells};
}

}  // namespace

CAF_TEST(runs are what projecting every pixel gives) {
  for (const auto& sample : test::hard_grids()) {
    for (const auto algorithm : both) {
      for (const int precision : precisions(sample, algorithm)) {
        auto cells = cell_grid::make(algorithm, precision);
        CAF_REQUIRE(cells.has_value());
        auto mapper = pixel_mapper::make(sample.grid, *cells);
        auto twin = pixel_mapper::make(sample.grid, *cells);
        CAF_REQUIRE(mapper.has_value() && twin.has_value());
        cell_runs partition(std::move(*mapper), *cells);
        std::vector<cell_run> found;
        size_t wrong = 0, broken = 0, without = 0, count = 0;
        // Padding on all sides counts too.
        const int64_t begin = -17, end = sample.grid.width + 23;
        const auto width = static_cast<size_t>(end - begin);
        std::vector<double> x(width), y(width);
        std::vector<uint8_t> ok(width);
        for (int64_t row = -9; row < sample.grid.height + 11; row += 1 + (row % 3 == 0)) {
          partition.runs(row, begin, end, found);
          for (size_t i = 0; i < width; ++i) {
            x[i] = static_cast<double>(begin + static_cast<int64_t>(i)) + 0.5;
            y[i] = static_cast<double>(row) + 0.5;
          }
          twin->to_cell_crs(x, y, ok);
          int64_t at = begin;
          for (const auto& run : found) {
            broken += run.col_begin != at || run.col_end <= run.col_begin;
            for (; at < run.col_end; ++at) {
              const auto i = static_cast<size_t>(at - begin);
              const auto cell = ok[i] ? cells->cell_of(x[i], y[i]) : cell_index{};
              wrong += cell != cell_index{run.cell_column, run.cell_row};
              without += cell.column < 0;
              ++count;
            }
          }
          broken += at != end;
          for (size_t i = 1; i < found.size(); ++i)
            broken += found[i].cell_column == found[i - 1].cell_column &&
                      found[i].cell_row == found[i - 1].cell_row;
        }
        CAF_MESSAGE(sample.name << ", " << std::string(to_string(algorithm)) << " " << precision
                                << ": " << count << " pixels, " << without << " without a cell, "
                                << partition.mapper().transformed_points() << " projections");
        CAF_CHECK_EQUAL(wrong, 0u);
        CAF_CHECK_EQUAL(broken, 0u);
      }
    }
  }
}

CAF_TEST(a scene of Sentinel 2 takes a handful of projections a row) {
  const auto scene = test::square("EPSG:32632", 399960, 5700000, 10, 10980, 10980);
  auto partition = partition_of(scene, 5);
  std::vector<cell_run> found;
  size_t runs = 0;
  for (int64_t row = 0; row < 1024; ++row) {
    partition.runs(row, 0, scene.width, found);
    runs += found.size();
  }
  CAF_MESSAGE(partition.mapper().transformed_points() << " projections, " << runs << " runs");
  CAF_CHECK(runs > 1024 * 20);
  CAF_CHECK(partition.mapper().transformed_points() < 1024 * 60);
}

CAF_TEST(rows may be asked in any order and in parts) {
  CAF_MESSAGE("seed 31");
  std::mt19937_64 random(31);
  const auto scene = test::modis(0, 8, 600);
  auto partition = partition_of(scene, 4);
  std::vector<cell_run> found;
  for (int i = 0; i < 300; ++i) {
    const auto row = static_cast<int64_t>(random() % 700) - 50;
    const auto begin = static_cast<int64_t>(random() % 700) - 50;
    const auto end = begin + static_cast<int64_t>(random() % 120);
    partition.runs(row, begin, end, found);
    CAF_REQUIRE_EQUAL(found.empty(), begin == end);
    for (const auto& run : found) {
      for (int64_t col = run.col_begin; col < run.col_end; ++col)
        CAF_REQUIRE(partition.cell_of_pixel(col, row) ==
                    (cell_index{run.cell_column, run.cell_row}));
    }
  }
}

CAF_TEST(runs end where they shall when a row turns just before the raster) {
  // The central meridian lies between columns -1 and 0, where rows of UTM are at their lowest.
  const auto scene = test::square("EPSG:32615", 500020, 4300020, 60, 300, 300);
  auto partition = partition_of(scene, 4);
  std::vector<cell_run> found;
  for (int64_t row = -20; row < 320; ++row) {
    for (const int64_t end : {-1, 0, 1}) {
      partition.runs(row, -238, end, found);
      int64_t at = -238;
      for (const auto& run : found) {
        CAF_REQUIRE_EQUAL(run.col_begin, at);
        at = run.col_end;
      }
      CAF_REQUIRE_EQUAL(at, end);
    }
  }
}

CAF_TEST(copies of a pixel on a periodic grid lie in one cell) {
  // The pixels span 359.7 degrees: copies must agree although their longitudes do not.
  const grid world{"EPSG:4326", {-180, 359.7 / 360, 0, 90, 0, -1}, 360, 180};
  auto cells = cell_grid::make(geocode_algorithm::geohash, 3);
  CAF_REQUIRE(cells.has_value());
  auto mapper = pixel_mapper::make(world, *cells);
  CAF_REQUIRE(mapper.has_value());
  CAF_REQUIRE(mapper->period_columns().has_value());
  cell_runs partition(std::move(*mapper), *cells);
  std::vector<cell_run> here, there;
  for (int64_t row = 0; row < 180; ++row) {
    partition.runs(row, -30, 50, here);
    partition.runs(row, 690, 770, there);
    CAF_REQUIRE_EQUAL(here.size(), there.size());
    for (size_t i = 0; i < here.size(); ++i) {
      CAF_REQUIRE_EQUAL(here[i].col_begin + 720, there[i].col_begin);
      CAF_REQUIRE_EQUAL(here[i].cell_column, there[i].cell_column);
      CAF_REQUIRE_EQUAL(here[i].cell_row, there[i].cell_row);
    }
  }
}

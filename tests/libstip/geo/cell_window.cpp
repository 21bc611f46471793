#define CAF_SUITE geo.cell_window
#include "libstip/geo/cell_window.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <map>

#include "grids.hpp"
#include "libstip/geo/covering.hpp"

using namespace stip;

namespace {

constexpr geocode_algorithm both[] = {geocode_algorithm::geohash, geocode_algorithm::quadtile};

std::string text(const pixel_window& w) {
  return std::to_string(w.col_begin) + ".." + std::to_string(w.col_end) + " x " +
         std::to_string(w.row_begin) + ".." + std::to_string(w.row_end);
}

/// Whether a window has a pixel of the raster, which on a periodic grid has many copies.
bool has_pixel(const pixel_window& w, const pixel_mapper& mapper, int64_t col, int64_t row) {
  if (row < w.row_begin || row >= w.row_end) return false;
  const auto period = mapper.period_columns();
  if (!period) return col >= w.col_begin && col < w.col_end;
  const int64_t ahead = ((col - w.col_begin) % *period + *period) % *period;
  return w.col_begin + ahead < w.col_end;
}

}  // namespace

CAF_TEST(a window has every pixel whose centre lies in the cell) {
  for (const auto& sample : test::hard_grids()) {
    for (const auto algorithm : both) {
      const int precision =
          (algorithm == geocode_algorithm::geohash ? sample.geohash : sample.quadtile).front();
      auto cells = cell_grid::make(algorithm, precision);
      CAF_REQUIRE(cells.has_value());
      auto mapper = pixel_mapper::make(sample.grid, *cells);
      CAF_REQUIRE(mapper.has_value());
      std::map<cell_index, pixel_window> windows;
      const auto width = static_cast<size_t>(sample.grid.width);
      std::vector<double> x(width), y(width);
      std::vector<uint8_t> ok(width);
      size_t outside = 0;
      for (int64_t row = 0; row < sample.grid.height; ++row) {
        for (size_t col = 0; col < width; ++col) {
          x[col] = static_cast<double>(col) + 0.5;
          y[col] = static_cast<double>(row) + 0.5;
        }
        mapper->to_cell_crs(x, y, ok);
        for (size_t col = 0; col < width; ++col) {
          const auto cell = ok[col] ? cells->cell_of(x[col], y[col]) : cell_index{};
          if (cell.column < 0) continue;
          auto known = windows.find(cell);
          if (known == windows.end())
            known = windows.emplace(cell, window_of(*mapper, *cells, cell)).first;
          outside += !has_pixel(known->second, *mapper, static_cast<int64_t>(col), row);
        }
      }
      CAF_MESSAGE(sample.name << ", " << std::string(to_string(algorithm)) << " " << precision
                              << ": " << windows.size() << " windows");
      CAF_CHECK_EQUAL(outside, 0u);
    }
  }
}

CAF_TEST(a window is the hull of the densified outline) {
  for (const auto& sample : test::hard_grids()) {
    for (const auto algorithm : both) {
      const int precision =
          (algorithm == geocode_algorithm::geohash ? sample.geohash : sample.quadtile).back();
      auto cells = cell_grid::make(algorithm, precision);
      CAF_REQUIRE(cells.has_value());
      auto mapper = pixel_mapper::make(sample.grid, *cells);
      CAF_REQUIRE(mapper.has_value());
      auto covered = covering(*mapper, *cells);
      CAF_REQUIRE(covered.has_value());
      size_t compared = 0, wrong = 0;
      const size_t stride = covered->size() / 12 + 1;
      for (size_t i = 0; i < covered->size(); i += stride) {
        constexpr size_t points = 1000;
        const bounds box = cells->cell_bounds((*covered)[i]);
        std::vector<double> x, y;
        for (size_t p = 0; p <= points; ++p) {
          const double t = static_cast<double>(p) / points;
          const double px = box.west + t * (box.east - box.west);
          const double py = box.south + t * (box.north - box.south);
          x.insert(x.end(), {px, px, box.west, box.east});
          y.insert(y.end(), {box.south, box.north, py, py});
        }
        std::vector<uint8_t> ok(x.size());
        mapper->to_pixel(x, y, ok);
        double west = HUGE_VAL, east = -HUGE_VAL, north = HUGE_VAL, south = -HUGE_VAL;
        bool whole = true;
        for (size_t p = 0; p < x.size(); ++p) {
          whole = whole && ok[p];
          west = std::min(west, x[p]);
          east = std::max(east, x[p]);
          north = std::min(north, y[p]);
          south = std::max(south, y[p]);
        }
        // Outlines that are torn or wrap are left to the other properties.
        const double limit = 3.0 * static_cast<double>(sample.grid.width + sample.grid.height);
        if (sample.name == "seam of the projection" && east - west > 200) continue;
        if (!whole || east - west > limit || mapper->period_pixels().first != 0) continue;
        const auto window = window_of(*mapper, *cells, (*covered)[i]);
        ++compared;
        // The dense outline may miss an extreme by its spacing, so by far less than this.
        const double slack = 1e-2;
        const bool right = static_cast<double>(window.col_begin) <= west + 2e-6 &&
                           static_cast<double>(window.col_begin) > west - 1 - slack &&
                           static_cast<double>(window.col_end) >= east - 2e-6 &&
                           static_cast<double>(window.col_end) < east + 1 + slack &&
                           static_cast<double>(window.row_begin) <= north + 2e-6 &&
                           static_cast<double>(window.row_begin) > north - 1 - slack &&
                           static_cast<double>(window.row_end) >= south - 2e-6 &&
                           static_cast<double>(window.row_end) < south + 1 + slack;
        if (!right)
          CAF_MESSAGE(sample.name << " " << cells->code((*covered)[i]) << " " << text(window)
                                  << " for " << west << ".." << east << " x " << north << ".."
                                  << south);
        wrong += !right;
      }
      CAF_MESSAGE(sample.name << ": " << compared << " windows compared");
      CAF_CHECK_EQUAL(wrong, 0u);
    }
  }
}

CAF_TEST(the window of a parent contains those of its children) {
  for (const auto& sample : test::hard_grids()) {
    for (const auto algorithm : both) {
      const int precision =
          (algorithm == geocode_algorithm::geohash ? sample.geohash : sample.quadtile).front();
      auto cells = cell_grid::make(algorithm, precision);
      auto fine = cell_grid::make(algorithm, precision + 1);
      CAF_REQUIRE(cells.has_value() && fine.has_value());
      auto mapper = pixel_mapper::make(sample.grid, *cells);
      CAF_REQUIRE(mapper.has_value());
      auto covered = covering(*mapper, *cells);
      CAF_REQUIRE(covered.has_value());
      const pixel_window raster{0, 0, sample.grid.width, sample.grid.height};
      size_t outside = 0, checked = 0;
      for (size_t i = 0; i < covered->size(); i += covered->size() / 4 + 1) {
        const auto code = cells->code((*covered)[i]);
        const auto whole = window_of(*mapper, *cells, (*covered)[i]);
        for (const auto& child : children(algorithm, code)) {
          auto cell = fine->index_of(child);
          CAF_REQUIRE(cell.has_value());
          auto window = window_of(*mapper, *fine, *cell);
          // Where a cell reaches off the globe, and where a child may choose another copy of
          // itself, windows are compared within the raster.
          const bool inside = whole.contains(window);
          window = {std::max(window.col_begin, raster.col_begin),
                    std::max(window.row_begin, raster.row_begin),
                    std::min(window.col_end, raster.col_end),
                    std::min(window.row_end, raster.row_end)};
          if (!inside && !window.empty() && !whole.contains(window)) {
            ++outside;
            CAF_MESSAGE(sample.name << " " << code << " " << text(whole) << " child " << child
                                    << " " << text(window));
          }
          ++checked;
        }
      }
      CAF_CHECK_EQUAL(outside, 0u);
    }
  }
}

CAF_TEST(children of a whole cell lie inside its window beyond the raster too) {
  for (const auto& sample : test::hard_grids()) {
    if (!sample.name.starts_with("UTM") && sample.name != "rotated" &&
        !sample.name.starts_with("Arctic"))
      continue;
    auto cells = cell_grid::make(geocode_algorithm::geohash, 4);
    auto fine = cell_grid::make(geocode_algorithm::geohash, 5);
    CAF_REQUIRE(cells.has_value() && fine.has_value());
    auto mapper = pixel_mapper::make(sample.grid, *cells);
    CAF_REQUIRE(mapper.has_value());
    auto covered = covering(*mapper, *cells);
    CAF_REQUIRE(covered.has_value());
    size_t outside = 0;
    for (size_t i = 0; i < covered->size(); i += covered->size() / 12 + 1) {
      const auto whole = window_of(*mapper, *cells, (*covered)[i]);
      for (const auto& child : children(geocode_algorithm::geohash, cells->code((*covered)[i]))) {
        auto cell = fine->index_of(child);
        CAF_REQUIRE(cell.has_value());
        outside += !whole.contains(window_of(*mapper, *fine, *cell));
      }
    }
    CAF_CHECK_EQUAL(outside, 0u);
  }
}

CAF_TEST(edges that are pixel edges snap) {
  auto cells = cell_grid::make(geocode_algorithm::geohash, 2);
  CAF_REQUIRE(cells.has_value());
  // 11.25 and 5.625 degrees in pixels of 0.05625, with noise below the snap.
  const auto world = test::square("EPSG:4326", -180 + 1e-9, 90 - 1e-9, 0.05625, 6400, 3200);
  auto mapper = pixel_mapper::make(world, *cells);
  CAF_REQUIRE(mapper.has_value());
  CAF_CHECK_EQUAL(text(window_of(*mapper, *cells, {3, 20})), "600..800 x 1100..1200");
}

CAF_TEST(a cell over the seam of a periodic grid is given unwrapped) {
  auto cells = cell_grid::make(geocode_algorithm::geohash, 1);
  CAF_REQUIRE(cells.has_value());
  // The seam lies at 20 degrees, inside the cell of 0 to 45 degrees.
  const auto world = test::square("EPSG:4326", 20, 90, 1, 360, 180);
  auto mapper = pixel_mapper::make(world, *cells);
  CAF_REQUIRE(mapper.has_value());
  CAF_CHECK_EQUAL(text(window_of(*mapper, *cells, {4, 2})), "-20..25 x 45..90");
  CAF_CHECK_EQUAL(text(window_of(*mapper, *cells, {3, 2})), "295..340 x 45..90");
  const auto pacific = test::square("EPSG:4326", 0, 90, 0.5, 720, 360);
  mapper = pixel_mapper::make(pacific, *cells);
  CAF_REQUIRE(mapper.has_value());
  CAF_CHECK_EQUAL(text(window_of(*mapper, *cells, {0, 0})), "360..450 x 270..360");
}

CAF_TEST(cells on both sides of the antimeridian lie side by side in UTM) {
  auto cells = cell_grid::make(geocode_algorithm::geohash, 4);
  CAF_REQUIRE(cells.has_value());
  const auto scene = test::square("EPSG:32601", 200000, 7000000, 500, 300, 200);
  auto mapper = pixel_mapper::make(scene, *cells);
  CAF_REQUIRE(mapper.has_value());
  const int64_t row = cells->row_of(62.7);
  const auto west = window_of(*mapper, *cells, {cells->columns() - 1, row});
  const auto east = window_of(*mapper, *cells, {0, row});
  CAF_CHECK(west.width() < 60 && east.width() < 60);
  CAF_CHECK(west.col_begin < east.col_begin && east.col_begin < west.col_end);
}

CAF_TEST(cells that touch the pole reach it) {
  auto cells = cell_grid::make(geocode_algorithm::geohash, 3);
  CAF_REQUIRE(cells.has_value());
  const auto scene = test::square("EPSG:3413", -8000, 9000, 50, 300, 320);
  auto mapper = pixel_mapper::make(scene, *cells);
  CAF_REQUIRE(mapper.has_value());
  for (int64_t column = 0; column < cells->columns(); column += 7) {
    const auto window = window_of(*mapper, *cells, {column, cells->rows() - 1});
    CAF_CHECK(window.col_begin <= 160 && window.col_end >= 160);
    CAF_CHECK(window.row_begin <= 180 && window.row_end >= 180);
  }
}

CAF_TEST(a cell off the globe or of another grid has an empty window) {
  auto cells = cell_grid::make(geocode_algorithm::geohash, 2);
  CAF_REQUIRE(cells.has_value());
  auto mapper = pixel_mapper::make(
      test::square(test::geostationary, -5434895, 5434895, 36232, 300, 300), *cells);
  CAF_REQUIRE(mapper.has_value());
  CAF_CHECK(window_of(*mapper, *cells, {cells->column_of(105), cells->row_of(0)}).empty());
  CAF_CHECK(window_of(*mapper, *cells, {-1, -1}).empty());
  CAF_CHECK(window_of(*mapper, *cells, {0, cells->rows()}).empty());
}

#define CAF_SUITE raster.chip_runs
#include "libstip/raster/chip_runs.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <random>
#include <tuple>

#include "tests/libstip/geo/grids.hpp"

using namespace stip;
using namespace stip::test;

namespace {

using run = std::tuple<int64_t, int64_t, uint32_t>;

/// What it says of a row, neighbours of one chip joined.
std::vector<run> row_of(chip_runs& runs, int64_t row, int64_t begin, int64_t end) {
  std::vector<run> out;
  runs.for_each(row, begin, end, [&](int64_t from, int64_t to, uint32_t ordinal) {
    if (!out.empty() && std::get<2>(out.back()) == ordinal && std::get<1>(out.back()) == from)
      std::get<1>(out.back()) = to;
    else
      out.emplace_back(from, to, ordinal);
  });
  return out;
}

constexpr uint64_t seed = 611;
constexpr uint64_t no_bound = 10'000'000;

}  // namespace

CAF_TEST(a table says of every part of every row what projecting says) {
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  size_t compared = 0;
  for (const auto& hard : hard_grids())
    for (const auto algorithm : {geocode_algorithm::geohash, geocode_algorithm::quadtile}) {
      const auto& precisions =
          algorithm == geocode_algorithm::geohash ? hard.geohash : hard.quadtile;
      const auto cells = *cell_grid::make(algorithm, precisions.front());
      auto mapper = pixel_mapper::make(hard.grid, cells);
      CAF_REQUIRE(mapper.has_value());
      cell_runs found(std::move(*mapper), cells);
      const auto census = count_cells(std::array{&found}, no_bound, no_bound);
      CAF_REQUIRE(census.has_value());
      std::vector<uint64_t> codes;
      for (const auto& cell : census->cells) codes.push_back(cell.code);
      const chip_table table(*census, codes, cells);
      auto looked_up = chip_runs::make(&table, codes, hard.grid, cells);
      auto computed = chip_runs::make(nullptr, codes, hard.grid, cells);
      CAF_REQUIRE(looked_up.has_value());
      CAF_REQUIRE(computed.has_value());
      for (int i = 0; i < 20; ++i) {
        const auto row = static_cast<int64_t>(random() % static_cast<uint64_t>(hard.grid.height));
        auto begin = static_cast<int64_t>(random() % static_cast<uint64_t>(hard.grid.width));
        auto end = static_cast<int64_t>(random() % static_cast<uint64_t>(hard.grid.width)) + 1;
        if (begin >= end) std::tie(begin, end) = std::pair{end - 1, begin + 1};
        const auto from_table = row_of(*looked_up, row, begin, end);
        const bool same = from_table == row_of(*computed, row, begin, end);
        if (!same) CAF_FAIL(hard.name << ": row " << row << " differs");
        CAF_REQUIRE(std::get<0>(from_table.front()) == begin);
        CAF_REQUIRE(std::get<1>(from_table.back()) == end);
        ++compared;
      }
    }
  CAF_CHECK(compared >= 400);
}

CAF_TEST(too many runs are not kept and the counts are the same) {
  const auto hard = hard_grids().front();
  const auto cells = *cell_grid::make(geocode_algorithm::geohash, hard.geohash.back());
  const auto census_of = [&](uint64_t most) {
    auto mapper = pixel_mapper::make(hard.grid, cells);
    cell_runs runs(std::move(*mapper), cells);
    return *count_cells(std::array{&runs}, no_bound, most);
  };
  const auto whole = census_of(no_bound);
  const auto rows = static_cast<size_t>(hard.grid.height);
  CAF_REQUIRE_EQUAL(whole.row_begin.size(), rows + 1);
  CAF_REQUIRE(whole.runs.size() >= rows);
  const auto same_counts = [&](const cell_census& other) {
    return std::equal(whole.cells.begin(), whole.cells.end(), other.cells.begin(),
                      other.cells.end(), [](const cell_count& a, const cell_count& b) {
                        return a.code == b.code && a.pixels == b.pixels;
                      });
  };
  const auto exact = census_of(whole.runs.size());
  CAF_CHECK_EQUAL(exact.runs.size(), whole.runs.size());
  for (const uint64_t most : {uint64_t{0}, uint64_t{rows - 1}, uint64_t{whole.runs.size() - 1}}) {
    const auto bounded = census_of(most);
    CAF_CHECK(bounded.runs.empty());
    CAF_CHECK(bounded.row_begin.empty());
    CAF_CHECK(same_counts(bounded));
  }
}

CAF_TEST(several threads count what one does) {
  size_t compared = 0;
  for (const auto& hard : hard_grids()) {
    const auto cells = *cell_grid::make(geocode_algorithm::geohash, hard.geohash.front());
    const auto census_of = [&](size_t threads, uint64_t most) {
      std::vector<cell_runs> runs;
      for (size_t i = 0; i < threads; ++i)
        runs.emplace_back(*pixel_mapper::make(hard.grid, cells), cells);
      std::vector<cell_runs*> finders;
      for (auto& one : runs) finders.push_back(&one);
      return *count_cells(finders, no_bound, most);
    };
    const auto fields = [](const cell_census& census) {
      std::vector<int64_t> out{static_cast<int64_t>(census.pixels_without_cell)};
      for (const auto& cell : census.cells)
        out.insert(out.end(), {static_cast<int64_t>(cell.code), static_cast<int64_t>(cell.pixels)});
      for (const auto& run : census.runs)
        out.insert(out.end(), {run.col_end, run.cell_column, run.cell_row});
      out.insert(out.end(), census.row_begin.begin(), census.row_begin.end());
      return out;
    };
    const auto alone = census_of(1, no_bound);
    for (const size_t threads : {2, 3, 7})
      for (const auto most :
           {no_bound, uint64_t{alone.runs.size()}, uint64_t{alone.runs.size() - 1}}) {
        CAF_REQUIRE(fields(census_of(threads, most)) == fields(census_of(1, most)));
        ++compared;
      }
  }
  CAF_CHECK(compared >= 50u);
}

#define CAF_SUITE raster.cut_chips
#include <caf/test/unit_test.hpp>

#include "cut_twin.hpp"
#include "libstip/raster/cut.hpp"
#include "libstip/raster/paste.hpp"
#include "libstip/raster/plan_nesting.hpp"
#include "tests/libstip/geo/grids.hpp"

using namespace stip;
using namespace stip::test;

CAF_TEST(resolutions that nest take the same ground to the pixel) {
  scene_maker maker(11);
  const auto at = [&](double pixel, int64_t edge) {
    return maker.describe(square("EPSG:32633", 399960, 5300040, pixel, edge, edge),
                          pixel_type::uint16, 2, validity::nodata);
  };
  // As Sentinel-2 has them, and one whose pixels begin half a pixel beside.
  auto off = at(15, 240);
  off.grid.transform[0] += 7.5;
  const auto scene = make_scene(maker, {at(10, 360), at(20, 180), at(60, 60), off});
  cut_options options;
  options.precision = 6;
  options.threads = 2;
  auto plan = plan_cut(scene.description(), scene.tilings(), options);
  CAF_REQUIRE(plan.has_value());
  std::map<std::string, std::map<size_t, planned_chip>> cells;
  for (const auto& chip : (*plan)->chips()) cells[chip.geocode][chip.subdataset] = chip;
  size_t complete = 0;
  for (const auto& [code, chips] : cells) {
    if (chips.size() < 4) continue;
    ++complete;
    const auto& coarse = chips.at(2);
    for (const size_t fine : {0, 1}) {
      const int64_t ratio = fine == 0 ? 6 : 3;
      const auto& chip = chips.at(fine);
      CAF_CHECK_EQUAL(chip.column, coarse.column * ratio);
      CAF_CHECK_EQUAL(chip.row, coarse.row * ratio);
      CAF_CHECK_EQUAL(int64_t{chip.width}, int64_t{coarse.width} * ratio);
      CAF_CHECK_EQUAL(int64_t{chip.height}, int64_t{coarse.height} * ratio);
    }
    // The other finds its own smallest window, which is no larger than the coarse one.
    CAF_CHECK(chips.at(3).width * 15 <= coarse.width * 60 + 30);
  }
  CAF_CHECK(complete > 5);
  keeping_sink sink((*plan)->chips().size());
  auto summary = cut(scene, **plan, options, {}, sink, nullptr);
  CAF_REQUIRE(summary.has_value());
  const uint64_t count = summary->cells;
  CAF_CHECK_EQUAL(count, cells.size());
  CAF_CHECK(sink.complaint().empty());
  for (const auto& chip : sink.chips) CAF_REQUIRE_EQUAL(chip.times_finished, 1);
}

CAF_TEST(grids nest only where every edge of the coarse one is an edge of the fine one) {
  const auto make = [](double x, double pixel, int64_t edge, const char* crs = "EPSG:32633") {
    return square(crs, x, 5300040, pixel, edge, edge);
  };
  const auto base = [](const std::vector<grid>& grids) { return nest_grids(grids)[0].base; };
  CAF_CHECK_EQUAL(base({make(0, 10, 60), make(0, 60, 10)}), 1u);
  CAF_CHECK_EQUAL(base({make(0, 10, 60), make(120, 60, 10)}), 1u);
  CAF_CHECK_EQUAL(base({make(0, 10, 60), make(0.000001, 60, 10)}), 1u);
  CAF_CHECK_EQUAL(base({make(0, 10, 60), make(5, 60, 10)}), 0u);
  CAF_CHECK_EQUAL(base({make(0, 10, 60), make(0, 60.001, 10)}), 0u);
  CAF_CHECK_EQUAL(base({make(0, 10, 60), make(0, 25, 10)}), 0u);
  CAF_CHECK_EQUAL(base({make(0, 10, 60), make(0, 60, 10, "EPSG:32634")}), 0u);
  CAF_CHECK_EQUAL(base({make(0, 60, 10), make(0, 10, 60)}), 0u);
  CAF_CHECK_EQUAL(base({make(0, 10, 60), make(0, 20, 30), make(0, 60, 10)}), 2u);
  CAF_CHECK_EQUAL(base({make(0, 10, 60), make(0, 20, 30), make(5, 60, 10)}), 1u);
}

CAF_TEST(chips that are not wanted are neither made nor read for) {
  scene_maker maker(12);
  const grid g = square("EPSG:32632", 399960, 5700000, 100, 600, 500);
  auto scene = make_scene(maker, {maker.describe(g, pixel_type::uint8, 1, validity::mask)});
  cut_options options;
  options.threads = 2;
  auto plan = plan_cut(scene.description(), scene.tilings(), options);
  CAF_REQUIRE(plan.has_value());
  const size_t count = (*plan)->chips().size();
  keeping_sink all(count);
  CAF_REQUIRE(cut(scene, **plan, options, {}, all, nullptr).has_value());

  for (int round = 0; round < 5; ++round) {
    std::vector<bool> wanted(count);
    for (size_t i = 0; i < count; ++i) wanted[i] = maker.any(0, 4) == 0;
    if (round == 4) wanted.assign(count, false);
    scene.reset();
    keeping_sink some(count);
    auto summary = cut(scene, **plan, options, wanted, some, nullptr);
    CAF_REQUIRE(summary.has_value());
    for (size_t i = 0; i < count; ++i) {
      const int expected = wanted[i] ? 1 : 0;
      CAF_REQUIRE_EQUAL(some.chips[i].times_finished, expected);
      if (!wanted[i]) CAF_REQUIRE(some.chips[i].records.empty());
      if (wanted[i]) CAF_REQUIRE(some.chips[i].records == all.chips[i].records);
    }
    for (const int decoded : scene.decoded(0)) CAF_REQUIRE(decoded <= (round == 4 ? 0 : 1));
    const uint64_t cells = summary->cells;
    CAF_CHECK_EQUAL(cells, static_cast<uint64_t>(std::count(wanted.begin(), wanted.end(), true)));
  }
}

CAF_TEST(a cell without a valid pixel reports none and its blocks are empty) {
  scene_maker maker(13);
  auto about = maker.describe(square("EPSG:32632", 399960, 5700000, 100, 200, 200),
                              pixel_type::int16, 2, validity::nodata);
  for (auto& band : about.bands) band.nodata = 0xd8f1;  // -9999
  auto data = maker.fill(about);
  for (size_t i = 0; i < data.bands.size(); i += 2) {
    const int16_t none = -9999;
    std::memcpy(data.bands.data() + i, &none, 2);
  }
  const auto scene = make_scene(about, std::move(data));
  cut_options options;
  auto plan = plan_cut(scene.description(), scene.tilings(), options);
  CAF_REQUIRE(plan.has_value());
  keeping_sink sink((*plan)->chips().size());
  auto summary = cut(scene, **plan, options, {}, sink, nullptr);
  CAF_REQUIRE(summary.has_value());
  CAF_CHECK_EQUAL(summary->cells, summary->cells_without_data);
  CAF_CHECK_EQUAL(summary->valid_pixels, 0u);
  CAF_CHECK_EQUAL(summary->encoded_bytes, 0u);
  for (const auto& chip : sink.chips) {
    CAF_REQUIRE_EQUAL(chip.finished.valid_pixels, 0u);
    CAF_REQUIRE(chip.finished.cell_pixels > 0);
    for (const auto& [number, record] : chip.records) CAF_REQUIRE(record.empty());
  }
}

CAF_TEST(pasting takes valid pixels only and nothing outside of the target) {
  std::vector<std::byte> raster(4 * 3 * 2, std::byte{9});
  const plane_view to{raster.data(), {10, 20, 4, 3}, 2};
  std::vector<std::byte> pixels(3 * 3 * 2, std::byte{1});
  std::vector<std::byte> valid(9, std::byte{1});
  valid[8] = std::byte{0};
  CAF_REQUIRE(paste({pixels, {9, 21, 3, 3}, pixel_type::uint16, valid}, to, 0).has_value());
  const std::vector<int> expected{9, 9, 9, 9, 1, 1, 9, 9, 1, 1, 9, 9};
  for (size_t i = 0; i < expected.size(); ++i) {
    CAF_CHECK_EQUAL(static_cast<int>(raster[2 * i]), expected[i]);
    CAF_CHECK_EQUAL(static_cast<int>(raster[2 * i + 1]), expected[i]);
  }
  CAF_CHECK(!paste({pixels, {9, 21, 4, 3}, pixel_type::uint16, {}}, to, 0));
  CAF_CHECK(!paste({pixels, {9, 21, 3, 3}, pixel_type::uint8, {}}, to, 0));
  valid.pop_back();
  CAF_CHECK(!paste({pixels, {9, 21, 3, 3}, pixel_type::uint16, valid}, to, 0));
}

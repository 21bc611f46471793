#define CAF_SUITE raster.pixel_outline
#include "libstip/raster/pixel_outline.hpp"

#include <caf/test/unit_test.hpp>
#include <random>

#include "tests/libstip/raster/cut_twin.hpp"

using namespace stip;
using namespace stip::test;

CAF_TEST(the outline holds all pixels and has a corner nowhere else) {
  const uint64_t seed = 20261123;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 500; ++round) {
    const auto width = uint32_t(1 + random() % 40), height = uint32_t(1 + random() % 40);
    const auto part = 1 + random() % 20;
    std::vector<row_part> rows;
    std::vector<pixel_corner> pixels;
    for (uint32_t row = 0; row < height; ++row)
      for (uint32_t column = 0; column < width; ++column) {
        if (random() % part != 0) continue;
        rows.push_back({row, column, column + 1});
        pixels.push_back({column, row});
      }
    finished_chip chip;
    chip.cell_pixels = pixels.size() + 1;
    chip.outline = outline_of(rows);
    const auto wrong = outline_complaint(chip, pixels);
    if (!wrong.empty()) CAF_FAIL("round " << round << ": " << wrong);
    CAF_CHECK(is_sound(chip.outline, width, height));
    // The same pixels in pieces, in any order.
    std::vector<outline_builder> pieces(1 + random() % 5);
    std::vector<std::vector<row_part>> shares(pieces.size());
    for (const auto& row : rows) shares[random() % shares.size()].push_back(row);
    outline_builder all;
    for (size_t i = 0; i < pieces.size(); ++i) {
      pieces[i].add(shares[i]);
      all.add(pieces[i]);
    }
    CAF_REQUIRE(all.outline() == chip.outline);
  }
}

CAF_TEST(a hull of many corners loses little) {
  constexpr double radius = 3000;
  std::vector<row_part> rows;
  for (uint32_t row = 0; row < 2 * uint32_t(radius); ++row) {
    const auto half = std::sqrt(radius * radius - std::pow(double(row) + 0.5 - radius, 2));
    rows.push_back({row, uint32_t(radius - half), uint32_t(radius + half) + 1});
  }
  const auto outline = outline_of(rows);
  CAF_CHECK_EQUAL(outline.size(), max_outline_corners);
  double twice_area = 0;
  for (size_t i = 0; i < outline.size(); ++i) {
    const auto& a = outline[i];
    const auto& b = outline[(i + 1) % outline.size()];
    twice_area += double(a.column) * double(b.row) - double(b.column) * double(a.row);
  }
  const auto share = twice_area / 2 / (3.14159265 * radius * radius);
  CAF_MESSAGE("keeps " << share << " of a circle");
  CAF_CHECK(share > 0.99 && share <= 1.01);
}

CAF_TEST(outlines from elsewhere are checked) {
  const pixel_outline square{{0, 0}, {4, 0}, {4, 3}, {0, 3}};
  CAF_CHECK(is_sound({}, 4, 3));
  CAF_CHECK(is_sound(square, 4, 3));
  CAF_CHECK(!is_sound(square, 3, 3));
  CAF_CHECK(!is_sound(square, 4, 2));
  CAF_CHECK(!is_sound({{0, 0}, {4, 0}}, 4, 3));
  CAF_CHECK(!is_sound({{0, 3}, {4, 3}, {4, 0}, {0, 0}}, 4, 3));
  CAF_CHECK(!is_sound({{0, 0}, {4, 0}, {1, 1}, {0, 3}}, 4, 3));
  CAF_CHECK(!is_sound(pixel_outline(max_outline_corners + 1), 4, 3));
  // Every turn of a pentagram is a right one.
  CAF_CHECK(is_sound({{50, 0}, {98, 35}, {79, 90}, {21, 90}, {2, 35}}, 100, 100));
  CAF_CHECK(!is_sound({{50, 0}, {79, 90}, {2, 35}, {98, 35}, {21, 90}}, 100, 100));
}

#define CAF_SUITE cluster.footprints
#include "actors/client.hpp"
#include "libstip/catalog/image_footprint.hpp"
#include "libstip/cluster/image_making.hpp"
#include "libstip/raster/cell_mask.hpp"
#include "tests/support/cluster/landsat_fixture.hpp"

// What images say that they hold data of, against their pixels.

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : landsat_fixture {};

/// Rings do not overlap, so that each crossing counts.
bool holds(const footprint& f, double lon, double lat) {
  bool inside = false;
  for (const auto& ring : f.rings)
    for (size_t i = 0; i + 1 < ring.size(); ++i) {
      const auto &a = ring[i], &b = ring[i + 1];
      if ((a.lat > lat) != (b.lat > lat) &&
          lon < a.lon + (lat - a.lat) / (b.lat - a.lat) * (b.lon - a.lon))
        inside = !inside;
    }
  return inside;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(footprint_tests, fixture)

CAF_TEST(the footprint of an image is around its valid pixels) {
  test_cluster nodes{1};
  create(nodes, 1);
  store_product(nodes, write_product(nodes.files().path()));
  const auto node = client_of(nodes, 0);
  size_t partial = 0, pixels = 0;
  for (const auto& row : rows(nodes, 0)) {
    const auto image = node.details("a", row.key);
    CAF_REQUIRE(image.has_value());
    const auto found = footprint_of(*image, geocode_algorithm::geohash);
    CAF_REQUIRE(found.has_value() && found->has_value());
    CAF_REQUIRE(!(*found)->rings.empty());
    for (size_t c = 0; c < image->chips.size(); ++c) {
      const auto& chip = image->chips[c];
      const auto& grid = image->subdataset(c).grid;
      const auto window = window_of(chip);
      const auto own = cell_mask(grid, window, geocode_algorithm::geohash, row.key.geocode);
      const auto read = node.chip("a", row, *image, c);
      CAF_REQUIRE(own.has_value() && read.has_value());
      auto mapper = pixel_mapper::make(grid, 4326);
      CAF_REQUIRE(mapper.has_value());
      const auto valid = read->valid();
      uint32_t low_col = UINT32_MAX, low_row = UINT32_MAX, high_col = 0, high_row = 0;
      uint64_t count = 0;
      for (uint32_t y = 0; y < chip.height; ++y)
        for (uint32_t x = 0; x < chip.width; ++x) {
          if (const auto i = size_t{y} * chip.width + x; !(*own)[i] || !valid[i]) continue;
          ++count;
          low_col = std::min(low_col, x);
          low_row = std::min(low_row, y);
          high_col = std::max(high_col, x + 1);
          high_row = std::max(high_row, y + 1);
          double lon = double(window.column + x) + 0.5, lat = double(window.row + y) + 0.5;
          uint8_t ok = 0;
          mapper->to_cell_crs({&lon, 1}, {&lat, 1}, {&ok, 1});
          // That of the image is one subdataset's; the others hold data elsewhere, too.
          if (chip.quality || chip.pixel_coverage() < row.pixel_coverage) continue;
          CAF_REQUIRE(ok && holds(**found, lon, lat));
          ++pixels;
        }
      CAF_CHECK_EQUAL(count, chip.valid_pixels);
      CAF_CHECK_EQUAL(chip.outline.empty(), count == 0 || count == chip.cell_pixels);
      if (chip.outline.empty()) continue;
      ++partial;
      const auto [left, right] =
          std::minmax_element(chip.outline.begin(), chip.outline.end(),
                              [](const auto& a, const auto& b) { return a.column < b.column; });
      const auto [top, bottom] =
          std::minmax_element(chip.outline.begin(), chip.outline.end(),
                              [](const auto& a, const auto& b) { return a.row < b.row; });
      CAF_CHECK_EQUAL(left->column, low_col);
      CAF_CHECK_EQUAL(right->column, high_col);
      CAF_CHECK_EQUAL(top->row, low_row);
      CAF_CHECK_EQUAL(bottom->row, high_row);
    }
  }
  CAF_MESSAGE(partial << " chips have an outline, " << pixels << " pixels lie in their images'");
  CAF_CHECK(partial > 5u);
  CAF_CHECK(pixels > 10'000u);
}

CAF_TEST_FIXTURE_SCOPE_END()

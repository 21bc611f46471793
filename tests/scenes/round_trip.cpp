#define CAF_SUITE scenes.round_trip

#include <array>
#include <cmath>
#include <map>
#include <memory>

#include "libstip/core/hash.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/reader_pool.hpp"
#include "libstip/geo/projection.hpp"
#include "tests/support/libstip/scratch_directory.hpp"
#include "tests/support/scenes/make_apart.hpp"

#include <caf/test/unit_test.hpp>

// Products that are made and products that are read: neither side is checked against itself alone.

using namespace stip;
using namespace stip::scenes;

namespace {

recipe small(const std::string& family) {
  recipe r;
  r.family = family;
  r.size = 180;
  r.days = 3;
  return r;
}

/// The size, type and pixels of a band as one word.
std::string word_of(int64_t width, int64_t height, pixel_type type,
                    std::span<const std::byte> pixels) {
  return text("%lld x %lld %s %s", (long long)width, (long long)height,
              std::string(to_string(type)).c_str(), to_string(hash128_of(pixels)).c_str());
}

/// The bands of the scenes by their pixels; several may have the same.
std::map<std::string, std::vector<const grid*>> bands_of(
    const std::vector<std::unique_ptr<scene>>& all) {
  std::map<std::string, std::vector<const grid*>> found;
  for (const auto& each : all) {
    const auto reader = each->open_reader();
    CAF_REQUIRE(reader.has_value());
    const auto& parts = each->description().subdatasets;
    for (size_t i = 0; i < parts.size(); ++i)
      for (size_t band = 0; band < parts[i].bands.size(); ++band) {
        const auto& grid = parts[i].grid;
        std::vector<std::byte> pixels(size_t(grid.width * grid.height) * size_of(parts[i].type));
        const auto read = (*reader)->read(i, {0, 0, grid.width, grid.height}, band, 1, pixels);
        if (!read) CAF_FAIL(to_string(read.error()));
        found[word_of(grid.width, grid.height, parts[i].type, pixels)].push_back(&grid);
      }
  }
  return found;
}

void check_grid_of(const layer& l, const grid& found) {
  for (size_t i = 0; i < 6; ++i)
    CAF_CHECK(std::abs(found.transform[i] - l.transform[i]) < 1e-4 * std::abs(l.transform[1]));
  // CRSs without a code have many names: the same places is what counts.
  auto between = coordinate_transform::make(l.crs, found.crs_wkt);
  CAF_REQUIRE(between.has_value());
  std::array<double, 1> x = {l.transform[0] + 30 * l.transform[1]};
  std::array<double, 1> y = {l.transform[3] + 50 * l.transform[5]};
  const auto wanted_x = x[0], wanted_y = y[0];
  std::array<uint8_t, 1> ok{};
  between->forward(x, y, ok);
  CAF_CHECK(ok[0] != 0);
  CAF_CHECK(std::abs(x[0] - wanted_x) < 1e-4 * std::abs(l.transform[1]));
  CAF_CHECK(std::abs(y[0] - wanted_y) < 1e-4 * std::abs(l.transform[1]));
}

}  // namespace

CAF_TEST(stip finds in each product what was put in) {
  reader_pool readers;
  size_t families_read = 0;
  for (const auto& f : families()) {
    const auto r = small(std::string(f.name));
    test::scratch_directory files;
    const auto p = make_apart(r, files.path());
    if (!p) CAF_FAIL(to_string(p.error()));
    ++families_read;
    const auto opened = open_scenes("auto", p->path, {}, readers);
    if (!opened) CAF_FAIL(to_string(opened.error()));
    const auto& first = opened->front()->description();
    CAF_CHECK_EQUAL(first.format, p->format);
    CAF_CHECK_EQUAL(first.platform, p->platform);
    const auto time = to_iso8601(first.timestamp);
    CAF_CHECK_EQUAL(time, p->timestamp);
    auto found = bands_of(*opened);
    size_t layers = 0, bands = 0;
    for (const auto& [word, grids] : found) bands += grids.size();
    for (const auto& l : p->layers) {
      if (!p->native(l)) continue;
      ++layers;
      std::vector<std::byte> pixels(size_t(l.width * l.height) * size_of(l.type));
      l.pixels({0, 0, l.width, l.height}, pixels);
      auto& grids = found[word_of(l.width, l.height, l.type, pixels)];
      if (grids.empty()) {
        CAF_CHECK_EQUAL(std::string(f.name) + " lacks " + l.name, "");
        continue;
      }
      check_grid_of(l, *grids.back());
      grids.pop_back();
    }
    CAF_CHECK_EQUAL(bands, layers);
  }
  CAF_CHECK_EQUAL(families_read, families().size());
}

CAF_TEST(offsets of Sentinel 2 are those of the metadata) {
  reader_pool readers;
  for (const auto* family : {"sentinel2-l1c", "sentinel2-l2a"})
    for (const auto* baseline : {"02.14", "05.09"}) {
      auto r = small(family);
      r.baseline = baseline;
      r.size = 120;
      test::scratch_directory files;
      const auto p = make_apart(r, files.path());
      if (!p) CAF_FAIL(to_string(p.error()));
      const auto opened = open_scenes("auto", p->path, {}, readers);
      if (!opened) CAF_FAIL(to_string(opened.error()));
      const double offset = std::string(baseline) == "05.09" ? -0.1 : 0;
      size_t reflective = 0;
      for (const auto& part : opened->front()->description().subdatasets)
        for (const auto& band : part.bands) {
          if (band.name.size() != 3 || band.name[0] != 'B') continue;
          ++reflective;
          CAF_CHECK(std::abs(band.scale - 1e-4) < 1e-12);
          CAF_CHECK(std::abs(band.offset - offset) < 1e-9);
        }
      const size_t wanted = p->family == "sentinel2-l1c" ? 13 : 12;
      CAF_CHECK_EQUAL(reflective, wanted);
    }
}

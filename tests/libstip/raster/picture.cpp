#define CAF_SUITE raster.picture
#include "libstip/raster/picture.hpp"

#include <gdal.h>

#include <caf/test/unit_test.hpp>
#include <cstring>
#include <filesystem>
#include <random>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/picture_file.hpp"
#include "libstip/raster/writers.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

band_description band(std::string name, std::optional<uint64_t> nodata = {}) {
  band_description out;
  out.name = std::move(name);
  out.nodata = nodata;
  return out;
}

picture_painter painter(std::vector<band_description> bands, const picture_style& style,
                        std::vector<double> sample = {}) {
  auto made = picture_painter::make(pixel_type::uint16, std::move(bands), style,
                                    [&](size_t) { return sample; });
  if (!made) CAF_FAIL(to_string(made.error()));
  return std::move(*made);
}

rgba one(const picture_painter& by, uint16_t value, bool valid = true) {
  const auto* plane = reinterpret_cast<const std::byte*>(&value);
  const uint8_t flag = valid ? 1 : 0;
  const auto* flags = &flag;
  rgba out{};
  by.paint({&plane, 1}, {&flags, 1}, {&out, 1});
  return out;
}

/// Channels of a file as GDAL reads them: pixel by pixel.
std::vector<uint8_t> channels(const std::string& path, int& count, int& width, int& height) {
  const auto file = open_gdal(path);
  if (!file) CAF_FAIL(to_string(file.error()));
  count = GDALGetRasterCount(file->handle());
  width = GDALGetRasterXSize(file->handle());
  height = GDALGetRasterYSize(file->handle());
  std::vector<uint8_t> out(static_cast<size_t>(count * width * height));
  if (GDALDatasetRasterIO(file->handle(), GF_Read, 0, 0, width, height, out.data(), width, height,
                          GDT_Byte, count, nullptr, count, count * width, 1) != CE_None)
    CAF_FAIL("GDAL cannot read the picture");
  return out;
}

picture random_picture(std::mt19937_64& random, int64_t width, int64_t height) {
  picture out;
  out.width = width;
  out.height = height;
  for (int64_t i = 0; i < width * height; ++i) {
    rgba p;
    for (auto& part : p) part = static_cast<uint8_t>(random());
    out.pixels.push_back(p);
  }
  return out;
}

}  // namespace

CAF_TEST(a given range goes from black to full brightness and beyond it is clamped) {
  picture_style style;
  style.stretch.range = {100, 300};
  const auto p = painter({band("a")}, style);
  CAF_CHECK(p.gray());
  CAF_CHECK(one(p, 100) == (rgba{0, 0, 0, 255}));
  CAF_CHECK(one(p, 0) == (rgba{0, 0, 0, 255}));
  CAF_CHECK(one(p, 300) == (rgba{255, 255, 255, 255}));
  CAF_CHECK(one(p, 9000) == (rgba{255, 255, 255, 255}));
  CAF_CHECK(one(p, 200)[0] == 128);
  CAF_CHECK(one(p, 200, false) == (rgba{0, 0, 0, 0}));
}

CAF_TEST(percentiles are those of the sample) {
  std::vector<double> sample;
  for (int i = 0; i <= 1000; ++i) sample.push_back(i);
  picture_style style;
  style.stretch.low_share = 0.1;
  style.stretch.high_share = 0.9;
  const auto p = painter({band("a")}, style, sample);
  CAF_REQUIRE_EQUAL(p.ranges().size(), 1u);
  CAF_CHECK_EQUAL(p.ranges()[0].first, 100.0);
  CAF_CHECK_EQUAL(p.ranges()[0].second, 900.0);
  // One value alone, or none, is no range.
  const auto same = painter({band("a")}, {}, {5, 5, 5}), none = painter({band("a")}, {}, {});
  CAF_CHECK_EQUAL(same.ranges()[0].second, 6.0);
  CAF_CHECK_EQUAL(none.ranges()[0].first, 0.0);
}

CAF_TEST(colour maps have their ends and colour tables their values) {
  for (const auto name : colour_map_names()) {
    const auto map = colour_map_named(name);
    CAF_REQUIRE(map.has_value());
    for (const auto& c : *map) CAF_CHECK_EQUAL(c[3], 255);
  }
  const auto viridis = *colour_map_named("viridis");
  CAF_CHECK(viridis.front() == (rgba{0x44, 0x01, 0x54, 255}));
  CAF_CHECK(viridis.back() == (rgba{0xfd, 0xe7, 0x25, 255}));
  const auto gray = *colour_map_named("gray");
  for (size_t i = 0; i < 256; ++i) CAF_CHECK(std::abs(int(gray[i][0]) - int(i)) <= 1);
  CAF_CHECK(!colour_map_named("rainbow"));
  auto classes = band("classes");
  classes.colour_table = {"1,2,3,255", "4,5,6,128"};
  const auto p = painter({classes}, {});
  CAF_CHECK(one(p, 0) == (rgba{1, 2, 3, 255}));
  CAF_CHECK(one(p, 1) == (rgba{4, 5, 6, 128}));
  CAF_CHECK(one(p, 2) == (rgba{0, 0, 0, 0}));
}

CAF_TEST(what cannot be painted is refused) {
  const auto none = [](size_t) { return std::vector<double>{}; };
  const auto refused = [&](std::vector<band_description> bands, picture_style style) {
    const auto made = picture_painter::make(pixel_type::uint8, std::move(bands), style, none);
    return !made && made.error().code == ec::invalid_argument;
  };
  CAF_CHECK(refused({band("a"), band("b")}, {}));
  CAF_CHECK(refused({}, {}));
  CAF_CHECK(refused({band("a"), band("b"), band("c")}, {{}, "viridis"}));
  CAF_CHECK(refused({band("a")}, {{}, "rainbow"}));
  picture_style wrong;
  wrong.stretch.range = {5, 5};
  CAF_CHECK(refused({band("a")}, wrong));
  wrong = {};
  wrong.stretch.low_share = 0.9;
  wrong.stretch.high_share = 0.1;
  CAF_CHECK(refused({band("a")}, wrong));
}

CAF_TEST(files hold the pixels that were given) {
  std::mt19937_64 random(5);
  scratch_directory files;
  for (const bool gray : {false, true}) {
    auto p = random_picture(random, 37, 23);
    p.gray = gray;
    if (gray)
      for (auto& c : p.pixels) c[1] = c[2] = c[0];
    const auto path = files / "p.png";
    CAF_REQUIRE(write_png(path, p).has_value());
    int count = 0, width = 0, height = 0;
    const auto got = channels(path, count, width, height);
    CAF_CHECK_EQUAL(count, gray ? 2 : 4);
    CAF_REQUIRE_EQUAL(width, 37);
    CAF_REQUIRE_EQUAL(height, 23);
    size_t wrong = 0;
    for (size_t i = 0; i < p.pixels.size(); ++i)
      for (int k = 0; k < count; ++k) {
        const size_t part = gray && k == 1 ? 3 : static_cast<size_t>(k);
        wrong += got[i * static_cast<size_t>(count) + static_cast<size_t>(k)] != p.pixels[i][part];
      }
    CAF_CHECK_EQUAL(wrong, 0u);
    const auto bytes = encode_png(p);
    CAF_REQUIRE(bytes.has_value());
    CAF_CHECK_EQUAL(bytes->size(), std::filesystem::file_size(path));
  }
  // A row that cannot be had ends the picture with its reason.
  const auto failed =
      write_png_rows(files / "q.png", 10, 10, false, [](int64_t row, auto) -> result<void> {
        if (row < 5) return {};
        return fail(ec::unavailable, "a row", "the node is away");
      });
  CAF_REQUIRE(!failed);
  CAF_CHECK(failed.error().code == ec::unavailable);
}

CAF_TEST(a raster file is painted as its pixels in memory are) {
  scratch_directory files;
  raster_file raster;
  raster.width = 300;
  raster.height = 700;
  raster.bands = 3;
  raster.type = pixel_type::uint16;
  raster.edit = [](GDALDataset& file) {
    for (int b = 1; b <= 3; ++b) file.GetRasterBand(b)->SetNoDataValue(7);
  };
  const auto path = files / "r.tif";
  write_raster(path, raster);
  picture_style style;
  style.stretch.range = {0, 65535};
  const std::vector<band_description> bands = {band("a", 7), band("b", 7), band("c", 7)};
  CAF_REQUIRE(paint_file(path, pixel_type::uint16, bands, style, files / "r.png").has_value());
  int count = 0, width = 0, height = 0;
  const auto got = channels(files / "r.png", count, width, height);
  CAF_REQUIRE_EQUAL(count, 4);
  const auto p = picture_painter::make(pixel_type::uint16, bands, style,
                                       [](size_t) { return std::vector<double>{}; });
  CAF_REQUIRE(p.has_value());
  size_t wrong = 0;
  for (int y = 0; y < height; ++y) {
    std::array<std::vector<std::byte>, 3> rows;
    std::array<std::vector<uint8_t>, 3> flags;
    std::vector<const std::byte*> planes;
    std::vector<const uint8_t*> valid;
    for (size_t b = 0; b < 3; ++b) {
      rows[b] = sample_pixels(pixel_type::uint16, 0, y, width, 1, b);
      flags[b].resize(static_cast<size_t>(width));
      for (size_t x = 0; x < flags[b].size(); ++x) {
        uint16_t v;
        std::memcpy(&v, rows[b].data() + 2 * x, 2);
        flags[b][x] = v != 7 ? 1 : 0;
      }
      planes.push_back(rows[b].data());
      valid.push_back(flags[b].data());
    }
    std::vector<rgba> row(static_cast<size_t>(width));
    p->paint(planes, valid, row);
    wrong += std::memcmp(row.data(), got.data() + static_cast<size_t>(y * width) * 4,
                         row.size() * 4) != 0
                 ? 1
                 : 0;
  }
  CAF_CHECK_EQUAL(wrong, 0u);
}

CAF_TEST(a smaller picture is the mean of what is there) {
  picture p;
  p.width = 4;
  p.height = 2;
  const rgba red{200, 0, 0, 255}, hole{9, 9, 9, 0}, blue{0, 0, 100, 255};
  p.pixels = {red, red, hole, hole, blue, blue, hole, red};
  const auto s = shrink(p, 2);
  CAF_REQUIRE_EQUAL(s.width, 2);
  CAF_REQUIRE_EQUAL(s.height, 1);
  CAF_CHECK(s.pixels[0] == (rgba{100, 0, 50, 255}));
  // Holes count for the alpha alone.
  CAF_CHECK(s.pixels[1] == (rgba{200, 0, 0, 64}));
  CAF_CHECK_EQUAL(shrink(p, 4).width, 4);
  std::mt19937_64 random(6);
  for (const auto edge : {1, 3, 17, 50}) {
    const auto made = shrink(random_picture(random, 91, 40), edge);
    CAF_CHECK_EQUAL(made.width, edge);
    CAF_CHECK_EQUAL(made.pixels.size(), static_cast<size_t>(made.width * made.height));
  }
}

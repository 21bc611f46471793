#define CAF_SUITE raster.cog_stream
#include "libstip/raster/cog_stream.hpp"

#include <gdal.h>

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"
#include "libstip/raster/scatter.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct picture {
  cog_description of;
  std::vector<std::byte> planes;
  std::vector<uint8_t> valid;
  pixel_rect all;

  size_t area() const { return all.pixels(); }
};

picture make(std::mt19937_64& random, pixel_type type, size_t bands, int64_t width, int64_t height,
             bool masked) {
  picture out;
  auto& d = out.of.pixels;
  d.id = "0";
  d.type = type;
  d.grid = {"EPSG:32632", {500000, 10, 0, 5000000, 0, -10}, width, height};
  d.valid = masked ? validity::mask : validity::nodata;
  for (size_t b = 0; b < bands; ++b) {
    band_description band;
    band.name = "B" + std::to_string(b + 1);
    band.scale = 0.5;
    if (!masked) band.nodata = 0;
    d.bands.push_back(band);
  }
  out.of.items["MOSAIC"] = "first";
  out.all = {0, 0, width, height};
  out.planes.resize(out.area() * bands * size_of(type));
  out.valid.resize(out.area());
  visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    auto* p = reinterpret_cast<T*>(out.planes.data());
    for (size_t i = 0; i < out.area(); ++i) {
      const auto x = static_cast<int64_t>(i) % width, y = static_cast<int64_t>(i) / width;
      // A hole of whole tiles, one of odd pixels, the rest data.
      const bool hole = (x >= 512 && x < 1100 && y < 600) || (x + 3 * y) % 7 == 0;
      out.valid[i] = hole ? 0 : 1;
      for (size_t b = 0; b < bands; ++b)
        p[b * out.area() + i] = hole ? T{0} : static_cast<T>(1 + random() % 120);
    }
  });
  return out;
}

double number(const picture& p, size_t band, int64_t x, int64_t y) {
  return visit_pixel_type(p.of.pixels.type, [&]<class T>(std::type_identity<T>) {
    T v;
    std::memcpy(
        &v,
        p.planes.data() + (band * p.area() + static_cast<size_t>(y * p.all.width + x)) * sizeof(T),
        sizeof(T));
    return static_cast<double>(v);
  });
}

/// The next level by definition: means of up to four valid pixels, halves up.
picture shrunk(const picture& p) {
  picture out;
  out.of = p.of;
  out.all = {0, 0, (p.all.width + 1) / 2, (p.all.height + 1) / 2};
  const size_t bands = p.of.pixels.bands.size();
  out.planes.resize(out.area() * bands * size_of(p.of.pixels.type));
  out.valid.resize(out.area());
  for (int64_t y = 0; y < out.all.height; ++y)
    for (int64_t x = 0; x < out.all.width; ++x)
      for (size_t b = 0; b < bands; ++b) {
        double sum = 0;
        int count = 0;
        for (int i = 0; i < 4; ++i) {
          const auto fx = 2 * x + i % 2, fy = 2 * y + i / 2;
          if (fx >= p.all.width || fy >= p.all.height ||
              p.valid[static_cast<size_t>(fy * p.all.width + fx)] == 0)
            continue;
          sum += number(p, b, fx, fy);
          ++count;
        }
        const auto at = static_cast<size_t>(y * out.all.width + x);
        out.valid[at] = count > 0 ? 1 : 0;
        if (count == 0) continue;
        visit_pixel_type(p.of.pixels.type, [&]<class T>(std::type_identity<T>) {
          const double mean = sum / count;
          const T made = std::is_floating_point_v<T> ? static_cast<T>(mean)
                                                     : static_cast<T>(std::floor(mean + 0.5));
          std::memcpy(out.planes.data() + (b * out.area() + at) * sizeof(T), &made, sizeof(T));
        });
      }
  return out;
}

/// Tiles in a random order by several threads; some empty ones are told, others never come.
result<void> write(cog_stream& to, const picture& p, std::mt19937_64& random) {
  std::vector<pixel_rect> parts;
  for (int64_t y = 0; y < p.all.height; y += 512)
    for (int64_t x = 0; x < p.all.width; x += 512)
      parts.push_back(intersect({x, y, 512, 512}, p.all));
  std::shuffle(parts.begin(), parts.end(), random);
  std::atomic<size_t> next{0};
  std::atomic<bool> good{true};
  const size_t size = size_of(p.of.pixels.type), bands = p.of.pixels.bands.size();
  const auto work = [&] {
    for (size_t i = next++; i < parts.size(); i = next++) {
      const auto rect = parts[i];
      std::vector<std::byte> planes(rect.pixels() * bands * size);
      std::vector<uint8_t> valid(rect.pixels());
      copy_part({const_cast<std::byte*>(p.planes.data()), p.all, size}, {planes.data(), rect, size},
                rect, bands);
      copy_part({reinterpret_cast<std::byte*>(const_cast<uint8_t*>(p.valid.data())), p.all, 1},
                {reinterpret_cast<std::byte*>(valid.data()), rect, 1}, rect, 1);
      const bool empty = std::find(valid.begin(), valid.end(), 1) == valid.end();
      if (empty && i % 2 == 0) continue;
      const auto done = empty ? to.add_empty(rect) : to.add(rect, planes, valid);
      if (!done) good = false;
    }
  };
  {
    std::jthread other(work);
    work();
  }
  if (!good) return fail(ec::internal, "write", "a part failed");
  return to.finish();
}

void check_level(GDALRasterBandH band, size_t b, const picture& p, const std::string& name) {
  const auto width = static_cast<int>(p.all.width), height = static_cast<int>(p.all.height);
  CAF_REQUIRE_EQUAL(GDALGetRasterBandXSize(band), width);
  CAF_REQUIRE_EQUAL(GDALGetRasterBandYSize(band), height);
  const auto type = p.of.pixels.type;
  const size_t size = size_of(type);
  std::vector<std::byte> got(p.area() * size);
  CAF_REQUIRE(GDALRasterIO(band, GF_Read, 0, 0, width, height, got.data(), width, height,
                           gdal_type(type), 0, 0) == CE_None);
  const bool same = std::memcmp(got.data(), p.planes.data() + b * p.area() * size, got.size()) == 0;
  if (!same) CAF_ERROR(name << ": other pixels at " << width << " x " << height);
  std::vector<uint8_t> mask(p.area());
  CAF_REQUIRE(GDALRasterIO(GDALGetMaskBand(band), GF_Read, 0, 0, width, height, mask.data(), width,
                           height, GDT_Byte, 0, 0) == CE_None);
  size_t wrong = 0;
  for (size_t i = 0; i < mask.size(); ++i) wrong += (mask[i] != 0) != (p.valid[i] != 0) ? 1 : 0;
  if (wrong != 0) CAF_ERROR(name << ": " << wrong << " other mask pixels");
}

}  // namespace

CAF_TEST(pixels masks and overviews are read back by GDAL whatever the order of parts) {
  constexpr uint64_t seed = 77;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  scratch_directory files;
  prepare_gdal();
  for (const auto type :
       {pixel_type::uint8, pixel_type::int8, pixel_type::uint16, pixel_type::int16,
        pixel_type::uint32, pixel_type::int32, pixel_type::uint64, pixel_type::int64,
        pixel_type::float32, pixel_type::float64})
    for (const bool masked : {false, true}) {
      const size_t bands = 1 + random() % 3;
      const auto p = make(random, type, bands, 1030 + static_cast<int64_t>(random() % 200),
                          513 + static_cast<int64_t>(random() % 300), masked);
      const auto name = std::string(to_string(type)) + (masked ? " with a mask" : " with nodata");
      const auto path = files / "p.tif";
      auto stream = cog_stream::create(path, p.of);
      if (!stream) CAF_FAIL(name << ": " << to_string(stream.error()));
      CAF_REQUIRE(write(**stream, p, random).has_value());
      const auto file = open_gdal(path);
      if (!file) CAF_FAIL(to_string(file.error()));
      CAF_CHECK_EQUAL(GDALGetRasterCount(file->handle()), static_cast<int>(bands));
      const auto* layout = GDALGetMetadataItem(file->handle(), "MOSAIC", "STIP");
      CAF_CHECK_EQUAL(std::string(layout == nullptr ? "" : layout), "first");
      const int overviews = p.all.width > 1024 || p.all.height > 1024 ? 2 : 1;
      auto level = p;
      for (int i = -1; i < overviews; ++i) {
        if (i >= 0) level = shrunk(level);
        for (size_t b = 0; b < bands; ++b) {
          const auto band = GDALGetRasterBand(file->handle(), static_cast<int>(b + 1));
          CAF_CHECK_EQUAL(std::string(GDALGetDescription(band)), "B" + std::to_string(b + 1));
          const int count = GDALGetOverviewCount(band);
          CAF_REQUIRE_EQUAL(count, overviews);
          check_level(i < 0 ? band : GDALGetOverview(band, i), b, level, name);
        }
      }
      std::filesystem::remove(path);
    }
}

CAF_TEST(nothing is seen before the end and nothing is left without one) {
  std::mt19937_64 random(1);
  scratch_directory files;
  const auto p = make(random, pixel_type::uint16, 1, 600, 600, false);
  const auto left = [&] {
    return std::distance(std::filesystem::directory_iterator(files.path()), {});
  };
  {
    auto stream = cog_stream::create(files / "p.tif", p.of);
    CAF_REQUIRE(stream.has_value());
    CAF_REQUIRE((*stream)->add_empty({0, 0, 512, 512}).has_value());
    CAF_CHECK_EQUAL(left(), 0);
  }
  CAF_CHECK_EQUAL(left(), 0);
  auto nowhere = cog_stream::create(files / "none/p.tif", p.of);
  CAF_CHECK(!nowhere);
  auto wrong = p.of;
  wrong.pixels.bands[0].nodata.reset();
  CAF_CHECK(!cog_stream::create(files / "p.tif", wrong));
  // A picture without any data is a file all the same.
  auto stream = cog_stream::create(files / "p.tif", p.of);
  CAF_REQUIRE((*stream)->finish().has_value());
  const auto file = open_gdal(files / "p.tif");
  CAF_REQUIRE(file.has_value());
  CAF_CHECK_EQUAL(GDALGetRasterXSize(file->handle()), 600);
  CAF_CHECK_EQUAL(left(), 1);
}

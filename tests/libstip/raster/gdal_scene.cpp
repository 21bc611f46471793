#define CAF_SUITE raster.gdal_scene
#include "libstip/raster/gdal_scene.hpp"

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "file_scene.hpp"
#include "libstip/raster/nodata.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr pixel_type all_types[] = {pixel_type::uint8,  pixel_type::int8,   pixel_type::uint16,
                                    pixel_type::int16,  pixel_type::uint32, pixel_type::int32,
                                    pixel_type::uint64, pixel_type::int64,  pixel_type::float32,
                                    pixel_type::float64};

std::vector<std::byte> pixels_of(scene_reader& reader, const scene& s, size_t subdataset,
                                 const source_window& w, size_t first, size_t count) {
  const auto type = s.description().subdatasets[subdataset].type;
  std::vector<std::byte> out(size_t(w.width * w.height) * count * size_of(type));
  auto read = reader.read(subdataset, w, first, count, out);
  if (!read) CAF_FAIL(to_string(read.error()));
  return out;
}

void set_nodata(GDALDataset& dataset, pixel_type type, uint64_t pattern) {
  auto* band = dataset.GetRasterBand(1);
  if (type == pixel_type::int64)
    band->SetNoDataValueAsInt64(int64_t(pattern));
  else if (type == pixel_type::uint64)
    band->SetNoDataValueAsUInt64(pattern);
  else
    band->SetNoDataValue(nodata_value(type, pattern));
}

}  // namespace

CAF_TEST(every type and layout gives the pixels that were written) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  std::mt19937_64 random{3};
  CAF_MESSAGE("seed 3");
  const std::vector<std::vector<std::string>> layouts = {
      {"INTERLEAVE=BAND"},
      {"INTERLEAVE=PIXEL", "BLOCKYSIZE=1"},
      {"INTERLEAVE=PIXEL", "TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=16", "COMPRESS=DEFLATE"},
      {"INTERLEAVE=BAND", "TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=32", "COMPRESS=LZW"},
      {"INTERLEAVE=BAND", "COMPRESS=ZSTD", "BLOCKYSIZE=7", "ENDIANNESS=BIG"},
  };
  for (const auto type : all_types)
    for (const auto& layout : layouts) {
      raster_file file;
      file.type = type;
      file.bands = 3;
      file.creation = layout;
      CAF_REQUIRE(write_raster(path, file));
      const auto s = opened(path);
      const auto& d = s->description().subdatasets.at(0);
      CAF_REQUIRE(d.type == type && d.bands.size() == 3 && d.valid == validity::all);
      const auto tiling = s->tiling(0);
      CAF_CHECK_EQUAL(tiling.bands_together, layout[0] == "INTERLEAVE=PIXEL");
      CAF_CHECK(tiling.block_width >= 1 && tiling.block_width <= 70);
      CAF_CHECK(tiling.block_height >= 1 && tiling.block_height <= 50);
      auto reader = s->open_reader();
      CAF_REQUIRE(reader);
      for (int i = 0; i < 6; ++i) {
        source_window w{int64_t(random() % 70), int64_t(random() % 50), 0, 0};
        w.width = 1 + int64_t(random() % uint64_t(70 - w.column));
        w.height = 1 + int64_t(random() % uint64_t(50 - w.row));
        const size_t first = random() % 3;
        const size_t count = 1 + random() % (3 - first);
        const auto found = pixels_of(**reader, *s, 0, w, first, count);
        std::vector<std::byte> expected;
        for (size_t band = first; band < first + count; ++band) {
          const auto plane = sample_pixels(type, w.column, w.row, w.width, w.height, band);
          expected.insert(expected.end(), plane.begin(), plane.end());
        }
        CAF_CHECK(found == expected);
      }
    }
}

CAF_TEST(thin strips are read together and tiles alone) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  raster_file file;
  file.height = 200;
  file.creation = {"BLOCKYSIZE=3"};
  CAF_REQUIRE(write_raster(path, file));
  const auto strips = opened(path)->tiling(0);
  CAF_CHECK_EQUAL(strips.block_width, 70);
  CAF_CHECK_EQUAL(strips.block_height, 63);
  file.creation = {"TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=16"};
  CAF_REQUIRE(write_raster(path, file));
  const auto tiles = opened(path)->tiling(0);
  CAF_CHECK_EQUAL(tiles.block_width, 32);
  CAF_CHECK_EQUAL(tiles.block_height, 16);
}

CAF_TEST(nodata of every type is kept as the pixel that it is) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  for (const auto type : all_types) {
    std::vector<uint64_t> patterns;
    for (const double value : {0.0, 7.0, 100.0}) patterns.push_back(*nodata_pattern(type, value));
    visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
      using limits = std::numeric_limits<T>;
      if constexpr (std::is_floating_point_v<T>)
        for (const T value : {limits::quiet_NaN(), limits::lowest(), limits::max()})
          patterns.push_back(*nodata_pattern(type, double(value)));
      else if constexpr (std::is_signed_v<T>)
        for (const T value : {limits::min(), limits::max()})
          patterns.push_back(*nodata_pattern(type, int64_t{value}));
      else
        patterns.push_back(*nodata_pattern(type, uint64_t{limits::max()}));
    });
    for (const auto pattern : patterns) {
      raster_file file;
      file.type = type;
      file.bands = 2;
      file.edit = [&](GDALDataset& d) { set_nodata(d, type, pattern); };
      CAF_REQUIRE(write_raster(path, file));
      const auto s = opened(path);
      const auto& d = s->description().subdatasets.at(0);
      CAF_MESSAGE(to_string(type) << " " << nodata_text(type, pattern));
      CAF_CHECK(d.valid == validity::nodata);
      CAF_CHECK(d.bands[0].nodata == pattern && d.bands[1].nodata == pattern);
    }
  }
}

CAF_TEST(nodata that the type cannot hold is none) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  const std::pair<pixel_type, double> cases[] = {
      {pixel_type::uint8, -1},  {pixel_type::uint8, 256},    {pixel_type::uint8, 0.5},
      {pixel_type::int8, 255},  {pixel_type::uint16, -9999}, {pixel_type::int16, 65535},
      {pixel_type::int32, 3e9}, {pixel_type::uint32, -1},    {pixel_type::uint8, std::nan("")},
  };
  CAF_CHECK(!nodata_pattern(pixel_type::float32, 1e300));
  for (const auto& [type, value] : cases) {
    raster_file file;
    file.type = type;
    file.edit = [v = value](GDALDataset& d) { d.GetRasterBand(1)->SetNoDataValue(v); };
    CAF_REQUIRE(write_raster(path, file));
    const auto s = opened(path);
    const auto& d = s->description().subdatasets.at(0);
    CAF_MESSAGE(to_string(type) << " " << value);
    CAF_CHECK(d.valid == validity::all && !d.bands[0].nodata);
  }
}

CAF_TEST(masks and alpha bands tell validity) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  std::vector<uint8_t> mask(70 * 50);
  for (size_t i = 0; i < mask.size(); ++i) mask[i] = sample_bits(int64_t(i), 0, 9) % 3 ? 255 : 0;
  for (const char* internal : {"YES", "NO"}) {
    raster_file file;
    file.bands = 2;
    file.type = pixel_type::uint16;
    file.edit = [&](GDALDataset& d) {
      const CPLConfigOptionSetter option("GDAL_TIFF_INTERNAL_MASK", internal, false);
      if (d.CreateMaskBand(GMF_PER_DATASET) != CE_None) CAF_FAIL("no mask");
      if (d.GetRasterBand(1)->GetMaskBand()->RasterIO(GF_Write, 0, 0, 70, 50, mask.data(), 70, 50,
                                                      GDT_Byte, 0, 0) != CE_None)
        CAF_FAIL("no mask");
    };
    CAF_REQUIRE(write_raster(path, file));
    const auto s = opened(path);
    CAF_REQUIRE(s->description().subdatasets.at(0).valid == validity::mask);
    auto reader = s->open_reader();
    CAF_REQUIRE(reader);
    std::vector<std::byte> found(mask.size());
    CAF_REQUIRE((*reader)->read_mask(0, {0, 0, 70, 50}, 0, 1, found));
    size_t wrong = 0;
    for (size_t i = 0; i < mask.size(); ++i) wrong += int(found[i]) != (mask[i] != 0);
    CAF_CHECK_EQUAL(wrong, 0u);
    std::filesystem::remove(path + ".msk");
  }
  raster_file rgba;
  rgba.bands = 4;
  rgba.creation = {"ALPHA=YES", "PHOTOMETRIC=RGB"};
  CAF_REQUIRE(write_raster(path, rgba));
  const auto with_alpha = opened(path);
  CAF_CHECK(with_alpha->description().subdatasets.at(0).valid == validity::alpha);
  CAF_CHECK_EQUAL(with_alpha->description().subdatasets.at(0).bands.at(3).colour, "Alpha");
  rgba.creation = {"PHOTOMETRIC=MINISBLACK"};
  rgba.edit = [](GDALDataset& d) { d.GetRasterBand(2)->SetColorInterpretation(GCI_AlphaBand); };
  CAF_REQUIRE(write_raster(path, rgba));
  const auto alpha_inside = opened(path);
  CAF_CHECK(alpha_inside->description().subdatasets.at(0).valid == validity::mask);
  auto reader = alpha_inside->open_reader();
  CAF_REQUIRE(reader);
  std::vector<std::byte> found(70 * 50);
  CAF_REQUIRE((*reader)->read_mask(0, {0, 0, 70, 50}, 0, 1, found));
  const auto alpha = sample_pixels(pixel_type::uint8, 0, 0, 70, 50, 1);
  size_t wrong = 0;
  for (size_t i = 0; i < found.size(); ++i) wrong += int(found[i]) != (int(alpha[i]) != 0);
  CAF_CHECK_EQUAL(wrong, 0u);
}

CAF_TEST(bands of which only some have nodata get a mask each) {
  scratch_directory directory;
  // A format other than GeoTIFF, whose bands may differ.
  const auto path = directory / "a.img";
  prepare_gdal();
  {
    auto* driver = GetGDALDriverManager()->GetDriverByName("HFA");
    std::unique_ptr<GDALDataset> d(driver->Create(path.c_str(), 70, 50, 3, GDT_Int16, nullptr));
    CAF_REQUIRE(d != nullptr);
    std::array<double, 6> transform{500000, 10, 0, 4600000, 0, -10};
    d->SetGeoTransform(transform.data());
    OGRSpatialReference crs;
    crs.importFromEPSG(32631);
    d->SetSpatialRef(&crs);
    d->GetRasterBand(2)->SetNoDataValue(-5);
    for (int band = 1; band <= 3; ++band) {
      auto pixels = sample_pixels(pixel_type::int16, 0, 0, 70, 50, size_t(band));
      const int16_t nodata = -5;
      for (size_t i = 0; i < 70 * 50; i += 3) std::memcpy(pixels.data() + 2 * i, &nodata, 2);
      CAF_REQUIRE(d->GetRasterBand(band)->RasterIO(GF_Write, 0, 0, 70, 50, pixels.data(), 70, 50,
                                                   GDT_Int16, 0, 0) == CE_None);
    }
  }
  const auto s = opened(path);
  const auto& d = s->description().subdatasets.at(0);
  CAF_REQUIRE(d.valid == validity::band_masks);
  CAF_CHECK(!d.bands[0].nodata && d.bands[1].nodata && !d.bands[2].nodata);
  auto reader = s->open_reader();
  CAF_REQUIRE(reader);
  std::vector<std::byte> masks(3 * 70 * 50);
  CAF_REQUIRE((*reader)->read_mask(0, {0, 0, 70, 50}, 0, 3, masks));
  size_t wrong = 0;
  for (size_t i = 0; i < 70 * 50; ++i) {
    wrong += int(masks[i]) != 1;
    wrong += i % 3 == 0 && int(masks[70 * 50 + i]) != 0;
    wrong += int(masks[2 * 70 * 50 + i]) != 1;
  }
  CAF_CHECK_EQUAL(wrong, 0u);
  std::vector<std::byte> one(70 * 50);
  CAF_REQUIRE((*reader)->read_mask(0, {0, 0, 70, 50}, 1, 1, one));
  CAF_CHECK(std::equal(one.begin(), one.end(), masks.begin() + 70 * 50));
}

CAF_TEST(a rotated grid keeps its transform) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  raster_file file;
  file.transform = {400000, 7, -3, 5000000, -2.5, -8};
  CAF_REQUIRE(write_raster(path, file));
  const auto s = opened(path);
  CAF_CHECK(s->description().subdatasets.at(0).grid.transform == file.transform);
}

CAF_TEST(complex numbers are refused) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  prepare_gdal();
  {
    std::unique_ptr<GDALDataset> d(GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
        path.c_str(), 5, 5, 1, GDT_CFloat32, nullptr));
    std::array<double, 6> transform{0, 1, 0, 50, 0, -1};
    d->SetGeoTransform(transform.data());
    OGRSpatialReference crs;
    crs.importFromEPSG(4326);
    d->SetSpatialRef(&crs);
  }
  const auto s = scene_of(path);
  CAF_REQUIRE(!s);
  CAF_CHECK(s.error().code == ec::unsupported);
}

CAF_TEST(readers of several threads give the same pixels) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  raster_file file;
  file.bands = 2;
  file.type = pixel_type::int16;
  file.creation = {"TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16", "COMPRESS=DEFLATE"};
  CAF_REQUIRE(write_raster(path, file));
  const auto s = opened(path);
  std::array<std::vector<std::byte>, 4> found;
  std::vector<std::thread> threads;
  for (auto& out : found)
    threads.emplace_back([&] {
      auto reader = s->open_reader();
      if (!reader) return;
      std::vector<std::byte> pixels(2 * 70 * 50 * 2);
      for (int i = 0; i < 20; ++i)
        if (!(*reader)->read(0, {0, 0, 70, 50}, 0, 2, pixels)) return;
      out = pixels;
    });
  for (auto& thread : threads) thread.join();
  auto expected = sample_pixels(pixel_type::int16, 0, 0, 70, 50, 0);
  const auto second = sample_pixels(pixel_type::int16, 0, 0, 70, 50, 1);
  expected.insert(expected.end(), second.begin(), second.end());
  for (const auto& out : found) CAF_CHECK(out == expected);
}

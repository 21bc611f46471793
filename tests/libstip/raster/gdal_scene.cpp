#define CAF_SUITE raster.gdal_scene
#include "libstip/raster/gdal_scene.hpp"

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "libstip/raster/gdal_input.hpp"
#include "libstip/raster/nodata.hpp"
#include "tests/support/libstip/raster_file.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr pixel_type all_types[] = {pixel_type::uint8,  pixel_type::int8,   pixel_type::uint16,
                                    pixel_type::int16,  pixel_type::uint32, pixel_type::int32,
                                    pixel_type::uint64, pixel_type::int64,  pixel_type::float32,
                                    pixel_type::float64};

/// A scene out of the file's own datasets, as the formats make it.
result<std::unique_ptr<scene>> scene_of(const std::string& path) {
  STIP_ASSIGN(const auto dataset, open_gdal(path));
  STIP_ASSIGN(const auto grid, gdal_grid(dataset, path));
  description_budget budget;
  STIP_ASSIGN(auto found, describe_gdal(dataset, path, 0, grid, budget));
  gdal_scene_parts parts;
  parts.datasets = {path};
  parts.description.input = path;
  for (auto& [description, source] : found) {
    parts.description.subdatasets.push_back(std::move(description));
    parts.sources.push_back(std::move(source));
  }
  return make_gdal_scene(std::move(parts));
}

std::unique_ptr<scene> opened(const std::string& path) {
  auto made = scene_of(path);
  if (!made) CAF_FAIL(to_string(made.error()));
  return std::move(*made);
}

std::vector<std::byte> pixels_of(scene_reader& reader, const scene& s, size_t subdataset,
                                 const source_window& w, size_t first, size_t count) {
  const auto type = s.description().subdatasets[subdataset].type;
  std::vector<std::byte> out(size_t(w.width * w.height) * count * size_of(type));
  auto read = reader.read(subdataset, w, first, count, out);
  if (!read) CAF_FAIL(to_string(read.error()));
  return out;
}

/// Opens and reads everything in windows as they are tiled; the first error, or nothing.
std::optional<error> read_all(const std::string& path) {
  auto made = scene_of(path);
  if (!made) return made.error();
  const auto& s = **made;
  auto reader = s.open_reader();
  if (!reader) return reader.error();
  constexpr uint64_t largest = uint64_t{64} << 20;
  const auto& all = s.description().subdatasets;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto t = s.tiling(i);
    const auto& g = all[i].grid;
    const size_t bands = all[i].bands.size();
    const uint64_t area = uint64_t(t.block_width) * uint64_t(t.block_height);
    // A damaged header may ask for any size; cutting refuses such blocks by its own bound.
    if (area * bands * size_of(all[i].type) > largest ||
        uint64_t(g.width) * uint64_t(g.height) > largest)
      continue;
    for (int64_t y = 0; y < g.height; y += t.block_height)
      for (int64_t x = 0; x < g.width; x += t.block_width) {
        const source_window w{x, y, std::min(t.block_width, g.width - x),
                              std::min(t.block_height, g.height - y)};
        const size_t count = size_t(w.width * w.height);
        std::vector<std::byte> pixels(count * bands * size_of(all[i].type));
        if (auto read = (*reader)->read(i, w, 0, bands, pixels); !read) return read.error();
        if (all[i].valid != validity::mask && all[i].valid != validity::band_masks) continue;
        const size_t planes = mask_planes(all[i].valid, bands);
        std::vector<std::byte> mask(count * planes);
        if (auto read = (*reader)->read_mask(i, w, 0, planes, mask); !read) return read.error();
      }
  }
  return std::nullopt;
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
  temporary_directory directory;
  const auto path = directory.file("a.tif");
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
  temporary_directory directory;
  const auto path = directory.file("a.tif");
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
  temporary_directory directory;
  const auto path = directory.file("a.tif");
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
  temporary_directory directory;
  const auto path = directory.file("a.tif");
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
  temporary_directory directory;
  const auto path = directory.file("a.tif");
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
  temporary_directory directory;
  // A format other than GeoTIFF, whose bands may differ.
  const auto path = directory.file("a.img");
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
  temporary_directory directory;
  const auto path = directory.file("a.tif");
  raster_file file;
  file.transform = {400000, 7, -3, 5000000, -2.5, -8};
  CAF_REQUIRE(write_raster(path, file));
  const auto s = opened(path);
  CAF_CHECK(s->description().subdatasets.at(0).grid.transform == file.transform);
}

CAF_TEST(complex numbers are refused) {
  temporary_directory directory;
  const auto path = directory.file("a.tif");
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

CAF_TEST(a window or buffer that does not fit is refused) {
  temporary_directory directory;
  const auto path = directory.file("a.tif");
  CAF_REQUIRE(write_raster(path, {}));
  const auto s = opened(path);
  auto reader = s->open_reader();
  CAF_REQUIRE(reader);
  std::vector<std::byte> buffer(70 * 50);
  const auto refused = [&](size_t subdataset, source_window w, size_t first, size_t count,
                           size_t bytes) {
    return !(*reader)->read(subdataset, w, first, count, std::span(buffer).first(bytes));
  };
  constexpr int64_t far = std::numeric_limits<int64_t>::max();
  CAF_CHECK(!refused(0, {0, 0, 70, 50}, 0, 1, 3500));
  CAF_CHECK(refused(1, {0, 0, 70, 50}, 0, 1, 3500));
  CAF_CHECK(refused(0, {1, 0, 70, 50}, 0, 1, 3500));
  CAF_CHECK(refused(0, {0, 0, 70, 50}, 0, 1, 3499));
  CAF_CHECK(refused(0, {0, 0, 70, 50}, 1, 1, 3500));
  CAF_CHECK(refused(0, {0, 0, 70, 50}, 0, 2, 3500));
  CAF_CHECK(refused(0, {0, 0, 70, 50}, 0, 0, 0));
  CAF_CHECK(refused(0, {-1, 0, 1, 1}, 0, 1, 1));
  CAF_CHECK(refused(0, {0, far, 1, 1}, 0, 1, 1));
  CAF_CHECK(refused(0, {0, 0, far, far}, 0, 1, 1));
  CAF_CHECK(refused(0, {0, 0, 0, 0}, 0, 1, 0));
  std::vector<std::byte> mask(1);
  CAF_CHECK(!(*reader)->read_mask(0, {0, 0, 1, 1}, 0, 1, mask));
}

CAF_TEST(a file that changes or goes while it is open is an error) {
  temporary_directory directory;
  const auto path = directory.file("a.tif");
  raster_file file;
  CAF_REQUIRE(write_raster(path, file));
  const auto s = opened(path);
  file.width = 60;
  CAF_REQUIRE(write_raster(path, file));
  const auto smaller = s->open_reader();
  CAF_REQUIRE(!smaller);
  CAF_CHECK(smaller.error().code == ec::io_error);
  file.width = 70;
  file.type = pixel_type::int16;
  CAF_REQUIRE(write_raster(path, file));
  CAF_CHECK(!s->open_reader());
  std::filesystem::remove(path);
  const auto gone = s->open_reader();
  CAF_REQUIRE(!gone);
  CAF_CHECK(gone.error().code == ec::io_error);
}

CAF_TEST(readers of several threads give the same pixels) {
  temporary_directory directory;
  const auto path = directory.file("a.tif");
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

CAF_TEST(netcdf files are read by many threads though their library knows one) {
  temporary_directory directory;
  prepare_gdal();
  auto* driver = GetGDALDriverManager()->GetDriverByName("netCDF");
  if (driver == nullptr) {
    CAF_MESSAGE("skipped: GDAL has no NetCDF driver");
    return;
  }
  const auto tif = directory.file("a.tif");
  raster_file file;
  file.type = pixel_type::int16;
  CAF_REQUIRE(write_raster(tif, file));
  std::array<std::unique_ptr<scene>, 2> scenes;
  for (size_t i = 0; i < scenes.size(); ++i) {
    const auto path = directory.file(std::to_string(i) + ".nc");
    const std::unique_ptr<GDALDataset> from(GDALDataset::Open(tif.c_str()));
    CAF_REQUIRE(from != nullptr);
    const gdal_errors quiet;
    std::unique_ptr<GDALDataset> to(
        driver->CreateCopy(path.c_str(), from.get(), FALSE, nullptr, nullptr, nullptr));
    CAF_REQUIRE(to != nullptr);
    to.reset();
    scenes[i] = opened(path);
  }
  const auto expected = sample_pixels(pixel_type::int16, 0, 0, 70, 50, 0);
  std::atomic<int> same{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        auto reader = scenes[t % scenes.size()]->open_reader();
        std::vector<std::byte> pixels(expected.size());
        if (reader && (*reader)->read(0, {0, 0, 70, 50}, 0, 1, pixels)) same += pixels == expected;
      }
    });
  for (auto& thread : threads) thread.join();
  CAF_CHECK_EQUAL(same.load(), 40);
}

CAF_TEST(a truncated file is an error wherever it ends) {
  temporary_directory directory;
  const auto whole = directory.file("whole.tif");
  const auto cut = directory.file("cut.tif");
  for (const std::vector<std::string>& layout :
       {std::vector<std::string>{}, {"COMPRESS=DEFLATE"}, {"COMPRESS=LZW", "TILED=YES"}}) {
    raster_file file;
    file.type = pixel_type::uint16;
    file.width = 300;
    file.height = 200;
    file.creation = layout;
    CAF_REQUIRE(write_raster(whole, file));
    CAF_CHECK(!read_all(whole));
    const auto bytes = read_file(whole);
    for (size_t i = 0; i < 40; ++i) {
      const auto length = bytes.size() * i / 40;
      write_file(cut, bytes.substr(0, length));
      const auto failure = length == 0 ? check_input(cut).error() : read_all(cut).value_or(error{});
      CAF_CHECK(failure.code == ec::corrupt || failure.code == ec::malformed ||
                failure.code == ec::unsupported);
      CAF_CHECK(!failure.why.empty());
    }
  }
}

CAF_TEST(damaged bytes never end the process) {
  temporary_directory directory;
  const auto path = directory.file("a.tif");
  const auto damaged = directory.file("damaged.tif");
  constexpr int rounds = 400;
  std::mt19937_64 random{17};
  CAF_MESSAGE("seed 17");
  std::vector<std::string> originals;
  for (const std::vector<std::string>& layout : {std::vector<std::string>{},
                                                 {"COMPRESS=DEFLATE", "PREDICTOR=2"},
                                                 {"COMPRESS=LZW", "TILED=YES"},
                                                 {"COMPRESS=JPEG"},
                                                 {"COMPRESS=ZSTD", "INTERLEAVE=BAND"}}) {
    raster_file file;
    file.bands = 3;
    file.creation = layout;
    file.edit = [](GDALDataset& d) {
      d.SetMetadataItem("PLATFORM", "x");
      d.GetRasterBand(1)->SetNoDataValue(3);
    };
    CAF_REQUIRE(write_raster(path, file));
    originals.push_back(read_file(path));
  }
  int failed = 0;
  for (int i = 0; i < rounds; ++i) {
    auto bytes = originals[size_t(i) % originals.size()];
    const size_t changes = 1 + random() % 8;
    for (size_t k = 0; k < changes; ++k) {
      // Headers and directories stand at the front: that is where damage tells.
      const size_t reach = random() % 2 == 0 ? std::min<size_t>(bytes.size(), 1024) : bytes.size();
      bytes[random() % reach] = char(random());
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size() + 1);
    write_file(damaged, bytes);
    failed += read_all(damaged).has_value();
  }
  CAF_MESSAGE(failed << " of " << rounds << " were refused");
  CAF_CHECK(failed > 0 && failed < rounds);
}

#define CAF_SUITE raster.tiff_blocks
#include "libstip/raster/tiff_blocks.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <random>

#include "libstip/raster/vsi_file.hpp"
#include "tests/support/libstip/product_file.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// GDAL's own reading of the whole file, or nothing when it refuses.
std::optional<std::vector<std::byte>> by_gdal(const std::string& path, const raster_file& file) {
  const gdal_errors errors;
  const auto dataset = open_gdal(path);
  if (!dataset) return std::nullopt;
  std::vector<std::byte> out(size_t(file.width) * size_t(file.height) * size_t(file.bands) *
                             size_of(file.type));
  if (GDALDatasetRasterIO(dataset->handle(), GF_Read, 0, 0, file.width, file.height, out.data(),
                          file.width, file.height, gdal_type(file.type), file.bands, nullptr, 0, 0,
                          0) != CE_None ||
      errors.damaged())
    return std::nullopt;
  return out;
}

std::unique_ptr<tiff_blocks> open_blocks(const std::string& path, const raster_file& file) {
  const auto dataset = open_gdal(path);
  if (!dataset) return nullptr;
  int width = 0, height = 0;
  GDALGetBlockSize(GDALGetRasterBand(dataset->handle(), 1), &width, &height);
  return tiff_blocks::open(path,
                           {file.width, file.height, size_t(file.bands), file.type, width, height});
}

std::vector<size_t> all_bands(int count) {
  std::vector<size_t> out;
  for (size_t i = 0; i < size_t(count); ++i) out.push_back(i);
  return out;
}

/// What a window of the whole picture holds of those bands.
std::vector<std::byte> crop(const std::vector<std::byte>& whole, const raster_file& file,
                            const source_window& w, const std::vector<size_t>& bands) {
  const size_t pixel = size_of(file.type);
  const size_t plane = size_t(file.width) * size_t(file.height) * pixel;
  std::vector<std::byte> out;
  for (const auto band : bands)
    for (auto row = w.row; row < w.row + w.height; ++row) {
      const auto* from = whole.data() + band * plane + size_t(row * file.width + w.column) * pixel;
      out.insert(out.end(), from, from + size_t(w.width) * pixel);
    }
  return out;
}

raster_file random_file(std::mt19937_64& random) {
  const auto pick = [&](auto... choices) {
    const std::array all{choices...};
    return all[random() % all.size()];
  };
  raster_file file;
  file.width = 1 + int(random() % 90);
  file.height = 1 + int(random() % 90);
  file.bands = 1 + int(random() % 5);
  file.type = pick(pixel_type::uint8, pixel_type::int8, pixel_type::uint16, pixel_type::int16,
                   pixel_type::uint32, pixel_type::int32, pixel_type::float32, pixel_type::float64);
  const std::string packed = pick("NONE", "LZW", "DEFLATE", "DEFLATE", "ZSTD");
  file.creation = {"COMPRESS=" + packed, std::string("INTERLEAVE=") + pick("PIXEL", "BAND"),
                   std::string("ENDIANNESS=") + pick("LITTLE", "LITTLE", "BIG")};
  if (packed != "NONE") {
    const bool floats = file.type == pixel_type::float32 || file.type == pixel_type::float64;
    const auto predictor = random() % 2 == 0 ? 1 : floats ? 3 : 2;
    file.creation.push_back("PREDICTOR=" + std::to_string(predictor));
  }
  if (random() % 2 == 0) {
    file.creation.insert(file.creation.end(), {"TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=32"});
  } else {
    file.creation.push_back("BLOCKYSIZE=" + std::to_string(1 + random() % 40));
  }
  return file;
}

}  // namespace

CAF_TEST(blocks have the pixels that GDAL reads) {
  const uint64_t seed = 20261122;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random{seed};
  const scratch_directory files;
  size_t cut_windows = 0, members = 0;
  for (int i = 0; i < 300; ++i) {
    const auto file = random_file(random);
    const auto on_disk = files / (std::to_string(i) + ".tif");
    const auto archive = files / (std::to_string(i) + ".tar");
    CAF_REQUIRE(write_raster(on_disk, file));
    auto path = on_disk;
    if (random() % 2 == 0) {
      // Not the first member: its bytes start somewhere.
      write_file(archive, tar_of({{"a.txt", "first"}, {"b.tif", read_file(on_disk)}}));
      path = "/vsitar/{" + archive + "}/b.tif";
      ++members;
    }
    const auto whole = by_gdal(path, file);
    CAF_REQUIRE(whole.has_value());
    const auto blocks = open_blocks(path, file);
    CAF_REQUIRE(blocks != nullptr);
    std::vector<std::byte> pixels(whole->size());
    const source_window everything{0, 0, file.width, file.height};
    CAF_REQUIRE(blocks->read(everything, all_bands(file.bands), pixels));
    CAF_REQUIRE(pixels == *whole);
    // Some of the bands, in another order.
    auto some = all_bands(file.bands);
    std::shuffle(some.begin(), some.end(), random);
    some.resize(1 + random() % some.size());
    pixels.resize(whole->size() / size_t(file.bands) * some.size());
    CAF_REQUIRE(blocks->read(everything, some, pixels));
    CAF_REQUIRE(pixels == crop(*whole, file, everything, some));
    // One row of blocks; a window that cuts blocks is left to GDAL.
    const auto dataset = open_gdal(path);
    CAF_REQUIRE(dataset.has_value());
    int block_width = 0, block_height = 0;
    GDALGetBlockSize(GDALGetRasterBand(dataset->handle(), 1), &block_width, &block_height);
    const source_window one{0, 0, std::min(block_width, file.width),
                            std::min(block_height, file.height)};
    pixels.resize(size_t(one.width * one.height) * size_t(file.bands) * size_of(file.type));
    CAF_REQUIRE(blocks->read(one, all_bands(file.bands), pixels));
    CAF_REQUIRE(pixels == crop(*whole, file, one, all_bands(file.bands)));
    if (one.width > 1 && one.width < file.width) {
      ++cut_windows;
      auto cut = one;
      --cut.width;
      pixels.resize(size_t(cut.width * cut.height) * size_t(file.bands) * size_of(file.type));
      CAF_CHECK(!blocks->read(cut, all_bands(file.bands), pixels));
    }
    std::filesystem::remove(on_disk);
    std::filesystem::remove(archive);
  }
  CAF_CHECK(cut_windows > 50u);
  CAF_CHECK(members > 100u);
}

CAF_TEST(files that must be unpacked up to a place are left to GDAL) {
  CAF_CHECK(seeks_freely("/data/a.tif"));
  CAF_CHECK(seeks_freely("relative.tif"));
  CAF_CHECK(seeks_freely("/vsitar/{/data/a.tar}/b.tif"));
  CAF_CHECK(!seeks_freely("/vsitar/{/data/a.tar.gz}/b.tif"));
  CAF_CHECK(!seeks_freely("/vsitar/{/data/a.tgz}/b.tif"));
  CAF_CHECK(!seeks_freely("/vsitar/{/vsigzip//data/a}/b.tif"));
  CAF_CHECK(!seeks_freely("/vsitar/{/vsicurl/http://host/a.tar}/b.tif"));
  CAF_CHECK(!seeks_freely("/vsitar/{/data/A.TGZ}/b.tif"));
  CAF_CHECK(!seeks_freely("/vsitar/{/data/a.tgz}/x}y.tif"));
  CAF_CHECK(!seeks_freely("/vsitar/a.tgz/b.tif"));
  CAF_CHECK(!seeks_freely("/vsizip/{/data/a.zip}/b.tif"));
  CAF_CHECK(!seeks_freely("/vsigzip//data/a.tif.gz"));
}

CAF_TEST(what GDAL knows better is left to it) {
  const scratch_directory files;
  const auto path = files / "a.tif";
  const auto opens = [&](const raster_file& file) {
    std::filesystem::remove(path);
    CAF_REQUIRE(write_raster(path, file));
    return open_blocks(path, file) != nullptr;
  };
  raster_file file;
  file.bands = 3;
  CAF_CHECK(opens(file));
  file.creation = {"COMPRESS=JPEG", "PHOTOMETRIC=YCBCR", "INTERLEAVE=PIXEL"};
  CAF_CHECK(!opens(file));
  file.creation = {"NBITS=4"};
  CAF_CHECK(!opens(file));
  file.type = pixel_type::uint16;
  file.creation = {"NBITS=12", "COMPRESS=DEFLATE"};
  CAF_CHECK(!opens(file));
  // Another file than was described.
  file.creation = {};
  CAF_REQUIRE(opens(file));
  CAF_CHECK(!tiff_blocks::open(path, {file.width, file.height, 2, file.type, file.width, 3}));
  CAF_CHECK(!tiff_blocks::open(path, {file.width, 999, 3, file.type, file.width, 3}));
  CAF_CHECK(!tiff_blocks::open(path, {file.width, file.height, 3, pixel_type::int16, 70, 3}));
  write_file(path, "no raster at all");
  CAF_CHECK(!tiff_blocks::open(path, {1, 1, 1, file.type, 1, 1}));
  CAF_CHECK(!tiff_blocks::open(files / "missing.tif", {1, 1, 1, file.type, 1, 1}));
}

CAF_TEST(a block that was never written is left to GDAL) {
  const scratch_directory files;
  const auto path = files / "sparse.tif";
  prepare_gdal();
  CPLStringList options;
  for (const auto* option :
       {"SPARSE_OK=YES", "TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16", "COMPRESS=DEFLATE"})
    options.AddString(option);
  {
    std::unique_ptr<GDALDataset> made(GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
        path.c_str(), 32, 16, 1, GDT_UInt16, options.List()));
    made->GetRasterBand(1)->SetNoDataValue(7);
    std::vector<uint16_t> block(256, 5);
    CAF_REQUIRE(made->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, 16, 16, block.data(), 16, 16,
                                                 GDT_UInt16, 0, 0) == CE_None);
  }
  const auto blocks = tiff_blocks::open(path, {32, 16, 1, pixel_type::uint16, 16, 16});
  CAF_REQUIRE(blocks != nullptr);
  std::vector<std::byte> pixels(512);
  CAF_CHECK(blocks->read({0, 0, 16, 16}, all_bands(1), pixels));
  CAF_CHECK(!blocks->read({16, 0, 16, 16}, all_bands(1), pixels));
}

CAF_TEST(no damaged file is read as something else without an end or out of bounds) {
  const uint64_t seed = 7;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random{seed};
  const scratch_directory files;
  const auto path = files / "damaged.tif";
  size_t refused = 0, given = 0;
  for (int i = 0; i < 30; ++i) {
    const auto file = random_file(random);
    std::filesystem::remove(path);
    CAF_REQUIRE(write_raster(path, file));
    const auto whole = read_file(path);
    for (int k = 0; k < 20; ++k) {
      auto bytes = whole;
      if (random() % 4 == 0) bytes.resize(random() % bytes.size());
      for (auto n = random() % 8; n > 0 && !bytes.empty(); --n)
        bytes[random() % bytes.size()] = char(random());
      write_file(path, bytes);
      // The size of a block is the caller's word, from GDAL; here it may be anything.
      const auto tile = random() % 2 == 0
                            ? open_blocks(path, file)
                            : tiff_blocks::open(path, {file.width, file.height, size_t(file.bands),
                                                       file.type, 16, 32});
      std::vector<std::byte> pixels(size_t(file.width) * size_t(file.height) * size_t(file.bands) *
                                    size_of(file.type));
      const bool read =
          tile && tile->read({0, 0, file.width, file.height}, all_bands(file.bands), pixels);
      ++(read ? given : refused);
    }
  }
  CAF_MESSAGE(given << " read, " << refused << " refused");
  CAF_CHECK(refused > 50u);
}

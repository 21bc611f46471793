#define CAF_SUITE scenes.compression

#include <gdal_priv.h>
#include <libdeflate.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/scenes/product.hpp"

#include <caf/test/unit_test.hpp>

// What a benchmark says depends on how well the pixels compress: they must be like real ones.

using namespace stip;
using namespace stip::scenes;

namespace {

/// How many times smaller the horizontal differences become (TIFF's predictor 2), by deflate 6.
template <class T>
double ratio(const std::vector<T>& pixels, size_t width) {
  std::vector<T> differences(pixels.size());
  for (size_t i = 0; i < pixels.size(); ++i)
    differences[i] = static_cast<T>(pixels[i] - (i % width == 0 ? 0 : pixels[i - 1]));
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> packer(
      libdeflate_alloc_compressor(6), libdeflate_free_compressor);
  const auto bytes = differences.size() * sizeof(T);
  std::vector<std::byte> packed(libdeflate_zlib_compress_bound(packer.get(), bytes));
  return double(bytes) / double(libdeflate_zlib_compress(packer.get(), differences.data(), bytes,
                                                         packed.data(), packed.size()));
}

template <class T>
double ratio_of_file(const std::string& name, int band) {
  const std::unique_ptr<GDALDataset> file(GDALDataset::Open(name.c_str()));
  if (!file) return 0;
  const int width = file->GetRasterXSize(), height = file->GetRasterYSize();
  std::vector<T> pixels(size_t(width) * size_t(height));
  const auto type = sizeof(T) == 1 ? GDT_Byte : GDT_UInt16;
  if (file->GetRasterBand(band)->RasterIO(GF_Read, 0, 0, width, height, pixels.data(), width,
                                          height, type, 0, 0, nullptr) != CE_None)
    return 0;
  return ratio(pixels, size_t(width));
}

template <class T>
double ratio_of_layer(const product& p, const std::string& name) {
  const auto found = p.find(name);
  CAF_REQUIRE(found.has_value());
  const auto& l = **found;
  std::vector<T> pixels(size_t(l.width * l.height));
  l.pixels({0, 0, l.width, l.height}, std::as_writable_bytes(std::span(pixels)));
  return ratio(pixels, size_t(l.width));
}

/// Within a quarter of each other.
void compare(const std::string& what, double ours, double real) {
  CAF_MESSAGE(what << ": " << ours << " times, real pixels " << real << " times");
  CAF_CHECK(real > 0);
  CAF_CHECK(ours / real > 0.75);
  CAF_CHECK(ours / real < 1.33);
}

product clear_scene(const std::string& family, int64_t size) {
  recipe r;
  r.family = family;
  r.size = size;
  r.clouds = 0;
  r.nodata = 0;
  r.days = 5;
  auto p = plan(r, "nowhere");
  CAF_REQUIRE(p.has_value());
  return *p;
}

}  // namespace

CAF_TEST(bands of Sentinel 2 compress like real ones) {
  const auto data = test::shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA names no folder");
    return;
  }
  GDALAllRegister();
  const auto p = clear_scene("sentinel2-l1c", 600);
  for (const auto* band : {"B02", "B03", "B04", "B08", "B05", "B8A", "B11", "B12"})
    compare(band, ratio_of_layer<uint16_t>(p, band),
            ratio_of_file<uint16_t>(
                *data + "/sentinel2/T31TDH-L1C-13bands-jp2/T31TDH_20150726T105026_" + band + ".jp2",
                1));
}

CAF_TEST(other families compress like real ones) {
  const auto data = test::shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA names no folder");
    return;
  }
  GDALAllRegister();
  const auto naip = clear_scene("naip", 300);
  const auto photo = *data + "/naip/m_3607717_sw_18_1_20160620_subset.tif";
  const char* names[] = {"R", "G", "B", "N"};
  for (int i = 0; i < 4; ++i)
    compare(std::string("NAIP ") + names[i], ratio_of_layer<uint8_t>(naip, names[i]),
            ratio_of_file<uint8_t>(photo, i + 1));
  const auto landsat = clear_scene("landsat-l2sp", 300);
  for (const int band : {4, 5, 6})
    compare(
        text("Landsat SR_B%d", band), ratio_of_layer<uint16_t>(landsat, text("SR_B%d", band)),
        ratio_of_file<uint16_t>(*data + text("/landsat/yellowstone/sr_b%d_20200829.tif", band), 1));
  const auto gridmet = clear_scene("gridmet", 0);
  compare("gridMET tmmx", ratio_of_layer<uint16_t>(gridmet, gridmet.layers[2].name),
          ratio_of_file<uint16_t>(*data + "/gridmet-netcdf/tmmx_20190121.nc", 1));
}

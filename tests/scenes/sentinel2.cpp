#define CAF_SUITE scenes.sentinel2

#include <cpl_vsi.h>
#include <gdal_priv.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "tests/support/libstip/scratch_directory.hpp"
#include "tests/support/scenes/product.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;
using namespace stip::scenes;

namespace {

recipe small(const std::string& family) {
  recipe r;
  r.family = family;
  r.size = 240;
  return r;
}

product made(const recipe& r, const std::string& folder) {
  GDALAllRegister();
  auto p = make(r, folder);
  if (!p) CAF_FAIL(to_string(p.error()));
  return *p;
}

std::string text_of(const std::string& gdal_path) {
  GByte* bytes = nullptr;
  vsi_l_offset size = 0;
  if (!VSIIngestFile(nullptr, gdal_path.c_str(), &bytes, &size, 10 << 20)) return {};
  std::string out(reinterpret_cast<char*>(bytes), size);
  VSIFree(bytes);
  return out;
}

size_t times(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
  return count;
}

std::string root_of(const product& p) {
  const auto stem = std::filesystem::path(p.path).stem().string();
  return "/vsizip/" + p.path + "/" + stem + ".SAFE";
}

}  // namespace

CAF_TEST(the drivers of GDAL take Sentinel 2 products for what they are) {
  GDALAllRegister();
  for (const auto* family : {"sentinel2-l1c", "sentinel2-l2a"}) {
    test::scratch_directory files;
    const auto r = small(family);
    const auto p = made(r, files.path());
    const auto level2 = p.family == "sentinel2-l2a";
    const auto metadata = root_of(p) + (level2 ? "/MTD_MSIL2A.xml" : "/MTD_MSIL1C.xml");
    const std::unique_ptr<GDALDataset> whole_product(GDALDataset::Open(p.path.c_str()));
    CAF_REQUIRE(whole_product != nullptr);
    CAF_CHECK_EQUAL(std::string(whole_product->GetDriverName()), "SENTINEL2");
    const std::string prefix = level2 ? "SENTINEL2_L2A:" : "SENTINEL2_L1C:";
    for (const int resolution : {10, 20, 60}) {
      const auto name = prefix + metadata + text(":%dm:EPSG_32631", resolution);
      const std::unique_ptr<GDALDataset> bands(GDALDataset::Open(name.c_str()));
      CAF_REQUIRE(bands != nullptr);
      CAF_CHECK_EQUAL(bands->GetRasterXSize(), 240 * 10 / resolution);
      double transform[6] = {};
      CAF_CHECK_EQUAL(int(bands->GetGeoTransform(transform)), int(CE_None));
      CAF_CHECK_EQUAL(transform[1], double(resolution));
      CAF_CHECK_EQUAL(transform[3], 4700040.0);
    }
  }
}

CAF_TEST(offsets and masks of Sentinel 2 follow the baseline) {
  test::scratch_directory files;
  auto r = small("sentinel2-l1c");
  const auto now = made(r, files.path());
  const auto offsets = text_of(root_of(now) + "/MTD_MSIL1C.xml");
  CAF_CHECK_EQUAL(times(offsets, "<RADIO_ADD_OFFSET band_id="), 13u);
  CAF_CHECK_EQUAL(times(offsets, ">-1000</RADIO_ADD_OFFSET>"), 13u);
  r.family = "sentinel2-l2a";
  const auto level2 = made(r, files.path());
  CAF_CHECK_EQUAL(times(text_of(root_of(level2) + "/MTD_MSIL2A.xml"), "<BOA_ADD_OFFSET "), 13u);
  r.family = "sentinel2-l1c";
  r.baseline = "02.14";
  const auto then = made(r, files.path());
  CAF_CHECK(then.path.find("_N0214_") != std::string::npos);
  const auto plain = text_of(root_of(then) + "/MTD_MSIL1C.xml");
  CAF_CHECK(plain.find("<PROCESSING_BASELINE>02.14</PROCESSING_BASELINE>") != std::string::npos);
  CAF_CHECK_EQUAL(times(plain, "ADD_OFFSET"), 0u);
  // The numbers differ by the offset, but for what is clamped.
  const auto with = now.find("B08"), without = then.find("B08");
  CAF_REQUIRE(with.has_value() && without.has_value());
  CAF_CHECK_EQUAL(value_at(**with, 100, 100) - value_at(**without, 100, 100), 1000.0);
  const auto tile = text_of(root_of(then) + "/manifest.safe");
  CAF_CHECK_EQUAL(times(tile, "MSK_CLOUDS_B00.gml"), 1u);
  CAF_CHECK_EQUAL(times(text_of(root_of(now) + "/manifest.safe"), "MSK_CLASSI_B00.jp2"), 1u);
}

CAF_TEST(polygons of clouds cover the pixels that are cloudy) {
  test::scratch_directory files;
  auto r = small("sentinel2-l1c");
  r.size = 600;
  r.baseline = "02.14";
  const auto p = made(r, files.path());
  const auto tile = text_of(root_of(p) + "/manifest.safe");
  const auto end = tile.find("MSK_CLOUDS_B00.gml"), begin = tile.rfind("./", end) + 2;
  const auto gml =
      text_of(root_of(p) + "/" + tile.substr(begin, end - begin) + "MSK_CLOUDS_B00.gml");
  CAF_CHECK(times(gml, ">OPAQUE</eop:maskType>") > 0);
  // The area within rings, by the shoelace formula; holes are filled, so it is an upper bound.
  double area = 0;
  for (auto at = gml.find("<gml:posList"); at != gml.npos; at = gml.find("<gml:posList", at + 1)) {
    const char* cursor = gml.c_str() + gml.find('>', at) + 1;
    std::vector<double> numbers;
    char* next = nullptr;
    for (double v = std::strtod(cursor, &next); next != cursor; v = std::strtod(cursor, &next))
      numbers.push_back(v), cursor = next;
    CAF_REQUIRE(numbers.size() >= 10);
    double twice = 0;
    for (size_t i = 0; i + 3 < numbers.size(); i += 2)
      twice += numbers[i] * numbers[i + 3] - numbers[i + 2] * numbers[i + 1];
    area += std::abs(twice) / 2;
  }
  const double scene = 6000.0 * 6000.0;
  CAF_CHECK(area > 0.1 * scene);
  CAF_CHECK(area < 0.6 * scene);
}

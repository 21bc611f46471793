#include "tests/support/libstip/sample_scene.hpp"

#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

namespace stip::test {

void write_scene(const std::string& path, const sample_scene& what) {
  GDALAllRegister();
  auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  char** options = nullptr;
  options = CSLSetNameValue(options, "TILED", "YES");
  options = CSLSetNameValue(options, "BLOCKXSIZE", std::to_string(what.tile).c_str());
  options = CSLSetNameValue(options, "BLOCKYSIZE", std::to_string(what.tile).c_str());
  options = CSLSetNameValue(options, "BIGTIFF", "IF_SAFER");
  if (what.compress) {
    options = CSLSetNameValue(options, "COMPRESS", "DEFLATE");
    options = CSLSetNameValue(options, "ZLEVEL", "1");
  }
  const std::unique_ptr<GDALDataset> file{
      driver->Create(path.c_str(), what.width, what.height, what.bands, GDT_UInt16, options)};
  CSLDestroy(options);
  if (!file) std::abort();
  OGRSpatialReference crs;
  crs.importFromEPSG(31985);
  file->SetSpatialRef(&crs);
  double transform[6] = {288'776 + what.shift * what.pixel_metres,
                         what.pixel_metres,
                         0,
                         9'120'761,
                         0,
                         -what.pixel_metres};
  file->SetGeoTransform(transform);
  file->SetMetadataItem("PLATFORM", what.platform.c_str());
  file->SetMetadataItem("TIMESTAMP", what.timestamp.c_str());
  std::mt19937_64 random{what.seed};
  std::vector<uint16_t> row(static_cast<size_t>(what.width));
  for (int b = 1; b <= what.bands; ++b) {
    file->GetRasterBand(b)->SetNoDataValue(0);
    for (int y = 0; y < what.height; ++y) {
      for (int x = 0; x < what.width; ++x) {
        const double smooth =
            2000 + 900 * std::sin((x + what.shift) / 97.0 + b) * std::cos(y / 61.0);
        const bool hole = x + y < what.width / 8;
        row[static_cast<size_t>(x)] =
            hole ? 0 : static_cast<uint16_t>(smooth + double(random() % 64));
      }
      if (file->GetRasterBand(b)->RasterIO(GF_Write, 0, y, what.width, 1, row.data(), what.width, 1,
                                           GDT_UInt16, 0, 0, nullptr) != CE_None)
        std::abort();
    }
  }
}

std::string write_scenes(const std::string& directory, int count) {
  constexpr int days = 28;
  constexpr int shift_pixels = 41;
  for (int i = 0; i < count; ++i) {
    sample_scene scene;
    scene.shift = shift_pixels * i;
    scene.seed = uint64_t(i) + 1;
    auto day = std::to_string(i % days + 1);
    if (day.size() < 2) day.insert(day.begin(), '0');
    scene.timestamp = "2020-02-" + day;
    write_scene(directory + "/scene" + std::to_string(i) + ".tif", scene);
  }
  return directory + "/scene*.tif";
}

}  // namespace stip::test

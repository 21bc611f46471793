#pragma once

#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"
#include "libstip/raster/pixel_type.hpp"

// Raster files for tests, made by GDAL.

namespace stip::test {

/// The directory of sample files, or nullopt when the environment names none that exists.
inline std::optional<std::string> shared_data() {
  const char* path = std::getenv("STIP_SHARED_DATA");
  if (path == nullptr || !std::filesystem::is_directory(path)) return std::nullopt;
  return std::string(path);
}

/// How a test's GeoTIFF is made.
struct raster_file {
  int width = 70;
  int height = 50;
  int bands = 1;
  pixel_type type = pixel_type::uint8;
  std::array<double, 6> transform{500000, 10, 0, 4600000, 0, -10};
  /// EPSG code; 0: no CRS.
  int epsg = 32631;
  bool georeferenced = true;
  std::vector<std::string> creation;
  /// What else is set before the file is closed.
  std::function<void(GDALDataset&)> edit;
  /// A band's pixels (0 ..), dense; empty: sample_pixels.
  std::function<std::vector<std::byte>(size_t band)> pixels;
};

/// The value of a pixel of the files below: all bits vary, and bands differ.
inline uint64_t sample_bits(int64_t column, int64_t row, size_t band) {
  uint64_t x = static_cast<uint64_t>(column) * 0x9e3779b97f4a7c15ULL +
               static_cast<uint64_t>(row) * 0xc2b2ae3d27d4eb4fULL + band * 0x165667b19e3779f9ULL;
  x ^= x >> 29;
  return x * 0xbf58476d1ce4e5b9ULL;
}

/// The pixel's bytes in a pixel type (floats: small whole numbers, so that no bits are lost).
template <class T>
T sample(int64_t column, int64_t row, size_t band) {
  const uint64_t bits = sample_bits(column, row, band) >> 8;
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(static_cast<int32_t>(bits & 0xfffff) - 0x80000);
  else
    return static_cast<T>(bits);
}

/// One band's samples of a window, dense.
inline std::vector<std::byte> sample_pixels(pixel_type type, int64_t column, int64_t row,
                                            int64_t width, int64_t height, size_t band) {
  std::vector<std::byte> out(static_cast<size_t>(width * height) * size_of(type));
  visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    auto* to = out.data();
    for (int64_t r = row; r < row + height; ++r)
      for (int64_t c = column; c < column + width; ++c, to += sizeof(T)) {
        const T value = sample<T>(c, r, band);
        std::memcpy(to, &value, sizeof(T));
      }
  });
  return out;
}

/// Writes the GeoTIFF with sample pixels. Returns whether GDAL was content.
inline bool write_raster(const std::string& path, const raster_file& file) {
  prepare_gdal();
  const gdal_errors errors;
  auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  CPLStringList options;
  for (const auto& option : file.creation) options.AddString(option.c_str());
  if (file.type == pixel_type::int8) options.AddString("PIXELTYPE=SIGNEDBYTE");
  std::unique_ptr<GDALDataset> dataset(driver->Create(
      path.c_str(), file.width, file.height, file.bands, gdal_type(file.type), options.List()));
  if (!dataset) return false;
  if (file.georeferenced) {
    auto transform = file.transform;
    dataset->SetGeoTransform(transform.data());
  }
  if (file.epsg != 0) {
    OGRSpatialReference crs;
    crs.importFromEPSG(file.epsg);
    crs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
    dataset->SetSpatialRef(&crs);
  }
  if (file.edit) file.edit(*dataset);
  for (int band = 1; band <= file.bands; ++band) {
    const auto index = static_cast<size_t>(band - 1);
    auto pixels = file.pixels ? file.pixels(index)
                              : sample_pixels(file.type, 0, 0, file.width, file.height, index);
    if (dataset->GetRasterBand(band)->RasterIO(GF_Write, 0, 0, file.width, file.height,
                                               pixels.data(), file.width, file.height,
                                               gdal_type(file.type), 0, 0) != CE_None)
      return false;
  }
  dataset.reset();
  return !errors.failed();
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace stip::test

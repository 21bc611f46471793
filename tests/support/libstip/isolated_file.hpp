#pragma once

#include <gdal.h>

#include <caf/test/unit_test.hpp>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libstip/format/reader_pool.hpp"
#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"
#include "libstip/raster/scene.hpp"

// HDF and NetCDF files in tests: read through reader processes, and by GDAL itself to compare.

namespace stip::test {

inline std::string file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The only scene of the input; null with an error.
inline std::unique_ptr<scene> only_scene(reader_pool& pool, const std::string& input,
                                         const scene_options& options = {},
                                         const std::string& format = "auto") {
  auto scenes = open_scenes(format, input, options, pool);
  if (!scenes) {
    CAF_ERROR(to_string(scenes.error()));
    return nullptr;
  }
  if (scenes->size() != 1) return nullptr;
  return std::move(scenes->front());
}

/// A whole subdataset, all bands.
inline result<std::vector<std::byte>> whole(const scene& s, size_t subdataset) {
  const auto& d = s.description().subdatasets[subdataset];
  std::vector<std::byte> out(static_cast<size_t>(d.grid.width * d.grid.height) * d.bands.size() *
                             size_of(d.type));
  STIP_ASSIGN(const auto reader, s.open_reader());
  STIP_TRY(reader->read(subdataset, {0, 0, d.grid.width, d.grid.height}, 0, d.bands.size(), out));
  return out;
}

/// Reads every band of the scene, window by window as it is tiled, and its masks. The
/// reason it failed, or "".
inline std::string read_all(const scene& s) {
  auto reader = s.open_reader();
  if (!reader) return to_string(reader.error());
  const auto& subdatasets = s.description().subdatasets;
  for (size_t i = 0; i < subdatasets.size(); ++i) {
    const auto tiling = s.tiling(i);
    const auto& d = subdatasets[i];
    for (int64_t row = 0; row < d.grid.height; row += tiling.block_height)
      for (int64_t column = 0; column < d.grid.width; column += tiling.block_width) {
        const source_window window{column, row, std::min(tiling.block_width, d.grid.width - column),
                                   std::min(tiling.block_height, d.grid.height - row)};
        const auto area = static_cast<size_t>(window.width * window.height);
        std::vector<std::byte> pixels(area * d.bands.size() * size_of(d.type));
        if (auto read = (*reader)->read(i, window, 0, d.bands.size(), pixels); !read)
          return to_string(read.error());
        const size_t planes = mask_planes(d.valid, d.bands.size());
        if (d.valid != validity::mask && d.valid != validity::band_masks) continue;
        std::vector<std::byte> mask(area * planes);
        if (auto read = (*reader)->read_mask(i, window, 0, planes, mask); !read)
          return to_string(read.error());
      }
  }
  return {};
}

/// What GDAL itself reads of a band, in this process, which only tests do. Empty when it cannot.
inline std::vector<std::byte> gdal_pixels(const std::string& name, int band, pixel_type type) {
  prepare_gdal();
  // prepare_gdal has taken the drivers away that this needs.
  GDALAllRegister();
  const gdal_errors quiet;
  const auto dataset =
      GDALOpenEx(name.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY, nullptr, nullptr, nullptr);
  if (dataset == nullptr) return {};
  const int width = GDALGetRasterXSize(dataset);
  const int height = GDALGetRasterYSize(dataset);
  std::vector<std::byte> out(static_cast<size_t>(width) * static_cast<size_t>(height) *
                             size_of(type));
  const auto read = GDALRasterIO(GDALGetRasterBand(dataset, band), GF_Read, 0, 0, width, height,
                                 out.data(), width, height, gdal_type(type), 0, 0);
  GDALClose(dataset);
  return read == CE_None ? out : std::vector<std::byte>{};
}

}  // namespace stip::test

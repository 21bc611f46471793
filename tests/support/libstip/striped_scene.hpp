#pragma once

#include <caf/test/unit_test.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/support/libstip/raster_file.hpp"

// Partial scenes of the same ground, on one lattice: included behind CAF_SUITE.

namespace stip::test {

inline constexpr int striped_edge = 700;
inline constexpr double striped_metres = 30;
inline constexpr double striped_left = 280'000, striped_top = 9'115'000;

/// A pixel of a scene; 0 where it has none. Every scene has diagonal stripes of its own.
inline uint16_t striped_pixel(int scene, int column, int row) {
  const auto place = (column + 2 * row + 300 * scene) % 900;
  if (place < 420) return 0;
  return static_cast<uint16_t>(1 + (column * 31 + row * 17 + scene * 1009) % 5000);
}

/// Writes scene number `scene` as a GeoTIFF of one band `b1`, nodata 0, UTM zone 25 south around
/// Olinda, whose metadata tell platform and time.
inline void write_striped(const std::string& path, int scene, const std::string& platform,
                          const std::string& time, double offset = 0) {
  raster_file f;
  f.width = f.height = striped_edge;
  f.type = pixel_type::uint16;
  f.epsg = 32725;
  f.transform = {striped_left, striped_metres, 0, striped_top, 0, -striped_metres};
  f.pixels = [&](size_t) {
    std::vector<uint16_t> numbers;
    for (int row = 0; row < striped_edge; ++row)
      for (int column = 0; column < striped_edge; ++column)
        numbers.push_back(striped_pixel(scene, column, row));
    const auto bytes = std::as_bytes(std::span{numbers});
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  f.edit = [&](GDALDataset& d) {
    d.GetRasterBand(1)->SetNoDataValue(0);
    d.GetRasterBand(1)->SetDescription("b1");
    if (offset != 0) {
      d.GetRasterBand(1)->SetScale(1);
      d.GetRasterBand(1)->SetOffset(offset);
    }
    d.SetMetadataItem("PLATFORM", platform.c_str());
    d.SetMetadataItem("TIMESTAMP", time.c_str());
  };
  CAF_REQUIRE(write_raster(path, f));
}

}  // namespace stip::test

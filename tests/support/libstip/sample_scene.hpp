#pragma once

#include <cstdint>
#include <string>

namespace stip::test {

/// What a sample scene looks like: uint16 bands of smooth terrain with noise, on UTM zone 25 south
/// around Olinda, with a wedge of nodata (0).
struct sample_scene {
  int width = 512;
  int height = 512;
  int bands = 3;
  double pixel_metres = 30;
  /// Moves the scene east by so many pixels.
  int shift = 0;
  uint64_t seed = 1;
  int tile = 256;
  bool compress = true;
  std::string platform = "Sample";
  std::string timestamp = "2020-01-01";
};

/// Writes it as a tiled GeoTIFF; the metadata tell platform and time. Ends the test program when
/// the file cannot be written.
void write_scene(const std::string& path, const sample_scene& what);

/// Writes scene0.tif, scene1.tif, ... into a directory: scenes of other days, each a little east of
/// the one before it. Returns the glob of them.
std::string write_scenes(const std::string& directory, int count);

}  // namespace stip::test

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip::bench {

/// A scene that is hard to compress in the way of a real Sentinel-2 one: fields with borders,
/// relief at several scales, and noise, four bands of uint16 (blue, green, red, near infrared), 10
/// m a pixel in EPSG:32613, with a wedge of nodata (0) at its eastern side.
///
/// What decides how well pixels compress is the entropy of the difference between neighbours. The
/// noise of every band is set so that the horizontal differences of its valid pixels have the
/// entropy measured on real Sentinel-2 L1C bands B02, B03, B04, B08.
struct synthetic_scene {
  static constexpr size_t bands = 4;
  /// Bits a pixel.
  static constexpr std::array<double, bands> entropy = {7.5, 7.8, 7.8, 9.35};

  int64_t width = 10980;
  int64_t height = 10980;
  uint64_t seed = 1;

  uint64_t bytes() const { return uint64_t(width) * uint64_t(height) * bands * 2; }
};

/// Makes rows of a synthetic scene; the same scene gives the same pixels in any order of calls.
class synthetic_rows {
 public:
  /// Sets the noise of every band from a sample of the scene.
  explicit synthetic_rows(const synthetic_scene& scene);

  /// Fills one row: bands x width.
  void row(int64_t y, std::span<uint16_t> pixels) const;

  /// Bits of the horizontal differences of valid pixels in that band, over every `step`-th row.
  double measured_entropy(size_t band, int64_t step) const;

 private:
  void relief(int64_t y, std::span<float> height, std::span<uint32_t> field) const;

  synthetic_scene scene_;
  std::array<float, synthetic_scene::bands> noise_{};
};

/// Writes the scene as a GeoTIFF (tiles of 512, pixel interleave, predictor 2 where it is
/// compressed) unless the file is there already. `compression` as GDAL names it: DEFLATE, LZW,
/// NONE. Errors: io_error.
result<void> write_synthetic_scene(const synthetic_scene& scene, const std::string& path,
                                   const std::string& compression);

/// The scene's file in the folder for generated data beside the build ($STIP_BENCH_DATA, else the
/// system's temporary folder), made when it is missing; ends the program when it cannot be had.
std::string synthetic_scene_file(const synthetic_scene& scene, const std::string& compression);

}  // namespace stip::bench

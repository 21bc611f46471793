#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/core/time.hpp"
#include "libstip/geo/georeference.hpp"
#include "libstip/raster/pixel_type.hpp"

namespace stip {

/// One band of a subdataset.
struct band_description {
  /// "B02", "NIR", or "1", "2", ... where the file has no names.
  std::string name;
  /// value = DN * scale + offset
  double scale = 1;
  double offset = 0;
  std::string unit;
  /// The bit pattern, in the subdataset's own pixel type (zero-extended to 64 bits), of the value
  /// that means "no data". Of a float type, any NaN is meant when the pattern is a NaN.
  std::optional<uint64_t> nodata;
  /// Colour interpretation as GDAL names it ("Red", "Alpha", "Palette", ...), else empty.
  std::string colour;
  /// Colour table entries "r,g,b,a" and category names by value, where the file has them.
  std::vector<std::string> colour_table;
  std::vector<std::string> categories;
  /// What else the file says of the band (GDAL metadata).
  std::map<std::string, std::string> properties;

  bool operator==(const band_description&) const = default;
};

/// How a pixel tells that it holds no data.
enum class validity : uint8_t {
  /// By each band's own nodata value. The chip needs no mask.
  nodata = 0,
  /// By the last band, an alpha band: 0 is invalid. The chip needs no mask.
  alpha = 1,
  /// By one mask for all bands; the chip keeps it as one plane of bits.
  mask = 2,
  /// By a mask for each band; the chip keeps as many planes of bits.
  band_masks = 3,
  /// Every pixel of the scene is data; the chip keeps a plane of bits, so that padding is never
  /// taken for data.
  all = 4,
};

/// Mask planes of a chip after its bands.
inline uint16_t mask_planes(validity v, size_t bands) {
  switch (v) {
    case validity::nodata:
    case validity::alpha:
      return 0;
    case validity::mask:
    case validity::all:
      return 1;
    case validity::band_masks:
      return static_cast<uint16_t>(bands);
  }
  return 0;
}

/// The bands of a scene that share one grid and one pixel type.
struct subdataset_description {
  /// Name within the image, e.g. "0", "10m".
  std::string id;
  stip::grid grid;
  pixel_type type = pixel_type::uint8;
  std::vector<band_description> bands;
  stip::validity valid = stip::validity::all;
  /// Quality bands do not count for pixel coverage.
  bool quality = false;

  bool operator==(const subdataset_description&) const = default;
};

/// Everything that is known of a scene but its pixels; what a scene record keeps.
struct scene_description {
  std::string format;
  std::string platform;
  /// File or product name without extension.
  std::string tile;
  epoch_seconds timestamp = 0;
  /// Period of composites and daily grids.
  std::optional<epoch_seconds> start;
  std::optional<epoch_seconds> end;
  std::map<std::string, std::string> properties;
  std::vector<subdataset_description> subdatasets;
  /// Outline of the scene, lon lat in degrees, as WKT MULTIPOLYGON.
  std::string footprint;
  /// The input: its name as given, its size and the XXH3-128 of its bytes.
  std::string input;
  uint64_t input_bytes = 0;
  hash128 input_checksum;

  bool operator==(const scene_description&) const = default;
};

/// The tiling of a subdataset's source: blocks of block_width x block_height pixels, the last ones
/// of a row or column cut off at the scene's edge.
struct source_tiling {
  int64_t block_width = 0;
  int64_t block_height = 0;
  /// All bands of a block come out of one decoding (pixel interleave): read them together.
  bool bands_together = true;

  bool operator==(const source_tiling&) const = default;
};

/// One rectangle of pixels as a reader fills it; dense.
struct source_window {
  int64_t column = 0, row = 0;
  int64_t width = 0, height = 0;
};

/// Reads the pixels of a scene. One object per thread; destroying it closes its handles.
class scene_reader {
 public:
  virtual ~scene_reader() = default;

  /// Reads `count` bands from `first_band` of the window (inside the scene) into `pixels`:
  /// bands x height x width, native byte order.
  /// Errors: io_error, corrupt with the driver's words.
  virtual result<void> read(size_t subdataset, const source_window& window, size_t first_band,
                            size_t count, std::span<std::byte> pixels) = 0;

  /// Reads the mask planes of the window (validity::mask: one, band_masks: of `count` bands from
  /// `first_band`): a byte a pixel, 0 or 1. Only for those two validities.
  virtual result<void> read_mask(size_t subdataset, const source_window& window, size_t first_band,
                                 size_t count, std::span<std::byte> mask) = 0;
};

/// A scene that a format has opened: its description, and readers of its pixels.
class scene {
 public:
  virtual ~scene() = default;
  virtual const scene_description& description() const = 0;
  virtual source_tiling tiling(size_t subdataset) const = 0;
  /// A reader for the calling thread. Errors: io_error, when the input is gone.
  virtual result<std::unique_ptr<scene_reader>> open_reader() const = 0;
};

}  // namespace stip

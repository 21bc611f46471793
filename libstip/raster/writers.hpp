#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/chip_image.hpp"

namespace stip {

/// What leaves stip.
enum class image_format : uint8_t {
  /// Cloud optimized GeoTIFF: everything that is known of the chip.
  cog,
  /// An 8-bit picture for people.
  png,
  /// A NumPy array of shape (bands, rows, columns).
  npy,
};

/// "cog", "png", "npy".
std::string_view to_string(image_format format) noexcept;

/// Errors: invalid_argument, with the formats there are.
result<image_format> parse_image_format(std::string_view name);

/// With the dot: ".tif", ".png", ".npy".
std::string_view extension(image_format format) noexcept;

/// Writes the chip to a file. The bytes go to a temporary file beside `path`, which takes its name
/// when it is complete and synced: `path` is the whole new file or what was there before.
/// Errors: io_error, no_space, forbidden, not_found (no such directory); those of the format.
result<void> write_image(const std::string& path, image_format format, const chip_image& image);

// The formats, without the temporary name: they write `path` itself.

/// CRS, geotransform, nodata, masks, names, colours, scale, offset and unit of bands, properties as
/// metadata, items as metadata of the domain STIP. Deflate, no loss. A mask becomes the file's
/// mask; a GeoTIFF has one for all bands, so of masks of bands it is what any band holds.
result<void> write_cog(const std::string& path, const chip_image& image);

/// Colours: the palette of the first band; else red, green and blue (red_green_blue), each
/// stretched between its 2nd and 98th percentile of valid pixels; invalid pixels are transparent.
result<void> write_png(const std::string& path, const chip_image& image);

/// NPY 1.0, or 2.0 for long headers (numpy.lib.format). Little-endian, C order.
result<void> write_npy(const std::string& path, const chip_image& image);

/// The bands that a picture shows as red, green and blue: by colour interpretation, else by name
/// ("red", "B04" of Sentinel-2, ...), bands 3, 2, 1 of a Landsat 7 ETM+ file of six unnamed bands,
/// else the first three, else the first band three times (grey). An alpha band is never shown.
std::array<size_t, 3> red_green_blue(const subdataset_description& description);

/// The same as picture_painter takes them: three, or one where all are the same or the first band
/// has a colour table.
std::vector<size_t> picture_bands(const subdataset_description& description);

}  // namespace stip

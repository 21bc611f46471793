#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/chip_image.hpp"

// Pictures for people: 8 bits, red, green, blue and alpha.

namespace stip {

/// A colour as red, green, blue, alpha.
using rgba = std::array<uint8_t, 4>;

/// 256 colours from the lowest value to the highest.
using colour_map = std::array<rgba, 256>;

/// The maps by name: gray, viridis, magma, inferno, ndvi, water. (viridis, magma, inferno: S. van
/// der Walt and N. Smith, CC0.)
std::span<const std::string_view> colour_map_names() noexcept;
/// Errors: invalid_argument, with the names.
result<colour_map> colour_map_named(std::string_view name);

/// How numbers become brightness.
struct picture_stretch {
  /// The values in black and in full brightness.
  std::optional<std::pair<double, double>> range;
  /// Else the shares of the valid pixels that are black, and not in full brightness.
  double low_share = defaults::picture_stretch_low;
  double high_share = defaults::picture_stretch_high;
};

/// Errors: invalid_argument where low is not below high, or a share not within 0 and 1.
result<void> check(const picture_stretch& stretch);

/// What a picture looks like.
struct picture_style {
  picture_stretch stretch;
  /// A colour map, for pictures of one band; empty: gray.
  std::string colours;
};

/// Paints rows of pixels of one band or three. One object may serve several threads.
class picture_painter {
 public:
  /// Values of a band, for its percentiles; NaN and what holds no data left out.
  using sample_of_band = std::function<result<std::vector<double>>(size_t plane)>;

  /// `bands` are one, or red, green and blue; a single band with a colour table is painted with it
  /// where the style has no map of its own. `sample` is asked where percentiles are wanted. Errors:
  /// those of colour_map_named, check and the sample; invalid_argument for another number of bands
  /// or a map for three.
  static result<picture_painter> make(pixel_type type, std::vector<band_description> bands,
                                      const picture_style& style, const sample_of_band& sample);

  /// Paints pixels: `planes` has each band's, `valid` a byte a pixel for each band. Where a band
  /// holds no data the pixel is transparent.
  void paint(std::span<const std::byte* const> planes, std::span<const uint8_t* const> valid,
             std::span<rgba> out) const;

  /// Red, green and blue are the same everywhere.
  bool gray() const noexcept { return gray_; }
  /// The values in black and in full brightness of each band; empty with a colour table.
  const std::vector<std::pair<double, double>>& ranges() const noexcept { return ranges_; }

 private:
  pixel_type type_ = pixel_type::uint8;
  std::vector<std::pair<double, double>> ranges_;
  /// Of one band: by brightness, or by value.
  std::vector<rgba> colours_;
  bool table_ = false;
  bool gray_ = false;
};

/// A picture in memory, row by row.
struct picture {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<rgba> pixels;
  bool gray = false;
};

/// Paints the bands (one, or red, green and blue) of a chip. Errors: those of picture_painter.
result<picture> paint_chip(const chip_image& image, const std::vector<size_t>& bands,
                           const picture_style& style);

/// The picture with at most so many pixels along its longer edge: means, weighted by alpha.
picture shrink(const picture& of, int64_t max_edge);

/// Writes a PNG whose rows come one after the other from `row`, which fills `width` pixels; nothing
/// else is kept in memory. Gray ones take gray and alpha. Errors: io_error, no_space; those of
/// `row`.
result<void> write_png_rows(const std::string& path, int64_t width, int64_t height, bool gray,
                            const std::function<result<void>(int64_t row, std::span<rgba>)>& row);

/// The same of a whole picture.
result<void> write_png(const std::string& path, const picture& of);

/// The bytes of its file. Errors: those of write_png_rows.
result<std::string> encode_png(const picture& of);

}  // namespace stip

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "libstip/core/error.hpp"
#include "libstip/raster/cut_geometry.hpp"
#include "libstip/raster/pixel_type.hpp"

namespace stip {

/// How a pixel comes from those around its place in a source.
enum class resampling : uint8_t {
  /// The pixel that holds the place: for classes and flags.
  nearest,
  /// A triangle of one pixel to each side.
  bilinear,
  /// Catmull-Rom: Keys (1981), a = -1/2, two pixels to each side.
  cubic,
  /// The mean over the picture's own pixel, by area.
  average,
};

/// "nearest", "bilinear", "cubic", "average".
std::string_view to_string(resampling kind) noexcept;
/// Errors: invalid_argument, with the names.
result<resampling> parse_resampling(std::string_view name);

/// A part of one plane of a source: dense pixels over `rect`, and a byte a pixel, 0: no data.
struct sampled_plane {
  const std::byte* pixels = nullptr;
  const uint8_t* valid = nullptr;
  pixel_rect rect;
  pixel_type type = pixel_type::uint8;
};

/// Makes pixels of a picture out of a source.
///
/// A pixel has data where the source pixel that holds its place has. Its value is the mean of the
/// valid ones around, weighted by the kernel; where one that cubic needs is missing, bilinear is
/// taken. Kernels grow with the ratio of the picture's pixels to the source's, so that nothing is
/// left out where the picture is coarser. Numbers of integer types are rounded to the nearest and
/// kept in the type's range.
class resampler {
 public:
  /// `across`, `down`: source pixels that a pixel of the picture spans; below 1 they count as 1.
  resampler(resampling kind, double across, double down);

  /// Pixels of the source that are needed around a place's own pixel.
  int64_t margin_columns() const noexcept { return margin_columns_; }
  int64_t margin_rows() const noexcept { return margin_rows_; }

  /// The pixels at the places x, y (col, row in the source's numbering; centres at .5), of those
  /// that are `ok`. out[i] and valid[i] are written where there is data, and left as they are
  /// elsewhere. `from.rect` may be cut off anywhere: what lies outside is no data.
  void row(const sampled_plane& from, std::span<const double> x, std::span<const double> y,
           std::span<const uint8_t> ok, std::byte* out, uint8_t* valid) const;

 private:
  resampling kind_;
  double across_;
  double down_;
  int64_t margin_columns_ = 0;
  int64_t margin_rows_ = 0;
};

}  // namespace stip

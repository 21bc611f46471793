#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>

#include "libstip/analysis/mosaic_scene.hpp"
#include "libstip/raster/pixel_type.hpp"

namespace stip {

/// The number nearest to a value in a type, within its range.
template <class T>
T nearest_number(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    const double whole = std::nearbyint(value);
    if (!(whole > static_cast<double>(std::numeric_limits<T>::lowest())))
      return std::numeric_limits<T>::lowest();
    if (whole >= static_cast<double>(std::numeric_limits<T>::max()))
      return std::numeric_limits<T>::max();
    return static_cast<T>(whole);
  }
}

/// The number beside one that means no data: what a pixel gets that would come to mean it by
/// accident.
template <class T>
T beside(T number) {
  if constexpr (std::is_floating_point_v<T>)
    return std::nextafter(number, number <= T{0} ? T{1} : T{-1});
  else
    return static_cast<T>(number == std::numeric_limits<T>::max() ? number - 1 : number + 1);
}

/// How numbers of a band become those of a picture.
class number_rule {
 public:
  number_rule(pixel_type from, pixel_type to, dn_encoding means, std::optional<dn_encoding> as,
              std::optional<uint64_t> nodata)
      : from_(from), to_(to), nodata_(nodata) {
    if (!as || *as == means) return;
    gain_ = means.scale / as->scale;
    bias_ = (means.offset - as->offset) / as->scale;
    encodes_ = true;
  }

  /// Bytes may be copied. (A number that means no data has been left out before.)
  bool copies() const noexcept { return from_ == to_ && !encodes_; }

  /// Writes the valid pixels and their flags.
  void convert(const std::byte* from, std::span<const uint8_t> valid, std::byte* to,
               uint8_t* flags) const;

 private:
  pixel_type from_;
  pixel_type to_;
  std::optional<uint64_t> nodata_;
  bool encodes_ = false;
  double gain_ = 1;
  double bias_ = 0;
};

/// The smallest type that holds all numbers of both; float64 where there is none.
pixel_type common_type(pixel_type a, pixel_type b) noexcept;

}  // namespace stip

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "libstip/raster/pixel_type.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// Which pixels of a subdataset hold data (enum validity). Planes are dense; bands come before
/// mask planes. Nodata of float types is compared as a value, any NaN is meant by a NaN.
class validity_rule {
 public:
  explicit validity_rule(const subdataset_description& description);

  pixel_type type() const noexcept { return type_; }
  size_t bands() const noexcept { return nodata_.size(); }
  size_t masks() const noexcept { return masks_; }
  stip::validity kind() const noexcept { return kind_; }

  /// Sets valid[i] to 1 where pixel i holds data in at least one band, else 0. `bands` has all
  /// bands with `pixels` pixels each, `masks` the mask planes with a byte a pixel (kinds mask and
  /// band_masks, else empty).
  void mark_valid(std::span<const std::byte> bands, std::span<const uint8_t> masks, size_t pixels,
                  std::span<uint8_t> valid) const;

  /// The same for one band alone.
  void mark_valid_in(size_t band, std::span<const std::byte> bands, std::span<const uint8_t> masks,
                     size_t pixels, std::span<uint8_t> valid) const;

  /// Whether a band has a pixel that holds data; stops at the first.
  bool has_data(size_t band, std::span<const std::byte> bands, std::span<const uint8_t> masks,
                size_t pixels) const;

  /// Fills a plane of the band with what stands for "no data": its nodata value, else 0. With an
  /// alpha band all is 0.
  void fill(size_t band, std::span<std::byte> plane) const;

 private:
  pixel_type type_;
  stip::validity kind_;
  size_t masks_;
  std::vector<std::optional<uint64_t>> nodata_;
};

/// How many of the bytes, all 0 or 1, are 1.
uint64_t count_set(std::span<const uint8_t> flags) noexcept;

/// How many of the bytes, all 0 or 1, are 1, and the first of these and the one behind the last.
struct set_bytes {
  uint64_t count = 0;
  size_t begin = 0;
  size_t end = 0;
};
set_bytes find_set(std::span<const uint8_t> flags) noexcept;

}  // namespace stip

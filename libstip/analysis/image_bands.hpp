#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "libstip/analysis/band_roles.hpp"
#include "libstip/analysis/probability_mask.hpp"
#include "libstip/analysis/spectral.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// The planes of an image; all of its subdatasets cover the same ground.
struct image_planes {
  /// Columns and rows of a subdataset of the image.
  std::function<plane_size(size_t subdataset)> size;
  /// The pixels of a band in the subdataset's type, native byte order.
  std::function<result<std::vector<std::byte>>(const band_place&)> read;
  /// A byte a pixel of a subdataset, 0: no data, where something beside the bands' own nodata
  /// values tells it (a mask, an alpha band); an empty vector where nothing does. May be empty
  /// itself.
  std::function<result<std::vector<uint8_t>>(size_t subdataset)> valid;
};

/// An image whose bands are read as they are asked for, and checked. Refers to what it is made of.
/// Errors of its functions: invalid_argument when a plane has another size than its subdataset;
/// what the planes return.
class image_bands {
 public:
  /// `what` begins its errors: "find the clouds of T31TDH".
  image_bands(const scene_description& scene, const image_planes& planes, std::string what)
      : scene_(scene), planes_(planes), what_(std::move(what)) {}

  const subdataset_description& part_of(const band_place& place) const {
    return scene_.subdatasets.at(place.subdataset);
  }

  result<std::vector<std::byte>> bytes(const band_place& place) const;

  /// What tells the holes of a subdataset beside its bands; empty: nothing does.
  result<std::vector<uint8_t>> valid(size_t subdataset) const;

  /// A band's values on another grid, NaN where there are none; see fit_plane.
  result<std::vector<float>> values(const band_place& place, const spectral_calibration& used,
                                    plane_size size) const;

  spectral_band as_band(const band_place& place, std::span<const std::byte> pixels,
                        const spectral_calibration& used) const;

  plane_size size(size_t subdataset) const { return planes_.size(subdataset); }
  const scene_description& scene() const { return scene_; }

 private:
  const scene_description& scene_;
  const image_planes& planes_;
  std::string what_;
};

/// Whether two planes have the same columns and rows.
inline bool same_size(plane_size a, plane_size b) {
  return a.width == b.width && a.height == b.height;
}

}  // namespace stip

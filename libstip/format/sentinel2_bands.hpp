#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/format/product_scene.hpp"
#include "libstip/format/sentinel2_metadata.hpp"

// The files of a granule: which band each is, and what becomes of it.

namespace stip::sentinel2 {

/// The layer of opaque clouds, cirrus and snow (Products Specification Document 14.9,
/// MSK_CLASSI_B00), in products from baseline 04.00 on.
inline constexpr std::string_view classification = "CLASSI";

/// What the name of an image file says.
struct image_name {
  /// "B02", "B8A", "TCI", "SCL", "AOT", "WVP", "CLD", "SNW", "CLASSI"
  std::string band;
  /// In m; 0 when the name does not say.
  int resolution = 0;
  /// The folder and what stands before the band: the same for all bands of a granule.
  std::string stem;
};

/// Reads the name of a member; nullopt for files that are no band (previews, detector masks,
/// metadata).
std::optional<image_name> read_image_name(std::string_view member);

/// The granule's bands in the order of subdatasets: 10m, 20m, 60m, TCI, of L2A SCL, CLD, SNW, AOT,
/// WVP, and CLASSI; each at its native resolution. `left_out` gets the names of bands that a product of
/// the level has and this one does not.
std::vector<product_band> bands_of(const metadata& of,
                                   const std::vector<std::pair<image_name, std::string>>& images,
                                   std::vector<std::string>& left_out);

}  // namespace stip::sentinel2

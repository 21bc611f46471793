#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/format/landsat_metadata.hpp"
#include "libstip/format/product_scene.hpp"

// The files of a Landsat product: which band each is, and what becomes of it.

namespace stip::landsat {

/// What tells which bands there are and how they are scaled.
struct instrument {
  /// 1 to 9
  int satellite = 0;
  /// Multispectral Scanner: also Landsat 4 and 5 had one.
  bool mss = false;
  /// 1 or 2
  int level = 1;
  int collection = 2;
};

/// A file of the product: the end of its name ("B4", "SR_B4", "QA_PIXEL") and its member.
struct band_file {
  std::string suffix;
  std::string member;
};

/// Whether a file whose name ends so is a band.
bool is_band(std::string_view suffix);

/// The bands in the order of subdatasets: reflective, panchromatic, thermal, temperature, then
/// quality and what is beside it. `metadata` gives the scales where it is there.
std::vector<product_band> bands_of(const instrument& of, const std::vector<band_file>& files,
                                   const mtl* metadata);

/// The member whose value 1 marks the fill of the product: its quality band, if it is there.
std::vector<validity_reference> references_of(const std::vector<band_file>& files);

}  // namespace stip::landsat

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/product_files.hpp"
#include "libstip/raster/gdal_scene.hpp"

// Puts a scene together of bands that lie in files of their own, as Sentinel-2 and Landsat have
// them.

namespace stip {

/// What the product's format knows of a band, beyond what the file says.
struct known_band {
  std::string name;
  /// value = DN * scale + offset
  double scale = 1;
  double offset = 0;
  std::string unit;
  /// As GDAL names it ("Red"), where the file's own is wrong or missing.
  std::optional<std::string> colour;
  /// Common name, wavelength and the like.
  std::map<std::string, std::string> properties;
  std::vector<std::string> categories;
};

/// A file of a product, and what its bands are.
struct product_band {
  /// Id of the subdataset that its bands belong to. Bands of one id that differ in grid or pixel
  /// type become several subdatasets: "id", "id-2", ...
  std::string subdataset;
  std::string member;
  /// One for each band of the file, in the file's order.
  std::vector<known_band> bands;
  /// The value that means "no data"; without one that of the file counts, else the reference.
  std::optional<double> nodata;
  bool quality = false;
};

/// A file whose pixels of this value hold no data in the bands that have no nodata value
/// themselves, where the grid is the same (the scene classification, the quality band).
struct validity_reference {
  std::string member;
  double nodata = 0;
};

/// What is put together for one scene.
struct product_parts {
  gdal_scene_parts parts;
  /// The members that its pixels come from.
  std::vector<std::string> members;
};

/// Opens the files in the order of `bands` and makes subdatasets of them: each with its sources and
/// validity. Errors: those of open_gdal, gdal_grid and describe_gdal; malformed, when a file has
/// another number of bands than is known; not_found without a band.
result<product_parts> assemble(const product_files& files, const std::vector<product_band>& bands,
                               const std::vector<validity_reference>& references = {});

/// Completes the scene: what the options say, names that fit a key, footprint, size and checksum of
/// the members and `metadata`. The description must have format, platform, tile and timestamp.
/// Errors: invalid_argument for unusable names, io_error.
result<std::unique_ptr<scene>> finish_scene(product_parts made, const product_files& files,
                                            const std::vector<std::string>& metadata,
                                            const std::string& input, const scene_options& options);

/// Keeps a property: cleaned, cut to its bound, and not at all when it is empty.
void keep_property(std::map<std::string, std::string>& properties, const std::string& key,
                   std::string_view value);

/// A number as text, with the digits that it needs and no more.
std::string number_text(double value);

/// The finite number that the whole text is; nullopt when it is none.
std::optional<double> parse_number(std::string_view text);

}  // namespace stip

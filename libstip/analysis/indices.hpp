#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/analysis/band_math.hpp"
#include "libstip/analysis/image_bands.hpp"
#include "libstip/analysis/mask_classes.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/scene.hpp"

// Band indices of an image: those of the literature by name, over the roles of bands, and band
// arithmetic of users. Definitions and references: docs/indices.md.

namespace stip {

/// An index of the literature.
struct known_index {
  std::string_view name;
  /// Over roles of bands.
  std::string_view expression;
  std::string_view publication;
  /// Its constants are in reflectance, so that numbers of another scale give another index. The
  /// others are quotients of sums, for which only the offset matters.
  bool absolute = false;
};

/// ndvi, ndsi, ndwi, mndwi, ndbi, bsi, evi, savi, nbr.
std::span<const known_index> known_indices() noexcept;

/// An index that can be computed.
struct index_definition {
  /// Of a known index; empty for an expression.
  std::string name;
  std::string expression;
  bool absolute = false;
  band_math math;

  /// The name of what is derived: the index's, else "index-" and eight hexadecimal digits of the
  /// expression's hash.
  std::string derived_name() const;
};

/// The index of a name (in lower case), else the expression itself. Errors: those of
/// parse_band_math; for a single word that is no index the error lists those that there are.
result<index_definition> define_index(std::string_view text);

/// The bands that an expression's names mean: the band that has the role where the name is one's
/// and the scene's sensor is known to have it, else the band of that name. Errors: not_found, which
/// names all that are missing and the bands that there are.
result<std::vector<band_place>> resolve_bands(const scene_description& scene,
                                              std::span<const std::string> names);

/// The subdataset whose grid an image's planes are brought to: of those that are used the one with
/// the smallest pixels. Errors: unsupported when the grids of two do not nest, with their names.
result<size_t> finest_grid(const scene_description& scene, std::span<const size_t> used);

/// Where the image lies: its middle in degrees, EPSG:4326, for the sun.
struct image_middle {
  double longitude = 0;
  double latitude = 0;
};

/// The mask of an image's clouds, on the grid of one of its subdatasets.
struct image_mask {
  size_t subdataset = 0;
  plane_size size;
  std::span<const uint8_t> classes;
};

/// Whether the ground of a pixel of the class cannot be seen as it is: cloud, cirrus, shadow and
/// what is dilated; and where the mask has no data.
constexpr bool hides_ground(mask_class c) noexcept {
  return is_cloud(c) || c == mask_class::shadow || c == mask_class::dilated ||
         c == mask_class::nodata;
}

/// The values of an index over an image.
struct index_plane {
  /// The plane has the grid of this subdataset.
  size_t subdataset = 0;
  plane_size size;
  /// NaN where a band that the value depends on has no data, where the clouds' mask hides the
  /// ground, and where the expression has no number as its result.
  std::vector<float> values;
  /// The bands that were used, in the order of the expression's names.
  std::vector<band_place> bands;
};

/// Computes an index. Values are reflectances, with scale, offset and the sun's angle as the scene
/// tells them, K of thermal bands, else what the band's scale and offset give. Errors: those of
/// resolve_bands, finest_grid and calibrate_band; unsupported where a known index wants
/// reflectance and a band has none; what `planes` returns.
result<index_plane> compute_index(const scene_description& scene, const index_definition& index,
                                  const image_middle& middle, const image_planes& planes,
                                  const std::optional<image_mask>& clouds);

/// What an index is stored as.
enum class index_type : uint8_t {
  /// 32-bit floats, NaN is no data.
  float32 = 0,
  /// value = DN * 0.0001, -32768 is no data; values beyond +-3.2767 become the largest number.
  int16 = 1,
};

/// "float32", "int16".
std::string_view to_string(index_type type) noexcept;
/// The type of a name that to_string gives, "float" too; invalid_argument for any other.
result<index_type> parse_index_type(std::string_view name);

/// The plane as pixels of the type, native byte order.
std::vector<std::byte> encode_index(index_type type, std::span<const float> values);

/// The subdataset that holds the plane, on `grid`.
subdataset_description describe_index(const index_definition& index, index_type type,
                                      const grid& grid);

}  // namespace stip

#include "libstip/analysis/index_of_image.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "libstip/analysis/chip_planes.hpp"
#include "libstip/analysis/find_clouds.hpp"
#include "libstip/geo/cell.hpp"
#include "libstip/raster/cell_mask.hpp"

namespace stip {

namespace {

/// The property of a mask's record that has its method.
constexpr auto method_property = "method";

/// A mask with the pixels that it refers to.
struct known_clouds {
  std::vector<uint8_t> classes;
  std::optional<image_mask> mask;
};

/// The subdataset of the image whose grid the mask has.
std::optional<size_t> grid_of_mask(const stored_image& image) {
  const auto& grid = image.mask_scene->subdatasets.front().grid;
  for (size_t i = 0; i < image.scene.subdatasets.size(); ++i)
    if (image.scene.subdatasets[i].grid == grid) return i;
  return std::nullopt;
}

result<known_clouds> stored_clouds(const stored_image& image, chip_planes& pixels) {
  known_clouds out;
  const auto what = "mask the clouds of " + to_string(image.key());
  const auto subdataset = grid_of_mask(image);
  const auto number = image.chips.size() - 1;
  STIP_ASSIGN(const auto* chip, pixels.pixels_of(number));
  const auto window = part_of(image, number);
  if (!subdataset || chip->description.type != pixel_type::uint8 || chip->bands() != 1 ||
      window != part_of(image, *subdataset))
    return fail(ec::malformed, what, "its mask does not lie on one of its grids",
                "find its clouds anew (stip image cloud --force), or give --keep-clouds");
  const auto band = chip->band(0);
  out.classes.resize(band.size());
  std::transform(band.begin(), band.end(), out.classes.begin(),
                 [](std::byte b) { return std::to_integer<uint8_t>(b); });
  const plane_size size{static_cast<size_t>(window.width), static_cast<size_t>(window.height)};
  out.mask = image_mask{*subdataset, size, out.classes};
  return out;
}

result<known_clouds> find_known_clouds(const stored_image& image, const index_work& work,
                                       chip_planes& pixels) {
  known_clouds out;
  if (work.keep_clouds) return out;
  if (image.mask() != nullptr) return stored_clouds(image, pixels);
  if (!find_quality(image.scene)) return out;
  cloud_request by_quality;
  by_quality.method = cloud_method::quality;
  STIP_ASSIGN(auto found, find_clouds(image.scene, by_quality, pixels.planes()));
  out.classes = std::move(found.classes);
  out.mask = image_mask{found.subdataset, found.size, out.classes};
  return out;
}

}  // namespace

std::string clouds_of_index(const stored_image& image, const index_work& work) {
  if (work.keep_clouds) return std::string(cloud_word::kept);
  if (image.mask() == nullptr)
    return std::string(find_quality(image.scene) ? to_string(cloud_method::quality)
                                                 : cloud_word::unknown);
  const auto& properties = image.mask_scene->properties;
  const auto method = properties.find(method_property);
  return method == properties.end() ? std::string("mask") : method->second;
}

uint64_t index_bytes(const stored_image& image, const index_work& work) {
  std::set<size_t> chips;
  uint64_t pixels = 0;
  // What cannot be resolved takes no memory.
  const auto places = resolve_bands(image.scene, work.index.math.bands());
  if (!places) return 0;
  for (const auto& place : *places) {
    chips.insert(place.subdataset);
    pixels = std::max<uint64_t>(pixels, part_of(image, place.subdataset).pixels());
  }
  if (image.mask() != nullptr)
    chips.insert(image.chips.size() - 1);
  else if (const auto quality = find_quality(image.scene))
    chips.insert(quality->bands.front().subdataset);
  uint64_t bytes = 0;
  for (const auto chip : chips) bytes += part_bytes(image, chip);
  // The chips, the bands out of them, as floats where they are brought to a grid, and the result.
  return 2 * bytes + pixels * sizeof(float) * (places->size() + 2);
}

result<computed_index> compute_index_of(const stored_image& image, const index_work& work,
                                        geocode_algorithm algorithm, const read_chip& read) {
  const auto& geocode = image.key().geocode;
  STIP_ASSIGN(const auto cell, decode(algorithm, geocode));
  chip_planes pixels{image, read};
  STIP_ASSIGN(const auto clouds, find_known_clouds(image, work, pixels));
  const image_middle middle{(cell.west + cell.east) / 2, (cell.south + cell.north) / 2};
  computed_index out;
  // `mask` refers to the classes where they are now.
  auto mask = clouds.mask;
  if (mask) mask->classes = clouds.classes;
  STIP_ASSIGN(out.plane, compute_index(image.scene, work.index, middle, pixels.planes(), mask));
  out.window = part_of(image, out.plane.subdataset);
  STIP_ASSIGN(out.own, cell_mask(image.scene.subdatasets[out.plane.subdataset].grid, out.window,
                                 algorithm, geocode));
  out.clouds = clouds_of_index(image, work);
  out.bytes = pixels.bytes();
  return out;
}

}  // namespace stip

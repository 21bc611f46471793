#include "libstip/catalog/image_footprint.hpp"

#include "libstip/geo/cell.hpp"

namespace stip {

result<std::optional<footprint>> footprint_of(const stored_image& image,
                                              geocode_algorithm algorithm) {
  const chip_description* best = nullptr;
  for (const auto& chip : image.own())
    if (!chip.quality && chip.valid_pixels > 0 &&
        (best == nullptr || chip.pixel_coverage() > best->pixel_coverage()))
      best = &chip;
  if (best == nullptr) return footprint{};
  if (best->outline.empty()) {
    if (best->valid_pixels < best->cell_pixels) return std::nullopt;
    STIP_ASSIGN(const auto cell, decode(algorithm, image.key().geocode));
    // The largest cells are half of the globe wide: a border's points are less far apart.
    const auto middle = (cell.west + cell.east) / 2;
    return footprint_of_border({{cell.west, cell.south},
                                {middle, cell.south},
                                {cell.east, cell.south},
                                {cell.east, cell.north},
                                {middle, cell.north},
                                {cell.west, cell.north}});
  }
  std::vector<pixel_point> corners;
  for (const auto& corner : best->outline)
    corners.push_back({static_cast<double>(best->column + corner.column),
                       static_cast<double>(best->row + corner.row)});
  STIP_ASSIGN(auto found,
              footprint_of(image.scene.subdatasets[best->subdataset_index].grid, corners));
  return found;
}

}  // namespace stip

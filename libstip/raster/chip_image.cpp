#include "libstip/raster/chip_image.hpp"

#include <algorithm>
#include <cstring>

#include "libstip/raster/scatter.hpp"

namespace stip {

grid window_grid(const grid& of, int64_t column, int64_t row, int64_t width, int64_t height) {
  grid out = of;
  out.transform[0] = of.x_of(static_cast<double>(column), static_cast<double>(row));
  out.transform[3] = of.y_of(static_cast<double>(column), static_cast<double>(row));
  out.width = width;
  out.height = height;
  return out;
}

std::span<const std::byte> chip_image::band(size_t i) const {
  const size_t bytes = area() * size_of(description.type);
  return std::span(pixels).subspan(i * bytes, bytes);
}

std::vector<uint8_t> chip_image::valid_in(size_t band) const {
  // Every pixel of the scene is data, but the chip may reach past the scene.
  if (description.valid == validity::all) return masks;
  std::vector<uint8_t> out(area());
  validity_rule(description).mark_valid_in(band, pixels, masks, area(), out);
  return out;
}

std::vector<uint8_t> chip_image::valid() const {
  if (description.valid == validity::all) return masks;
  std::vector<uint8_t> out(area());
  validity_rule(description).mark_valid(pixels, masks, area(), out);
  return out;
}

pixel_rect part_on_scene(const pixel_rect& window, const grid& of) {
  auto scene = pixel_rect{0, 0, of.width, of.height};
  if (period_columns(of)) {
    scene.column = window.column;
    scene.width = window.width;
  }
  const auto part = intersect(window, scene);
  return part.empty() ? pixel_rect{window.column, window.row, 1, 1} : part;
}

result<chip_assembler> chip_assembler::make(const subdataset_description& subdataset,
                                            const chip_window& window, uint64_t max_pixels) {
  return make_part(subdataset, window, {window.column, window.row, window.width, window.height},
                   max_pixels);
}

result<chip_assembler> chip_assembler::make_part(const subdataset_description& subdataset,
                                                 const chip_window& window, const pixel_rect& part,
                                                 uint64_t max_pixels) {
  const std::string what = "put a chip of " + std::to_string(part.width) + " x " +
                           std::to_string(part.height) + " pixels together";
  const pixel_rect chip{window.column, window.row, window.width, window.height};
  if (part.empty() || intersect(part, chip) != part || window.block_edge == 0 ||
      window.block_edge > defaults::max_block_edge || subdataset.bands.empty() ||
      !is_known(subdataset.type))
    return fail(ec::invalid_argument, what, "it has no pixels, no bands or no blocks");
  const size_t masks = mask_planes(subdataset.valid, subdataset.bands.size());
  const uint64_t area = part.pixels();
  const uint64_t planes = subdataset.bands.size() + masks;
  if (area > max_pixels / planes)
    return fail(ec::limit_exceeded, what,
                "with its " + std::to_string(planes) + " planes it has more than " +
                    std::to_string(max_pixels) + " pixels",
                "split the image to a longer geocode first");
  chip_assembler out;
  auto& image = out.image_;
  image.description = subdataset;
  image.description.grid =
      window_grid(subdataset.grid, part.column, part.row, part.width, part.height);
  const size_t band_bytes = area * size_of(subdataset.type);
  image.pixels.resize(subdataset.bands.size() * band_bytes);
  image.masks.resize(masks * area);
  const validity_rule rule(subdataset);
  for (size_t i = 0; i < subdataset.bands.size(); ++i)
    rule.fill(i, std::span(image.pixels).subspan(i * band_bytes, band_bytes));
  out.edge_ = window.block_edge;
  out.columns_ = (window.width + window.block_edge - 1) / window.block_edge;
  out.rows_ = (window.height + window.block_edge - 1) / window.block_edge;
  out.chip_ = chip;
  out.part_ = part;
  return out;
}

result<void> chip_assembler::place(uint64_t block, std::span<const std::byte> record) {
  const std::string what = "place block " + std::to_string(block) + " of a chip";
  const uint64_t per_plane = columns_ * rows_;
  const uint64_t masks = image_.masks.size() / image_.area();
  if (block >= per_plane * (image_.bands() + masks))
    return fail(ec::invalid_argument, what, "the chip has fewer blocks");
  const uint64_t plane = block / per_plane;
  const auto rect =
      intersect(chip_, {chip_.column + static_cast<int64_t>(block % per_plane % columns_) * edge_,
                        chip_.row + static_cast<int64_t>(block % per_plane / columns_) * edge_,
                        edge_, edge_});
  const bool mask = plane >= image_.bands();
  const auto type = mask ? pixel_type::bit : image_.description.type;
  STIP_ASSIGN(const auto header, parse_block(record));
  if (header.type != type || header.columns != rect.width || header.rows != rect.height)
    return fail(ec::malformed, what, "its type or shape is not what the chip has there");
  const auto wanted = intersect(rect, part_);
  if (wanted.empty()) return {};
  decoded_.resize(pixel_bytes(header));
  STIP_TRY(decoder_.decode_block(record, decoded_));
  const size_t size = size_of(type);
  std::byte* const base = mask ? reinterpret_cast<std::byte*>(image_.masks.data()) +
                                     (plane - image_.bands()) * image_.area()
                               : image_.pixels.data() + plane * image_.area() * size;
  copy_part({decoded_.data(), rect, size}, {base, part_, size}, wanted, 1);
  return {};
}

}  // namespace stip

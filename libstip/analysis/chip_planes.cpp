#include "libstip/analysis/chip_planes.hpp"

namespace stip {

image_planes chip_planes::planes() {
  image_planes out;
  out.size = [this](size_t i) -> plane_size {
    const auto part = part_of(image_, i);
    return {static_cast<size_t>(part.width), static_cast<size_t>(part.height)};
  };
  out.read = [this](const band_place& place) -> result<std::vector<std::byte>> {
    STIP_ASSIGN(const auto* pixels, pixels_of(place.subdataset));
    const auto band = pixels->band(place.band);
    return std::vector<std::byte>(band.begin(), band.end());
  };
  out.valid = [this](size_t i) -> result<std::vector<uint8_t>> {
    if (image_.scene.subdatasets[i].valid == validity::nodata) return std::vector<uint8_t>{};
    STIP_ASSIGN(const auto* pixels, pixels_of(i));
    return pixels->valid();
  };
  return out;
}

result<const chip_image*> chip_planes::pixels_of(size_t chip) {
  const auto found = read_already_.find(chip);
  if (found != read_already_.end()) return &found->second;
  STIP_ASSIGN(auto pixels, read_(image_, chip));
  bytes_ += part_bytes(image_, chip);
  return &read_already_.emplace(chip, std::move(pixels.image)).first->second;
}

}  // namespace stip

#include "libstip/raster/paste.hpp"

#include <cstring>

namespace stip {

result<void> paste(const paste_source& from, const plane_view& to, size_t plane) {
  const size_t bytes = size_of(from.type);
  const size_t pixels = from.rect.pixels();
  if (bytes == 0 || bytes != to.pixel_bytes || from.pixels.size() != pixels * bytes ||
      (!from.valid.empty() && from.valid.size() != pixels))
    return fail(ec::invalid_argument, "paste pixels",
                std::to_string(from.pixels.size()) + " bytes for " + std::to_string(pixels) +
                    " pixels of " + std::string(to_string(from.type)));
  const auto part = intersect(from.rect, to.rect);
  for (int64_t row = part.row; row < part.end_row(); ++row) {
    const auto first = static_cast<size_t>((row - from.rect.row) * from.rect.width + part.column -
                                           from.rect.column);
    const auto* source = from.pixels.data() + first * bytes;
    auto* target = to.at(plane, part.column, row);
    const auto width = static_cast<size_t>(part.width);
    if (from.valid.empty()) {
      std::memcpy(target, source, width * bytes);
      continue;
    }
    // Runs of valid pixels are long; copy each at once.
    const auto* valid = from.valid.data() + first;
    for (size_t at = 0; at < width;) {
      while (at < width && valid[at] == std::byte{0}) ++at;
      const size_t begin = at;
      while (at < width && valid[at] != std::byte{0}) ++at;
      std::memcpy(target + begin * bytes, source + begin * bytes, (at - begin) * bytes);
    }
  }
  return {};
}

}  // namespace stip

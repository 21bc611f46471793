#include "apps/stip/image_picture.hpp"

#include <charconv>
#include <cmath>
#include <sstream>

#include "libstip/analysis/indices.hpp"
#include "libstip/raster/writers.hpp"

namespace stip::cli {

namespace {

/// The subdataset that a picture shows: the first that holds measurements.
size_t pictured(const image_details& details) {
  for (size_t i = 0; i < details.chips.size(); ++i)
    if (!details.chips[i].quality) return i;
  return 0;
}

}  // namespace

std::vector<std::string> names_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string name; std::getline(in, name, ',');)
    if (!name.empty()) out.push_back(name);
  return out;
}

result<std::vector<double>> numbers_of(const std::string& option, std::string_view text) {
  std::vector<double> out;
  for (;;) {
    const auto part = text.substr(0, text.find(','));
    double value = 0;
    const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (code != std::errc{} || end != part.data() + part.size() || !std::isfinite(value))
      return fail(ec::invalid_argument, "--" + option + " " + std::string(text),
                  "'" + std::string(part) + "' is not a number");
    out.push_back(value);
    if (part.size() == text.size()) return out;
    text.remove_prefix(part.size() + 1);
  }
}

uint64_t painted_pixels(const image_details& details) {
  const auto& chip = details.chips[pictured(details)];
  return uint64_t{chip.width} * chip.height * chip.bands;
}

result<picture> paint_image(const client& node, const std::string& album, const image_row& row,
                            const image_details& details, const std::vector<std::string>& bands) {
  if (bands.empty()) {
    STIP_ASSIGN(const auto chip, node.chip(album, row, details, pictured(details)));
    return paint_chip(chip, picture_bands(chip.description), {});
  }
  STIP_ASSIGN(const auto places, resolve_bands(details.scene, bands));
  std::vector<size_t> numbers;
  for (const auto& place : places) {
    if (place.subdataset != places.front().subdataset)
      return fail(ec::unsupported, "paint image " + to_string(row.key),
                  "its bands have different grids", "use `stip image mosaic --bands ...`");
    numbers.push_back(place.band);
  }
  for (size_t i = 0; i < details.own().size(); ++i) {
    if (details.chips[i].subdataset_index != places.front().subdataset) continue;
    STIP_ASSIGN(const auto chip, node.chip(album, row, details, i));
    return paint_chip(chip, numbers, {});
  }
  return fail(ec::not_found, "paint image " + to_string(row.key), "the image lacks these bands");
}

}  // namespace stip::cli

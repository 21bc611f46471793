#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>
#include <vector>

#include "libstip/raster/picture.hpp"
#include "libstip/raster/writers.hpp"

namespace stip {

namespace {

std::string lower(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// The names under which users know the bands of a natural picture: by colour, Sentinel-2, Landsat
/// 8 and 9.
constexpr std::array<std::array<std::string_view, 3>, 4> picture_names = {{
    {"red", "green", "blue"},
    {"b04", "b03", "b02"},
    {"b4", "b3", "b2"},
    {"sr_b4", "sr_b3", "sr_b2"},
}};

/// Bands of a Landsat 7 ETM+ file without names: blue, green, red, NIR, SWIR, SWIR.
constexpr size_t etm_bands = 6;

template <class Get>
std::optional<std::array<size_t, 3>> find_bands(const subdataset_description& d,
                                                const std::array<std::string_view, 3>& wanted,
                                                const Get& get) {
  std::array<size_t, 3> out{};
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto at = std::find_if(d.bands.begin(), d.bands.end(),
                                 [&](const auto& band) { return get(band) == wanted[i]; });
    if (at == d.bands.end()) return std::nullopt;
    out[i] = static_cast<size_t>(at - d.bands.begin());
  }
  return out;
}

}  // namespace

std::array<size_t, 3> red_green_blue(const subdataset_description& d) {
  const auto by_colour =
      find_bands(d, picture_names.front(), [](const auto& band) { return lower(band.colour); });
  if (by_colour) return *by_colour;
  for (const auto& names : picture_names)
    if (const auto by_name =
            find_bands(d, names, [](const auto& band) { return lower(band.name); }))
      return *by_name;
  const size_t shown = d.bands.size() - (d.valid == validity::alpha ? 1 : 0);
  const bool unnamed = !d.bands.empty() && d.bands.front().name == "1";
  if (shown == etm_bands && unnamed) return {2, 1, 0};
  if (shown >= 3) return {0, 1, 2};
  return {0, 0, 0};
}

std::vector<size_t> picture_bands(const subdataset_description& d) {
  const auto bands = red_green_blue(d);
  const bool one = !d.bands.empty() && !d.bands.front().colour_table.empty();
  if (one || (bands[0] == bands[1] && bands[1] == bands[2])) return {bands[0]};
  return {bands.begin(), bands.end()};
}

result<void> write_png(const std::string& path, const chip_image& image) {
  STIP_ASSIGN(const auto made, paint_chip(image, picture_bands(image.description), {}));
  return write_png(path, made);
}

}  // namespace stip

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/gdal_dataset.hpp"
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

struct colour {
  std::array<uint8_t, 4> rgba{0, 0, 0, 255};
};

/// "r,g,b,a" as band_description keeps it.
colour parse_colour(const std::string& text) {
  colour out;
  size_t at = 0;
  for (auto& part : out.rgba) {
    int value = 0;
    while (at < text.size() && text[at] != ',') {
      if (text[at] >= '0' && text[at] <= '9') value = std::min(value * 10 + (text[at] - '0'), 255);
      ++at;
    }
    part = static_cast<uint8_t>(value);
    ++at;
  }
  return out;
}

double value_at(pixel_type type, std::span<const std::byte> band, size_t i) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    T value;
    std::memcpy(&value, band.data() + i * sizeof(T), sizeof(T));
    return static_cast<double>(value);
  });
}

/// The values between which a band is stretched to 0 .. 255.
std::pair<double, double> stretch_of(const chip_image& image, size_t band,
                                     const std::vector<uint8_t>& valid) {
  const auto pixels = image.band(band);
  const size_t step = std::max<size_t>(1, image.area() / defaults::picture_sample_pixels);
  std::vector<double> sample;
  for (size_t i = 0; i < image.area(); i += step) {
    if (valid[i] == 0) continue;
    const double value = value_at(image.description.type, pixels, i);
    if (std::isfinite(value)) sample.push_back(value);
  }
  if (sample.empty()) return {0, 1};
  const auto quantile = [&](double share) {
    const auto at = static_cast<ptrdiff_t>(share * static_cast<double>(sample.size() - 1));
    std::nth_element(sample.begin(), sample.begin() + at, sample.end());
    return sample[static_cast<size_t>(at)];
  };
  const double low = quantile(defaults::picture_stretch_low);
  const double high = quantile(defaults::picture_stretch_high);
  return {low, high > low ? high : low + 1};
}

/// rgba x rows x columns.
std::vector<uint8_t> paint_palette(const chip_image& image) {
  const auto& table = image.description.bands.front().colour_table;
  std::vector<colour> colours;
  for (const auto& text : table) colours.push_back(parse_colour(text));
  const auto valid = image.valid_in(0);
  const size_t area = image.area();
  std::vector<uint8_t> out(4 * area);
  for (size_t i = 0; i < area; ++i) {
    const double value = value_at(image.description.type, image.band(0), i);
    if (valid[i] == 0 || value < 0 || value >= static_cast<double>(colours.size())) continue;
    const auto& c = colours[static_cast<size_t>(value)];
    for (size_t k = 0; k < 4; ++k) out[k * area + i] = c.rgba[k];
  }
  return out;
}

std::vector<uint8_t> paint_bands(const chip_image& image) {
  constexpr double brightest = 255;
  const auto bands = red_green_blue(image.description);
  const size_t area = image.area();
  std::vector<uint8_t> out(4 * area);
  std::fill(out.begin() + static_cast<ptrdiff_t>(3 * area), out.end(), uint8_t{255});
  for (size_t k = 0; k < bands.size(); ++k) {
    const auto valid = image.valid_in(bands[k]);
    const auto [low, high] = stretch_of(image, bands[k], valid);
    const auto pixels = image.band(bands[k]);
    for (size_t i = 0; i < area; ++i) {
      const double value = value_at(image.description.type, pixels, i);
      if (valid[i] == 0 || std::isnan(value)) {
        // A pixel that lacks one of its colours has no colour at all.
        out[3 * area + i] = 0;
        continue;
      }
      const double scaled = (std::clamp(value, low, high) - low) / (high - low) * brightest;
      out[k * area + i] = static_cast<uint8_t>(std::lround(scaled));
    }
  }
  for (size_t i = 0; i < area; ++i)
    if (out[3 * area + i] == 0)
      for (size_t k = 0; k < 3; ++k) out[k * area + i] = 0;
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

result<void> write_png(const std::string& path, const chip_image& image) {
  prepare_gdal();
  const auto& first = image.description.bands.front();
  auto picture = !first.colour_table.empty() ? paint_palette(image) : paint_bands(image);
  const auto width = static_cast<int>(image.width());
  const auto height = static_cast<int>(image.height());
  const auto bands = red_green_blue(image.description);
  const bool grey = first.colour_table.empty() && bands[0] == bands[1] && bands[1] == bands[2];
  const gdal_errors errors;
  const auto refuse = [&] {
    return fail(errors.out_of_memory() ? ec::limit_exceeded : ec::io_error, "write " + path,
                errors.text().empty() ? "GDAL could not write the picture" : errors.text());
  };
  const auto memory = GDALGetDriverByName("MEM");
  const auto png = GDALGetDriverByName("PNG");
  if (memory == nullptr || png == nullptr)
    return fail(ec::unsupported, "write " + path, "GDAL has no PNG driver", "install it");
  const std::array<size_t, 2> grey_planes = {0, 3};
  const std::array<size_t, 4> colour_planes = {0, 1, 2, 3};
  const auto planes =
      grey ? std::span<const size_t>(grey_planes) : std::span<const size_t>(colour_planes);
  const gdal_dataset in(
      GDALCreate(memory, "", width, height, static_cast<int>(planes.size()), GDT_Byte, nullptr),
      false);
  if (!in) return refuse();
  for (size_t i = 0; i < planes.size(); ++i) {
    const auto band = GDALGetRasterBand(in.handle(), static_cast<int>(i + 1));
    if (GDALRasterIOEx(band, GF_Write, 0, 0, width, height,
                       picture.data() + planes[i] * image.area(), width, height, GDT_Byte, 0, 0,
                       nullptr) != CE_None)
      return refuse();
  }
  gdal_dataset out(GDALCreateCopy(png, path.c_str(), in.handle(), FALSE, nullptr, nullptr, nullptr),
                   false);
  if (!out || errors.failed()) return refuse();
  if (auto why = out.close(); !why.empty())
    return fail(ec::io_error, "write " + path, std::move(why));
  return {};
}

}  // namespace stip

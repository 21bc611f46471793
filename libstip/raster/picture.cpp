#include "libstip/raster/picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace stip {

namespace {

struct named_map {
  std::string_view name;
  /// Colours at even distances, 0xRRGGBB.
  std::array<uint32_t, 10> stops;
};

constexpr std::array<named_map, 6> maps = {{
    {"gray",
     {0x000000, 0x1c1c1c, 0x393939, 0x555555, 0x717171, 0x8e8e8e, 0xaaaaaa, 0xc6c6c6, 0xe3e3e3,
      0xffffff}},
    {"viridis",
     {0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b,
      0xfde725}},
    {"magma",
     {0x000004, 0x180f3d, 0x440f76, 0x721f81, 0x9e2f7f, 0xcd4071, 0xf1605d, 0xfd9668, 0xfeca8d,
      0xfcfdbf}},
    {"inferno",
     {0x000004, 0x1b0c41, 0x4a0c6b, 0x781c6d, 0xa52c60, 0xcf4446, 0xed6925, 0xfb9b06, 0xf7d13d,
      0xfcffa4}},
    // Water and bare ground, then ever denser green.
    {"ndvi",
     {0x0b3c6f, 0x5b4a3c, 0x8c6a46, 0xbfa06a, 0xe9dfa5, 0xc6dc84, 0x93c464, 0x55a446, 0x23802f,
      0x00521c}},
    // From dry ground to deep water.
    {"water",
     {0x7a5230, 0xa67c4e, 0xd0b07c, 0xf0e2bd, 0xeaf3f4, 0xbfdfee, 0x86bfe0, 0x4593cb, 0x1762a6,
      0x08306b}},
}};

constexpr std::array<std::string_view, maps.size()> names = [] {
  std::array<std::string_view, maps.size()> out;
  for (size_t i = 0; i < maps.size(); ++i) out[i] = maps[i].name;
  return out;
}();

constexpr uint8_t opaque = 255;

/// "r,g,b,a" as band_description keeps it.
rgba parse_colour(const std::string& text) {
  rgba out{0, 0, 0, opaque};
  size_t at = 0;
  for (auto& part : out) {
    if (at >= text.size()) break;
    int value = 0;
    while (at < text.size() && text[at] != ',') {
      if (text[at] >= '0' && text[at] <= '9')
        value = std::min(value * 10 + (text[at] - '0'), int{opaque});
      ++at;
    }
    part = static_cast<uint8_t>(value);
    ++at;
  }
  return out;
}

double number_at(pixel_type type, const std::byte* band, size_t i) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    T value;
    std::memcpy(&value, band + i * sizeof(T), sizeof(T));
    return static_cast<double>(value);
  });
}

/// The values between which a band is stretched.
std::pair<double, double> range_of(std::vector<double> sample, const picture_stretch& stretch) {
  if (sample.empty()) return {0, 1};
  const auto quantile = [&](double share) {
    const auto at = static_cast<ptrdiff_t>(share * static_cast<double>(sample.size() - 1));
    std::nth_element(sample.begin(), sample.begin() + at, sample.end());
    return sample[static_cast<size_t>(at)];
  };
  const double low = quantile(stretch.low_share), high = quantile(stretch.high_share);
  return {low, high > low ? high : low + 1};
}

}  // namespace

std::span<const std::string_view> colour_map_names() noexcept {
  return names;
}

result<colour_map> colour_map_named(std::string_view name) {
  for (const auto& known : maps) {
    if (known.name != name) continue;
    colour_map out;
    constexpr size_t steps = 9;
    for (size_t i = 0; i < out.size(); ++i) {
      const size_t scaled = i * steps, left = std::min(scaled / 255, steps - 1);
      const auto share = static_cast<double>(scaled - left * 255) / 255;
      for (size_t k = 0; k < 3; ++k) {
        const auto part = [&](size_t stop) {
          return static_cast<double>(known.stops[stop] >> (16 - 8 * k) & 0xff);
        };
        out[i][k] =
            static_cast<uint8_t>(std::lround(part(left) + share * (part(left + 1) - part(left))));
      }
      out[i][3] = opaque;
    }
    return out;
  }
  std::string all;
  for (const auto& known : maps)
    all += (all.empty() ? "" : &known == &maps.back() ? " or " : ", ") + std::string(known.name);
  return fail(ec::invalid_argument, "colours '" + std::string(name) + "'",
              "there is no such colour map", "use " + all);
}

result<void> check(const picture_stretch& s) {
  if (s.range && !(s.range->first < s.range->second))
    return fail(ec::invalid_argument, "the stretch of a picture",
                "its lower value is not below its upper");
  if (!(s.low_share >= 0) || !(s.high_share <= 1) || !(s.low_share < s.high_share))
    return fail(ec::invalid_argument, "the stretch of a picture",
                "its percentiles are not two ascending numbers from 0 to 100");
  return {};
}

result<picture_painter> picture_painter::make(pixel_type type, std::vector<band_description> bands,
                                              const picture_style& style,
                                              const sample_of_band& sample) {
  STIP_TRY(check(style.stretch));
  if (bands.size() != 1 && bands.size() != 3)
    return fail(ec::invalid_argument, "paint a picture",
                "it has " + std::to_string(bands.size()) + " bands, not one or three",
                "choose them with --bands");
  if (bands.size() == 3 && !style.colours.empty())
    return fail(ec::invalid_argument, "paint a picture", "a colour map is for one band",
                "choose one with --bands");
  picture_painter out;
  out.type_ = type;
  if (bands.size() == 1 && style.colours.empty() && !bands[0].colour_table.empty()) {
    for (const auto& text : bands[0].colour_table) out.colours_.push_back(parse_colour(text));
    out.table_ = true;
    return out;
  }
  if (bands.size() == 1) {
    out.gray_ = style.colours.empty() || style.colours == "gray";
    STIP_ASSIGN(const auto map, colour_map_named(style.colours.empty() ? "gray" : style.colours));
    out.colours_.assign(map.begin(), map.end());
  }
  for (size_t i = 0; i < bands.size(); ++i) {
    if (style.stretch.range) {
      out.ranges_.push_back(*style.stretch.range);
      continue;
    }
    STIP_ASSIGN(auto values, sample(i));
    out.ranges_.push_back(range_of(std::move(values), style.stretch));
  }
  return out;
}

void picture_painter::paint(std::span<const std::byte* const> planes,
                            std::span<const uint8_t* const> valid, std::span<rgba> out) const {
  std::fill(out.begin(), out.end(), rgba{0, 0, 0, 0});
  visit_pixel_type(type_, [&]<class T>(std::type_identity<T>) {
    constexpr double brightest = 255;
    const auto value_of = [&](size_t plane, size_t i) {
      T value;
      std::memcpy(&value, planes[plane] + i * sizeof(T), sizeof(T));
      return static_cast<double>(value);
    };
    const auto brightness = [&](size_t plane, double value) {
      const auto [low, high] = ranges_[plane];
      return static_cast<uint8_t>(
          std::lround((std::clamp(value, low, high) - low) / (high - low) * brightest));
    };
    for (size_t i = 0; i < out.size(); ++i) {
      if (planes.size() == 1) {
        const double value = value_of(0, i);
        if (valid[0][i] == 0 || std::isnan(value)) continue;
        if (!table_)
          out[i] = colours_[brightness(0, value)];
        else if (value >= 0 && value < static_cast<double>(colours_.size()))
          out[i] = colours_[static_cast<size_t>(value)];
        continue;
      }
      rgba made{0, 0, 0, opaque};
      for (size_t k = 0; k < 3; ++k) {
        const double value = value_of(k, i);
        // A pixel that lacks one of its colours has no colour at all.
        if (valid[k][i] == 0 || std::isnan(value)) {
          made = {0, 0, 0, 0};
          break;
        }
        made[k] = brightness(k, value);
      }
      out[i] = made;
    }
  });
}

result<picture> paint_chip(const chip_image& image, const std::vector<size_t>& bands,
                           const picture_style& style) {
  std::vector<band_description> described;
  std::vector<std::vector<uint8_t>> flags;
  for (const auto band : bands) {
    if (band >= image.bands())
      return fail(ec::invalid_argument, "paint a picture", "the image has fewer bands");
    described.push_back(image.description.bands[band]);
    flags.push_back(image.valid_in(band));
  }
  const auto type = image.description.type;
  const auto sample = [&](size_t plane) -> result<std::vector<double>> {
    const auto pixels = image.band(bands[plane]);
    const size_t step = std::max<size_t>(1, image.area() / defaults::picture_sample_pixels);
    std::vector<double> out;
    for (size_t i = 0; i < image.area(); i += step) {
      if (flags[plane][i] == 0) continue;
      const double value = number_at(type, pixels.data(), i);
      if (std::isfinite(value)) out.push_back(value);
    }
    return out;
  };
  STIP_ASSIGN(const auto painter, picture_painter::make(type, std::move(described), style, sample));
  picture out;
  out.width = image.width();
  out.height = image.height();
  out.gray = painter.gray();
  out.pixels.resize(image.area());
  std::vector<const std::byte*> planes;
  std::vector<const uint8_t*> valid;
  for (size_t i = 0; i < bands.size(); ++i) {
    planes.push_back(image.band(bands[i]).data());
    valid.push_back(flags[i].data());
  }
  painter.paint(planes, valid, out.pixels);
  return out;
}

picture shrink(const picture& of, int64_t max_edge) {
  const auto longest = std::max(of.width, of.height);
  if (longest <= max_edge || max_edge < 1) return of;
  picture out;
  out.gray = of.gray;
  const auto scaled = [&](int64_t edge) {
    return std::max<int64_t>(1, (edge * max_edge + longest / 2) / longest);
  };
  out.width = scaled(of.width);
  out.height = scaled(of.height);
  out.pixels.resize(static_cast<size_t>(out.width * out.height));
  for (int64_t y = 0; y < out.height; ++y)
    for (int64_t x = 0; x < out.width; ++x) {
      const auto x0 = x * of.width / out.width, x1 = (x + 1) * of.width / out.width;
      const auto y0 = y * of.height / out.height, y1 = (y + 1) * of.height / out.height;
      std::array<uint64_t, 4> sums{};
      uint64_t count = 0;
      for (auto r = y0; r < y1; ++r)
        for (auto c = x0; c < x1; ++c) {
          const auto& p = of.pixels[static_cast<size_t>(r * of.width + c)];
          for (size_t k = 0; k < 3; ++k) sums[k] += uint64_t{p[k]} * p[3];
          sums[3] += p[3];
          ++count;
        }
      auto& made = out.pixels[static_cast<size_t>(y * out.width + x)];
      for (size_t k = 0; k < 3; ++k)
        made[k] = static_cast<uint8_t>(sums[3] == 0 ? 0 : (sums[k] + sums[3] / 2) / sums[3]);
      made[3] = static_cast<uint8_t>((sums[3] + count / 2) / std::max<uint64_t>(1, count));
    }
  return out;
}

}  // namespace stip

#include "libstip/analysis/spectral.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace stip {

namespace {

namespace sp = spectral;

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

/// Fmask: with a smaller share of clear pixels there is nothing to compare clouds with.
constexpr double least_clear_share = 0.001;
/// Fmask's quantiles of the clear pixels, and what the land threshold lies above its.
constexpr double low_quantile = 0.175;
constexpr double high_quantile = 0.825;
constexpr float land_margin = 0.2f;

/// Pixels of a run when quantiles are taken from a part of an image: a few cache lines.
constexpr size_t run_pixels = 64;

/// Strips are filled up to a multiple of this, the widest vector of the kernel.
constexpr size_t padding = 16;

/// Numbers from one to the next whose temperature is computed; between them it is a straight line,
/// within a thousandth of a degree for radiances above 1 W/(m2 sr um).
constexpr size_t temperature_step = 16;

float temperature_of(double radiance, const thermal_constants& constants) {
  return radiance > 0 ? static_cast<float>(constants.k2 / std::log(constants.k1 / radiance + 1))
                      : missing;
}

template <class T>
void read_linear(const spectral_band& band, size_t first, size_t count, float* out) {
  const auto* bytes = band.pixels.data() + first * sizeof(T);
  const auto scale = static_cast<float>(band.calibration.scale);
  const auto offset = static_cast<float>(band.calibration.offset);
  // A number that the type does not have is never met.
  const auto nodata = static_cast<float>(band.nodata.value_or(missing));
  if constexpr (std::is_same_v<T, uint16_t>)
    return sp::calibrate_words(bytes, count, scale, offset, nodata, out);
  for (size_t i = 0; i < count; ++i) {
    T value{};
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    const auto number = static_cast<float>(value);
    out[i] = number == nodata ? missing : number * scale + offset;
  }
}

/// Reads a band; a thermal one through a table.
class band_reader {
 public:
  explicit band_reader(const spectral_band& band) : band_(band) {
    if (!band.calibration.thermal || band.type != pixel_type::uint16) return;
    table_.resize(size_t{std::numeric_limits<uint16_t>::max()} / temperature_step + 2);
    for (size_t i = 0; i < table_.size(); ++i)
      table_[i] = temperature_of(
          double(i * temperature_step) * band.calibration.scale + band.calibration.offset,
          *band.calibration.thermal);
  }

  void read(size_t first, size_t count, float* out) const {
    if (table_.empty()) return read_values(band_, first, count, out);
    const auto nodata = band_.nodata.value_or(-1);
    const auto* bytes = band_.pixels.data() + first * sizeof(uint16_t);
    for (size_t i = 0; i < count; ++i) {
      uint16_t value = 0;
      std::memcpy(&value, bytes + i * sizeof value, sizeof value);
      const auto at = value / temperature_step;
      const auto part = static_cast<float>(value % temperature_step) / temperature_step;
      const auto number = table_[at] + (table_[at + 1] - table_[at]) * part;
      out[i] = value == nodata ? missing : number;
    }
  }

 private:
  const spectral_band& band_;
  std::vector<float> table_;
};

/// An image, strip by strip.
class strip_reader {
 public:
  explicit strip_reader(const spectral_image& image) : image_(image) {
    for (size_t role = 0; role < band_roles; ++role)
      if (image.bands[role]) readers_[role].emplace(*image.bands[role]);
    for (auto& band : strip_->bands) band.fill(missing);
  }

  /// Puts pixels into the strip from `place` on.
  void read(size_t first, size_t count, size_t place) {
    for (size_t role = 0; role < band_roles; ++role)
      if (readers_[role]) readers_[role]->read(first, count, strip_->bands[role].data() + place);
    if (image_.valid.empty()) return;
    // One missing band is enough.
    auto* blue = strip_->of(band_role::blue) + place;
    for (size_t i = 0; i < count; ++i) blue[i] = image_.valid[first + i] != 0 ? blue[i] : missing;
  }

  /// The strip, whose pixels from `count` on are none.
  const sp::strip& filled(size_t count) {
    const auto end = std::min(sp::strip_pixels, (count + padding - 1) / padding * padding);
    for (auto& band : strip_->bands)
      std::fill(band.begin() + static_cast<long>(count), band.begin() + static_cast<long>(end),
                missing);
    return *strip_;
  }

 private:
  const spectral_image& image_;
  std::array<std::optional<band_reader>, band_roles> readers_;
  std::unique_ptr<sp::strip> strip_ = std::make_unique<sp::strip>();
};

/// Calls `take(strip, count)` for strips of the pixels that quantiles are taken from.
template <class Take>
void for_sample(strip_reader& reader, size_t pixels, Take&& take) {
  if (pixels <= max_quantile_pixels) {
    for (size_t first = 0; first < pixels; first += sp::strip_pixels) {
      const auto count = std::min(sp::strip_pixels, pixels - first);
      reader.read(first, count, 0);
      take(reader.filled(count), count);
    }
    return;
  }
  constexpr size_t runs = max_quantile_pixels / run_pixels;
  constexpr size_t runs_of_strip = sp::strip_pixels / run_pixels;
  for (size_t run = 0; run < runs; run += runs_of_strip) {
    for (size_t i = 0; i < runs_of_strip; ++i)
      reader.read((run + i) * (pixels / runs), run_pixels, i * run_pixels);
    take(reader.filled(sp::strip_pixels), sp::strip_pixels);
  }
}

/// The value of that rank; the vector is put in another order. Precondition: not empty.
float quantile(std::vector<float>& values, double share) {
  const auto rank = static_cast<long>(share * double(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<size_t>(rank)];
}

result<void> check(const spectral_image& image) {
  const auto what = "find clouds by reflectance";
  const auto pixels = image.size.pixels();
  for (size_t role = 0; role < band_roles; ++role) {
    const auto name = std::string(to_string(static_cast<band_role>(role)));
    const auto& band = image.bands[role];
    if (!band) {
      const auto r = static_cast<band_role>(role);
      if (r == band_role::cirrus || r == band_role::thermal) continue;
      return fail(ec::invalid_argument, what, "there is no " + name + " band");
    }
    if (!is_known(band->type) || band->pixels.size() % size_of(band->type) != 0 ||
        band->pixels.size() / size_of(band->type) != pixels)
      return fail(ec::invalid_argument, what, "the " + name + " band has another number of pixels");
  }
  if (!image.valid.empty() && image.valid.size() != pixels)
    return fail(ec::invalid_argument, what, "its mask has another number of pixels");
  return {};
}

/// What the first pass over the sample tells.
struct sample {
  size_t valid = 0, clear = 0, clear_land = 0;
  std::vector<float> land, water, all;

  void add(const sp::first_pass& pass, const float* temperature, size_t count) {
    namespace flag = sp::flag;
    for (size_t i = 0; i < count; ++i) {
      const auto flags = pass.flags[i];
      valid += (flags & flag::valid) != 0 ? 1 : 0;
      if ((flags & (flag::valid | flag::potential_cloud)) != flag::valid) continue;
      ++clear;
      const bool is_land = (flags & flag::water) == 0, known = !std::isnan(temperature[i]);
      clear_land += is_land ? 1 : 0;
      if (!known) continue;
      all.push_back(temperature[i]);
      if (is_land) land.push_back(temperature[i]);
      if ((flags & flag::clear_water) != 0) water.push_back(temperature[i]);
    }
  }
};

}  // namespace

void read_values(const spectral_band& band, size_t first, size_t count, float* out) {
  visit_pixel_type(
      band.type, [&]<class T>(std::type_identity<T>) { read_linear<T>(band, first, count, out); });
  if (!band.calibration.thermal) return;
  for (size_t i = 0; i < count; ++i) out[i] = temperature_of(out[i], *band.calibration.thermal);
}

result<spectral::clear_sky> measure_clear_sky(const spectral_image& image) {
  STIP_TRY(check(image));
  strip_reader reader(image);
  const auto pass = std::make_unique<sp::first_pass>();
  sample seen;
  for_sample(reader, image.size.pixels(), [&](const sp::strip& strip, size_t count) {
    sp::test_strip(strip, count, *pass);
    seen.add(*pass, strip.of(band_role::thermal), count);
  });
  sp::clear_sky sky;
  const auto enough = [&](size_t count) {
    return count != 0 && double(count) >= least_clear_share * double(seen.valid);
  };
  if (!enough(seen.clear)) return sky;
  const bool by_land = enough(seen.clear_land);
  auto& land = by_land && !seen.land.empty() ? seen.land : seen.all;
  sky.thermal = !land.empty();
  // Without either band a second pass has nothing to go by but the variability of the first.
  sky.second_pass = sky.thermal || image.of(band_role::cirrus).has_value();
  if (!sky.second_pass) return sky;
  if (sky.thermal) {
    sky.land_cold = quantile(land, low_quantile);
    sky.land_warm = quantile(land, high_quantile);
    sky.water_warm = quantile(seen.water.empty() ? seen.all : seen.water, high_quantile);
  }
  std::vector<float> probabilities;
  probabilities.reserve(by_land ? seen.clear_land : seen.clear);
  std::vector<float> values(sp::strip_pixels);
  for_sample(reader, image.size.pixels(), [&](const sp::strip& strip, size_t count) {
    namespace flag = sp::flag;
    sp::test_strip(strip, count, *pass);
    sp::land_probability(strip, *pass, count, sky, values.data());
    const uint8_t out = flag::potential_cloud | (by_land ? flag::water : 0);
    for (size_t i = 0; i < count; ++i)
      if ((pass->flags[i] & (flag::valid | out)) == flag::valid) probabilities.push_back(values[i]);
  });
  if (!probabilities.empty())
    sky.land_threshold = quantile(probabilities, high_quantile) + land_margin;
  return sky;
}

result<void> spectral_mask(const spectral_image& image, const spectral::clear_sky& sky,
                           std::span<uint8_t> mask) {
  STIP_TRY(check(image));
  const auto pixels = image.size.pixels();
  if (mask.size() != pixels)
    return fail(ec::invalid_argument, "find clouds by reflectance",
                "the mask has another number of pixels");
  strip_reader reader(image);
  std::array<uint8_t, sp::strip_pixels> classes;
  for (size_t first = 0; first < pixels; first += sp::strip_pixels) {
    const auto count = std::min(sp::strip_pixels, pixels - first);
    reader.read(first, count, 0);
    sp::classify_strip(reader.filled(count), count, sky, classes.data());
    std::memcpy(mask.data() + first, classes.data(), count);
  }
  return {};
}

result<void> spectral_mask(const spectral_image& image, std::span<uint8_t> mask) {
  STIP_ASSIGN(const auto sky, measure_clear_sky(image));
  return spectral_mask(image, sky, mask);
}

}  // namespace stip

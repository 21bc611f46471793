#include "libstip/analysis/spectral_kernel.hpp"

#include <cstring>
#include <limits>

#include "libstip/raster/simd_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "libstip/analysis/spectral_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "libstip/analysis/mask_classes.hpp"

HWY_BEFORE_NAMESPACE();
namespace stip::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace sp = stip::spectral;

using lanes = hn::CappedTag<float, 16>;
using vec = hn::Vec<lanes>;
using yes = hn::Mask<lanes>;

/// Pixels in a vector, and what is known of them after the first pass.
struct tested {
  yes valid, potential, water, cirrus_only, snow, clear_water;
  vec variability, brightness, temperature, cirrus;
};

HWY_INLINE yes both(yes a, yes b) {
  return hn::And(a, b);
}

/// The first pass of Zhu and Woodcock 2012, with the cirrus test of Zhu, Wang and Woodcock 2015.
/// The numbers are theirs (docs/cloud.md). Comparisons with NaN are false.
HWY_INLINE tested test(const sp::strip& from, size_t at) {
  const lanes d;
  const auto load = [&](band_role role) { return hn::Load(d, from.of(role) + at); };
  const auto c = [&](float value) { return hn::Set(d, value); };
  const auto blue = load(band_role::blue), green = load(band_role::green);
  const auto red = load(band_role::red), nir = load(band_role::nir);
  const auto swir1 = load(band_role::swir1), swir2 = load(band_role::swir2);
  const auto temperature = load(band_role::thermal), cirrus = load(band_role::cirrus);
  const auto known = [](vec v) { return hn::Eq(v, v); };
  tested out;
  // A sum is NaN when one of its parts is.
  const auto all = hn::Add(hn::Add(hn::Add(blue, green), hn::Add(red, nir)), hn::Add(swir1, swir2));
  out.valid = known(all);
  const auto zero = hn::Zero(d);
  const auto quotient = [&](vec a, vec b) {
    // 0 / 0 of dark pixels is no index: 0.
    return hn::IfThenElse(hn::Ne(b, zero), hn::Div(a, b), zero);
  };
  const auto ndsi = quotient(hn::Sub(green, swir1), hn::Add(green, swir1));
  const auto ndvi = quotient(hn::Sub(nir, red), hn::Add(nir, red));
  const auto mean = hn::Mul(hn::Add(hn::Add(blue, green), red), c(1.0f / 3));
  const auto spread =
      hn::Add(hn::Add(hn::AbsDiff(blue, mean), hn::AbsDiff(green, mean)), hn::AbsDiff(red, mean));
  // Where surface reflectance is below 0 the quotient says nothing: as far from white as can be.
  const auto whiteness = hn::IfThenElse(hn::Gt(mean, zero), hn::Div(spread, mean), c(1.0f));
  const auto not_warm = [&](float bound) {
    return hn::Or(hn::Lt(temperature, c(bound)), hn::Not(known(temperature)));
  };
  const auto basic = both(both(hn::Gt(swir2, c(0.03f)), not_warm(300.15f)),
                          both(hn::Lt(ndsi, c(0.8f)), hn::Lt(ndvi, c(0.8f))));
  const auto white = hn::Lt(whiteness, c(0.7f));
  const auto hazy = hn::Gt(hn::Sub(hn::Sub(blue, hn::Mul(red, c(0.5f))), c(0.08f)), zero);
  const auto not_rock = hn::Gt(nir, hn::Mul(swir1, c(0.75f)));
  const auto spectral = both(both(basic, white), both(hazy, not_rock));
  const auto high = hn::Gt(cirrus, c(0.01f));
  out.potential = both(out.valid, hn::Or(spectral, high));
  out.cirrus_only = both(out.potential, hn::Not(spectral));
  out.water =
      both(out.valid,
           hn::Or(both(hn::Lt(ndvi, c(0.01f)), hn::Lt(nir, c(0.11f))),
                  both(both(hn::Lt(ndvi, c(0.1f)), hn::Gt(ndvi, zero)), hn::Lt(nir, c(0.05f)))));
  out.snow = both(both(hn::Gt(ndsi, c(0.15f)), not_warm(276.95f)),
                  both(hn::Gt(nir, c(0.11f)), hn::Gt(green, c(0.1f))));
  out.clear_water = both(out.water, hn::Lt(swir2, c(0.03f)));
  const auto largest = hn::Max(hn::Max(hn::Abs(ndvi), hn::Abs(ndsi)), whiteness);
  out.variability = hn::Max(hn::Sub(c(1.0f), largest), zero);
  out.brightness = hn::Mul(hn::Max(hn::Min(swir1, c(0.11f)), zero), c(1.0f / 0.11f));
  out.temperature = temperature;
  out.cirrus = hn::IfThenElse(known(cirrus), hn::Max(hn::Mul(cirrus, c(1 / 0.04f)), zero), zero);
  return out;
}

/// lCloud_prob, with the cirrus probability of 2015. A pixel whose temperature is missing is judged
/// by the rest.
HWY_INLINE vec land(const sp::clear_sky& sky, vec variability, vec temperature, vec cirrus) {
  const lanes d;
  if (!sky.thermal) return hn::Add(variability, cirrus);
  const auto top = sky.land_warm + 4, range = top - (sky.land_cold - 4);
  const auto by_temperature = hn::IfThenElse(
      hn::Eq(temperature, temperature),
      hn::Max(hn::Div(hn::Sub(hn::Set(d, top), temperature), hn::Set(d, range)), hn::Zero(d)),
      hn::Set(d, 1.0f));
  return hn::Add(hn::Mul(by_temperature, variability), cirrus);
}

/// wCloud_prob, the same.
HWY_INLINE vec over_water(const sp::clear_sky& sky, vec brightness, vec temperature, vec cirrus) {
  const lanes d;
  if (!sky.thermal) return hn::Add(brightness, cirrus);
  const auto by_temperature =
      hn::IfThenElse(hn::Eq(temperature, temperature),
                     hn::Mul(hn::Max(hn::Sub(hn::Set(d, sky.water_warm), temperature), hn::Zero(d)),
                             hn::Set(d, 0.25f)),
                     hn::Set(d, 1.0f));
  return hn::Add(hn::Mul(by_temperature, brightness), cirrus);
}

/// The number in the lanes that are meant, the other one elsewhere.
HWY_INLINE vec choose(yes where, float value, vec otherwise) {
  return hn::IfThenElse(where, hn::Set(lanes(), value), otherwise);
}

/// Small whole numbers, a byte each.
HWY_INLINE void store_bytes(vec values, uint8_t* out) {
  const hn::Rebind<int32_t, lanes> words;
  const hn::Rebind<uint8_t, lanes> bytes;
  hn::StoreU(hn::DemoteTo(bytes, hn::ConvertTo(words, values)), bytes, out);
}

void calibrate_words(const std::byte* from, size_t count, float scale, float offset, float nodata,
                     float* out) {
  const lanes d;
  const hn::Rebind<uint16_t, lanes> words;
  const hn::Rebind<int32_t, lanes> numbers;
  const auto* at = reinterpret_cast<const uint16_t*>(from);
  const auto by = hn::Set(d, scale), plus = hn::Set(d, offset), hole = hn::Set(d, nodata);
  const auto none = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto number = hn::ConvertTo(d, hn::PromoteTo(numbers, hn::LoadU(words, at + i)));
    const auto value = hn::Add(hn::Mul(number, by), plus);
    hn::StoreU(hn::IfThenElse(hn::Eq(number, hole), none, value), d, out + i);
  }
  for (; i < count; ++i) {
    uint16_t word = 0;
    std::memcpy(&word, from + 2 * i, sizeof word);
    const auto number = static_cast<float>(word);
    out[i] = number == nodata ? std::numeric_limits<float>::quiet_NaN() : number * scale + offset;
  }
}

void test_strip(const sp::strip& from, size_t count, sp::first_pass& out) {
  const lanes d;
  namespace flag = sp::flag;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto t = test(from, i);
    const auto bit = [&](yes where, uint8_t value) {
      return choose(where, float(value), hn::Zero(d));
    };
    const auto flags =
        hn::Add(hn::Add(hn::Add(bit(t.valid, flag::valid), bit(t.potential, flag::potential_cloud)),
                        hn::Add(bit(t.water, flag::water), bit(t.cirrus_only, flag::cirrus_only))),
                hn::Add(bit(t.snow, flag::snow), bit(t.clear_water, flag::clear_water)));
    store_bytes(flags, out.flags.data() + i);
    hn::Store(t.variability, d, out.variability.data() + i);
    hn::Store(t.brightness, d, out.brightness.data() + i);
  }
}

void land_probability(const sp::strip& from, const sp::first_pass& pixels, size_t count,
                      const sp::clear_sky& sky, float* out) {
  const lanes d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto t = test(from, i);
    const auto value =
        land(sky, hn::Load(d, pixels.variability.data() + i), t.temperature, t.cirrus);
    hn::StoreU(value, d, out + i);
  }
}

void classify_strip(const sp::strip& from, size_t count, const sp::clear_sky& sky, uint8_t* mask) {
  const lanes d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto t = test(from, i);
    auto cloud = t.potential;
    if (sky.second_pass) {
      const auto by_land = land(sky, t.variability, t.temperature, t.cirrus);
      const auto by_water = over_water(sky, t.brightness, t.temperature, t.cirrus);
      const auto dry = hn::Not(t.water);
      // The potential cloud layer; what is nearly certain, or much too cold, counts whether or not
      // the first pass thought of cloud.
      const auto likely = hn::Or(both(t.water, hn::Gt(by_water, hn::Set(d, 0.5f))),
                                 both(dry, hn::Gt(by_land, hn::Set(d, sky.land_threshold))));
      cloud = hn::Or(both(t.potential, likely), both(dry, hn::Gt(by_land, hn::Set(d, 0.99f))));
      if (sky.thermal) cloud = hn::Or(cloud, hn::Lt(t.temperature, hn::Set(d, sky.land_cold - 35)));
      cloud = both(cloud, t.valid);
    }
    const auto number = [](mask_class c) { return float(static_cast<uint8_t>(c)); };
    auto out = hn::Set(d, number(mask_class::clear));
    out = choose(t.water, number(mask_class::water), out);
    out = choose(t.snow, number(mask_class::snow), out);
    out = choose(cloud, number(mask_class::cloud), out);
    out = choose(both(cloud, t.cirrus_only), number(mask_class::cirrus), out);
    out = hn::IfThenElse(t.valid, out, hn::Zero(d));
    store_bytes(out, mask + i);
  }
}

}  // namespace stip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace stip {

HWY_EXPORT(calibrate_words);
HWY_EXPORT(test_strip);
HWY_EXPORT(land_probability);
HWY_EXPORT(classify_strip);

}  // namespace stip

namespace stip::spectral {

void calibrate_words(const std::byte* from, size_t count, float scale, float offset, float nodata,
                     float* out) {
  HWY_DYNAMIC_DISPATCH(stip::calibrate_words)(from, count, scale, offset, nodata, out);
}

void test_strip(const strip& from, size_t count, first_pass& out) {
  HWY_DYNAMIC_DISPATCH(stip::test_strip)(from, count, out);
}

void land_probability(const strip& from, const first_pass& pixels, size_t count,
                      const clear_sky& sky, float* out) {
  HWY_DYNAMIC_DISPATCH(stip::land_probability)(from, pixels, count, sky, out);
}

void classify_strip(const strip& from, size_t count, const clear_sky& sky, uint8_t* mask) {
  HWY_DYNAMIC_DISPATCH(stip::classify_strip)(from, count, sky, mask);
}

}  // namespace stip::spectral

#endif

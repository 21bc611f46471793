#include "tests/support/scenes/paint.hpp"

#include <array>

namespace stip::scenes {

namespace {

constexpr size_t waves = 14;

/// Reflectances of covers, in the order of `wave`: rounded from published spectra of such covers.
constexpr std::array<std::array<float, waves>, covers> spectra = {{
    // 443   490    560    665    705    740    783    842    865    945    1375  1610   2200   1240
    {.060f, .055f, .050f, .030f, .025f, .020f, .018f, .015f, .014f, .010f, .002f, .008f, .005f,
     .010f},
    {.025f, .028f, .050f, .030f, .075f, .200f, .255f, .270f, .285f, .240f, .003f, .130f, .055f,
     .250f},
    {.035f, .045f, .080f, .060f, .120f, .270f, .330f, .350f, .365f, .310f, .003f, .210f, .110f,
     .330f},
    {.040f, .050f, .085f, .080f, .135f, .230f, .270f, .290f, .305f, .260f, .003f, .240f, .150f,
     .300f},
    {.080f, .100f, .140f, .190f, .210f, .230f, .245f, .260f, .275f, .270f, .003f, .340f, .290f,
     .320f},
    {.110f, .120f, .135f, .150f, .160f, .170f, .180f, .190f, .195f, .190f, .003f, .210f, .190f,
     .205f},
    {.880f, .900f, .890f, .870f, .860f, .840f, .820f, .800f, .780f, .600f, .010f, .100f, .080f,
     .450f},
}};
/// Of opaque clouds and of cirrus at its thickest.
constexpr std::array<float, waves> clouds = {.62f, .62f, .61f, .62f,  .63f, .65f, .66f,
                                             .67f, .67f, .50f, .030f, .50f, .40f, .58f};
constexpr std::array<float, waves> veils = {.10f, .10f, .10f, .10f,  .10f, .10f, .10f,
                                            .10f, .10f, .08f, .040f, .07f, .05f, .09f};
/// What more vigour adds to the reflectance: plants darken the visible and brighten the infrared.
constexpr std::array<float, waves> growth = {-.20f, -.22f, -.15f, -.30f, -.10f, .15f,  .22f,
                                             .25f,  .25f,  .20f,  0.0f,  -.15f, -.25f, .10f};

/// How much slopes change the light, how much of it a shadow takes, and how lumpy clouds are.
constexpr float relief = 0.9f;
constexpr float shade = 0.55f;
constexpr float lumps = 0.5f;

/// What a band sees of one pixel; `n` is roughly normal noise.
inline float seen(float base, float grown, float slope, float shadow, float cirrus, float cloud,
                  size_t at, float noise, float path, float n) {
  float r = base * grown * (1 + relief * slope) + path;
  r *= 1 - shade * shadow;
  r += cirrus * veils[at];
  r += cloud * (clouds[at] * (1 + lumps * slope) - r);
  // Brighter ground varies more, and no sensor is without noise in the dark.
  return r + noise * (0.7f + 1.2f * r) * n;
}

template <class T>
void fill(const landscape& land, int64_t step, const reflective_band& band, const window& w,
          T* out) {
  survey s;
  land.look(w, step, s);
  const auto at = static_cast<size_t>(band.at);
  std::array<float, covers> base;
  for (size_t c = 0; c < covers; ++c) base[c] = spectra[c][at];
  const auto noise = static_cast<float>(band.noise);
  const auto path = static_cast<float>(band.path);
  const auto gain = static_cast<float>(band.gain);
  const auto offset = static_cast<float>(band.offset + 0.5);
  const auto low = static_cast<float>(band.low);
  const auto high = static_cast<float>(band.high);
  const auto least = static_cast<int32_t>(band.low);
  const auto nodata = static_cast<T>(band.nodata);
  for (int64_t row = 0; row < w.height; ++row) {
    const auto from = static_cast<size_t>(row * w.width);
    const auto row_bits =
        static_cast<uint32_t>(mix(land.options().seed * 1024 + band.number, w.y + row, step));
    for (int64_t k = 0; k < w.width; ++k) {
      const auto i = from + static_cast<size_t>(k);
      const float n = normal(pixel_bits(row_bits, static_cast<uint32_t>(w.x + k)));
      const float r = seen(base[s.ground[i]], 1 + growth[at] * s.vigour[i], s.slope[i], s.shadow[i],
                           s.cirrus[i], s.cloud[i], at, noise, path, n);
      float number = r * gain + offset;
      number = number < low ? low : number;
      number = number > high ? high : number;
      // Without a negative operand, truncating is rounding down.
      const auto rounded = static_cast<int32_t>(number - low) + least;
      out[i] = s.inside[i] != 0 ? static_cast<T>(rounded) : nodata;
    }
  }
}

}  // namespace

paint paint_reflectance(std::shared_ptr<const landscape> land, int64_t step, pixel_type type,
                        const reflective_band& band) {
  return [land = std::move(land), step, type, band](const window& w, std::span<std::byte> out) {
    visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
      fill(*land, step, band, w, reinterpret_cast<T*>(out.data()));
    });
  };
}

double reflectance(const place& p, wave band, double noise) {
  const auto at = static_cast<size_t>(band);
  return static_cast<double>(seen(spectra[static_cast<size_t>(p.ground)][at],
                                  1 + growth[at] * p.vigour, p.slope, p.shadow, p.cirrus, p.cloud,
                                  at, static_cast<float>(noise), 0, p.noise));
}

double temperature(const place& p) {
  static constexpr std::array<double, covers> ground = {288, 294, 299, 300, 308, 306, 268};
  const double air = 262 - 14 * static_cast<double>(p.slope);
  double kelvin = ground[static_cast<size_t>(p.ground)] - 9 * static_cast<double>(p.height) +
                  6 * static_cast<double>(p.slope) - 2 * static_cast<double>(p.vigour) -
                  5 * static_cast<double>(p.shadow) - 6 * static_cast<double>(p.cirrus);
  kelvin += static_cast<double>(p.cloud) * (air - kelvin);
  return kelvin + 0.35 * static_cast<double>(p.noise);
}

}  // namespace stip::scenes

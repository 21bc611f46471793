#include "libstip/analysis/band_math.hpp"

#include <array>
#include <limits>
#include <vector>

#include "tests/fuzz/fuzz_target.hpp"

/// An expression that is read must also be safe to evaluate, and say the same of a pixel wherever
/// it stands.
FUZZ_TARGET(band_math) {
  const auto made = stip::band_math::parse(input);
  if (!made) return;
  constexpr auto none = std::numeric_limits<float>::quiet_NaN();
  constexpr std::array values = {0.0f, 0.5f, -1.0f, 7.0f, 1e30f, none};
  constexpr size_t pixels = 1100;
  std::vector<std::vector<float>> planes(made->bands().size());
  std::vector<stip::spectral_band> bands;
  for (size_t b = 0; b < planes.size(); ++b) {
    for (size_t i = 0; i < pixels; ++i) planes[b].push_back(values[(i + b) % values.size()]);
    bands.push_back(
        {stip::pixel_type::float32, std::as_bytes(std::span(planes[b])), {}, std::nullopt});
  }
  std::vector<float> out(pixels);
  if (!made->evaluate(bands, out)) __builtin_trap();
  for (size_t i = values.size(); i < pixels; ++i) {
    const auto a = out[i], b = out[i - values.size()];
    if (a != b && !(a != a && b != b)) __builtin_trap();
  }
}

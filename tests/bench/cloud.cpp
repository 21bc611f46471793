#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <vector>

#include "libstip/analysis/probability_mask.hpp"
#include "libstip/analysis/quality_bits.hpp"
#include "libstip/analysis/spectral.hpp"
#include "libstip/analysis/tree_model.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/python_rival.hpp"
#include "tests/support/libstip/lightgbm.hpp"

// Cloud masks on one core: the spectral test in bytes of input, the quality band beside it, and
// tree models against LightGBM's own Python on the same pixels.

using namespace stip;
using namespace stip::bench;

namespace {

/// Pixels on a side of the scene: its bands do not fit any cache.
constexpr size_t edge = 4096;
constexpr double spectral_goal_gigabytes = 2;
constexpr double model_goal = 10;

/// A landscape in steps of a few pixels with clouds of many sizes, as a Landsat 8 product of level
/// 1 holds it.
struct made_scene {
  std::array<std::vector<uint16_t>, band_roles> bands;
  spectral_image image;

  made_scene() {
    std::mt19937_64 random(20260507);
    const size_t pixels = edge * edge;
    // Reflectances in 1/10000 by role; the last is B10's number.
    const std::array<std::array<int, band_roles>, 4> kinds = {
        {{500, 700, 600, 3000, 2000, 1000, 20, 26000},
         {900, 1100, 1500, 2200, 2800, 2400, 20, 27500},
         {700, 500, 400, 200, 100, 80, 15, 25000},
         {5000, 4900, 4900, 5000, 4000, 3000, 150, 20000}}};
    std::vector<uint8_t> kind(pixels);
    constexpr size_t patch = 32;
    for (size_t y = 0; y < edge; y += patch)
      for (size_t x = 0; x < edge; x += patch) {
        const auto k = uint8_t(random() % kinds.size());
        for (size_t i = 0; i < patch; ++i)
          std::fill_n(kind.begin() + long((y + i) * edge + x), patch, k);
      }
    for (size_t role = 0; role < band_roles; ++role) {
      auto& band = bands[role];
      band.resize(pixels);
      const bool thermal = role == size_t(band_role::thermal);
      for (size_t i = 0; i < pixels; i += 4) {
        const auto bits = random();
        for (size_t j = 0; j < 4; ++j) {
          const int noise = int((bits >> (16 * j)) & 255) - 128;
          const int base = kinds[kind[i + j]][role];
          band[i + j] = uint16_t(thermal ? base + 4 * noise : 5000 + (base + noise / 2) * 4);
        }
      }
      spectral_calibration c{2.5e-5, -0.125, std::nullopt};
      if (thermal) c = {3.342e-4, 0.1, thermal_constants{774.8853, 1321.0789}};
      image.bands[role] = spectral_band{pixel_type::uint16, std::as_bytes(std::span(band)), c, 0.0};
    }
    image.size = {edge, edge};
  }

  double megabytes() const {
    double sum = 0;
    for (const auto& band : image.bands)
      if (band) sum += double(band->pixels.size()) * 1e-6;
    return sum;
  }
};

void spectral_part(const options& options) {
  made_scene scene;
  std::vector<uint8_t> mask(edge * edge);
  comparison c{"cloud masks of 16.8 megapixels on one core", "MB of input", options};
  c.add("spectral, 8 bands", [&] {
    value_or_give_up(spectral_mask(scene.image, mask).map([] { return 0; }));
    return work{scene.megabytes()};
  });
  auto bare = scene.image;
  bare.bands[size_t(band_role::thermal)].reset();
  c.add("spectral, without thermal", [&] {
    value_or_give_up(spectral_mask(bare, mask).map([] { return 0; }));
    return work{scene.megabytes() * 7 / 8};
  });
  std::vector<uint8_t> read(scene.image.bands[0]->pixels.size());
  c.add("only copying the bands", [&] {
    for (const auto& band : scene.image.bands)
      std::memcpy(read.data(), band->pixels.data(), band->pixels.size());
    return work{scene.megabytes()};
  });
  const auto quality = std::as_bytes(std::span(scene.bands[0]));
  c.add("qa, one band", [&] {
    value_or_give_up(
        classify_quality(quality_layout::qa_pixel, pixel_type::uint16, quality, mask).map([] {
          return 0;
        }));
    return work{double(quality.size()) * 1e-6};
  });
  c.run();
  for (const auto* name : {"spectral, 8 bands", "spectral, without thermal", "qa, one band"}) {
    std::vector<double> rates;
    for (const auto& m : c.of(name)) rates.push_back(m.amount / m.cpu_s * 1e-3);
    report(name, median(rates), "GB/s of input per CPU second", goal::at_least,
           spectral_goal_gigabytes);
  }
  c.ratio("spectral, 8 bands", "only copying the bands");
}

/// Times LightGBM on one thread; says the seconds of each round, and then the sums of the first.
constexpr const char* rival_script = R"python(
import sys, time
import lightgbm, numpy

model = lightgbm.Booster(model_file=sys.argv[1])
features = model.num_feature()
pixels = numpy.fromfile(sys.argv[2], numpy.float32).reshape(features, -1).T.copy()
model.predict(pixels[:1000], num_threads=1)
print("ready", flush=True)
for line in sys.stdin:
    begun = time.perf_counter(), time.process_time()
    out = model.predict(pixels, num_threads=1)
    print(time.perf_counter() - begun[0], time.process_time() - begun[1], flush=True)
out.astype(numpy.float64).tofile(sys.argv[3])
)python";

/// Trains a model of s2cloudless's shape where that is not there.
constexpr const char* model_script = R"python(
import sys
import lightgbm, numpy

random = numpy.random.default_rng(20260508)
x = random.gamma(2, 0.12, (200000, 10)).astype(numpy.float32)
y = (x[:, 0] + 0.5 * numpy.sin(9 * x[:, 3]) + x[:, 7] * x[:, 9] + random.normal(0, 0.15, len(x)) > 0.5).astype(int)
lightgbm.train(dict(objective="binary", num_leaves=770, verbose=-1), lightgbm.Dataset(x, y), 170).save_model(sys.argv[1])
)python";

/// Ten bands of pixels whose neighbours are alike, as in a scene.
std::vector<std::vector<float>> made_pixels(size_t features, size_t count) {
  std::mt19937_64 random(20260509);
  std::uniform_real_distribution<float> unit(0, 1);
  std::vector<std::vector<float>> out(features, std::vector<float>(count));
  std::vector<float> base(features);
  constexpr size_t patch = 40;
  for (size_t i = 0; i < count; ++i) {
    if (i % patch == 0) {
      const float bright = unit(random) * unit(random);
      for (auto& value : base) value = bright * (0.6f + 0.8f * unit(random));
    }
    for (size_t f = 0; f < features; ++f) out[f][i] = base[f] * (0.95f + 0.1f * unit(random));
  }
  return out;
}

void model_part(const options& options) {
  const auto python = test::python_with_lightgbm();
  if (!python) {
    std::printf("\nleft out: tree models, since python3 (or STIP_PYTHON) has no lightgbm\n");
    return;
  }
  const test::scratch_directory scratch;
  auto path = test::s2cloudless_model(*python);
  if (!path) {
    std::printf("\nthere is no s2cloudless: a model of its shape is trained\n");
    path = scratch / "model.txt";
    if (!test::run_python(*python, model_script, *path)) give_up("LightGBM does not train");
  }
  const auto model = value_or_give_up(tree_model::parse(test::read_text(*path), *path));
  constexpr size_t pixels = 100'000;
  const auto planes = made_pixels(model.features().size(), pixels);
  std::ofstream file(scratch / "pixels", std::ios::binary);
  for (const auto& plane : planes)
    file.write(reinterpret_cast<const char*>(plane.data()),
               std::streamsize(pixels * sizeof(float)));
  file.close();
  std::vector<float> ours(pixels);
  python_rival other(*python, rival_script,
                     "'" + *path + "' '" + scratch / "pixels" + "' '" + scratch / "sums" + "'",
                     scratch.path());
  std::printf("\n%zu trees, %zu features, %zu pixels\n", model.trees(), planes.size(), pixels);
  double child_cpu = 0;
  comparison c{"a tree model on one core", "pixels", options};
  c.add("stip", [&] {
    value_or_give_up(model.predict(test::spans_of(planes), ours).map([] { return 0; }));
    return work{double(pixels)};
  });
  c.add("LightGBM's Python", [&] {
    child_cpu = other.run().second;
    return work{double(pixels), child_cpu};
  });
  c.run();
  c.ratio("stip", "LightGBM's Python", goal::at_least, model_goal);
  std::vector<double> ratios;
  for (size_t i = 0; i < c.of("stip").size(); ++i)
    ratios.push_back(c.of("LightGBM's Python")[i].cpu_s / c.of("stip")[i].cpu_s);
  report("the same by CPU seconds", median(ratios), "times", goal::at_least, model_goal);
  other.finish();
  const auto expected = test::read_numbers<double>(scratch / "sums");
  double worst = expected.size() == pixels ? 0 : 1;
  for (size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, std::abs(double(ours[i]) - expected[i]));
  report("largest difference of a probability", worst, "", goal::at_most, 1e-6);
}

}  // namespace

STIP_BENCH(cloud, "cloud masks: the spectral test, quality bands, tree models against LightGBM") {
  use_processors(1);
  spectral_part(options);
  use_processors(0);
  model_part(options);
}

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "libstip/analysis/indices.hpp"
#include "libstip/analysis/statistics.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/python_rival.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

// Band indices on one core: bytes of input to floats, against the usual lines of NumPy on the same
// pixels, and what statistics of the result cost.

using namespace stip;
using namespace stip::bench;

namespace {

/// Pixels on a side: the bands do not fit any cache.
constexpr size_t edge = 4096;
constexpr size_t pixels = edge * edge;
constexpr double goal_gigabytes = 3;
constexpr double goal_times = 5;

/// As a Landsat 8 product of level 2 holds its bands: reflectance = DN * 2.75e-5 - 0.2, 0 is no
/// data.
constexpr double scale = 2.75e-5;
constexpr double offset = -0.2;

std::vector<uint16_t> made_band(uint64_t seed, int base) {
  std::mt19937_64 random(seed);
  std::vector<uint16_t> out(pixels);
  for (size_t i = 0; i < pixels; i += 4) {
    const auto bits = random();
    for (size_t k = 0; k < 4; ++k) {
      const auto part = (bits >> (16 * k)) & 0xffff;
      // One in sixty four is a hole.
      out[i + k] = part < 1024 ? 0 : uint16_t(base + int(part % 4096));
    }
  }
  return out;
}

spectral_band band_of(const std::vector<uint16_t>& pixels_of) {
  return {
      pixel_type::uint16, std::as_bytes(std::span(pixels_of)), {scale, offset, std::nullopt}, 0.0};
}

/// The usual lines: the whole array at once.
constexpr const char* script = R"python(
import sys, time
import numpy as np

red = np.fromfile(sys.argv[1], np.uint16)
nir = np.fromfile(sys.argv[2], np.uint16)
scale, offset = np.float32(2.75e-5), np.float32(-0.2)

def ndvi():
    r = red.astype(np.float32) * scale + offset
    n = nir.astype(np.float32) * scale + offset
    hole = (red == 0) | (nir == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = (n - r) / (n + r)
    out[hole] = np.nan
    return out

ndvi()
print("ready", flush=True)
for line in sys.stdin:
    begun = time.perf_counter(), time.process_time()
    out = ndvi()
    print(time.perf_counter() - begun[0], time.process_time() - begun[1], flush=True)
out.tofile(sys.argv[3])
)python";

/// STIP_PYTHON, else the first of the usual ones that has NumPy; Debian's package serves its own
/// Python alone.
std::optional<std::string> python_with_numpy() {
  std::vector<std::string> tried = {"python3", "/usr/bin/python3"};
  if (const auto* chosen = std::getenv("STIP_PYTHON")) tried = {chosen};
  for (const auto& python : tried)
    if (std::system(("'" + python + "' -c 'import numpy' >/dev/null 2>&1").c_str()) == 0)
      return python;
  return std::nullopt;
}

void write_words(const std::string& path, const std::vector<uint16_t>& words) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(words.data()),
            std::streamsize(words.size() * sizeof(uint16_t)));
}

/// The largest difference from NumPy's values, and how many holes are not the same.
void compare(const std::string& path, const std::vector<float>& ours) {
  std::vector<float> theirs(pixels);
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(theirs.data()), std::streamsize(pixels * sizeof(float)));
  double worst = in ? 0 : 1, holes = 0;
  for (size_t i = 0; i < pixels; ++i) {
    if (std::isnan(ours[i]) != std::isnan(theirs[i])) ++holes;
    if (!std::isnan(ours[i]))
      worst = std::max(worst, std::abs(double(ours[i]) - double(theirs[i])));
  }
  report("largest difference from NumPy", worst, "", goal::at_most, 1e-6);
  report("holes that differ", holes, "pixels", goal::at_most, 0);
}

}  // namespace

STIP_BENCH(index, "band indices: NDVI of 16-bit bands to floats against NumPy, statistics") {
  use_processors(1);
  const auto red = made_band(20261101, 8000), nir = made_band(20261102, 12'000);
  const auto ndvi = value_or_give_up(define_index("ndvi"));
  const auto evi = value_or_give_up(define_index("evi"));
  const std::vector<spectral_band> bands = {band_of(nir), band_of(red)};
  const std::vector<spectral_band> three = {band_of(nir), band_of(red), band_of(red)};
  std::vector<float> out(pixels), copy(pixels);
  const double megabytes = double(2 * pixels * sizeof(uint16_t)) * 1e-6;
  const test::scratch_directory scratch;
  std::optional<python_rival> numpy;
  if (const auto python = python_with_numpy()) {
    write_words(scratch / "red", red);
    write_words(scratch / "nir", nir);
    numpy.emplace(*python, script,
                  "'" + scratch / "red" + "' '" + scratch / "nir" + "' '" + scratch / "ndvi" + "'",
                  scratch.path());
  } else {
    std::printf("left out: NumPy, which python3 (or STIP_PYTHON) does not have\n");
  }
  double child_cpu = 0;
  comparison c{"indices of 16.8 megapixels on one core", "MB of input", options};
  c.add("stip, ndvi", [&] {
    value_or_give_up(ndvi.math.evaluate(bands, out).map([] { return 0; }));
    return work{megabytes};
  });
  c.add("stip, evi", [&] {
    value_or_give_up(evi.math.evaluate(three, copy).map([] { return 0; }));
    return work{megabytes * 1.5};
  });
  c.add("only copying as many bytes", [&] {
    std::memcpy(copy.data(), red.data(), pixels * sizeof(uint16_t));
    std::memcpy(copy.data() + pixels / 2, nir.data(), pixels * sizeof(uint16_t));
    return work{megabytes};
  });
  c.add("stip, statistics of ndvi", [&] {
    if (measure_pixels(out).count == 0) give_up("there are no pixels");
    return work{double(pixels * sizeof(float)) * 1e-6};
  });
  if (numpy)
    c.add("NumPy, ndvi", [&] {
      child_cpu = numpy->run().second;
      return work{megabytes, child_cpu};
    });
  c.run();
  std::vector<double> rates;
  for (const auto& m : c.of("stip, ndvi")) rates.push_back(m.rate() * 1e-3);
  report("stip, ndvi", median(rates), "GB/s of input", goal::at_least, goal_gigabytes);
  c.ratio("stip, ndvi", "only copying as many bytes");
  if (!numpy) return;
  c.ratio("stip, ndvi", "NumPy, ndvi", goal::at_least, goal_times);
  numpy->finish();
  compare(scratch / "ndvi", out);
}

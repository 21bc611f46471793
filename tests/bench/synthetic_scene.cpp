#include "tests/bench/synthetic_scene.hpp"

#include <gdal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "libstip/raster/gdal_dataset.hpp"
#include "tests/bench/harness.hpp"
#include "tests/support/scenes/landscape.hpp"

namespace stip::bench {

namespace {

using scenes::mix;
using scenes::normal;
using scenes::unit;

constexpr int64_t tile_edge = 512;

/// Octaves of relief: the size of a cell of the coarsest, in pixels; each next is half of it.
constexpr int octaves = 6;
constexpr int64_t coarsest = 512;
/// Fields (parcels of land) are Voronoi cells around one point in each square of this edge.
constexpr int64_t field_edge = 64;
/// The share of the width that the wedge of nodata takes at the top; it ends at twice that at the
/// bottom.
constexpr double wedge = 0.125;

/// Reflectances of a field, and what the relief adds, in digital numbers.
constexpr std::array<float, 4> darkest = {700, 800, 600, 1600};
constexpr std::array<float, 4> spread = {900, 1000, 1400, 2600};
constexpr std::array<float, 4> relief_gain = {220, 260, 320, 520};

/// The bits of a point of a lattice; scenes of earlier builds lie on disks.
uint64_t lattice_bits(uint64_t seed, int64_t x, int64_t y) {
  return mix(seed ^ mix(uint64_t(x) * 0x100000001b3 + uint64_t(y)));
}

double entropy_of(const std::vector<uint32_t>& counts, double total) {
  double bits = 0;
  for (const auto count : counts)
    if (count > 0) bits -= count / total * std::log2(count / total);
  return bits;
}

}  // namespace

synthetic_rows::synthetic_rows(const synthetic_scene& scene) : scene_(scene) {
  // Entropy grows with the noise: halve the interval until it is known well enough.
  const auto step = std::max<int64_t>(1, scene.height / 16);
  for (size_t band = 0; band < synthetic_scene::bands; ++band) {
    float low = 0, high = 400;
    for (int i = 0; i < 14; ++i) {
      noise_[band] = (low + high) / 2;
      (measured_entropy(band, step) < synthetic_scene::entropy[band] ? low : high) = noise_[band];
    }
  }
}

void synthetic_rows::relief(int64_t y, std::span<float> height, std::span<uint32_t> field) const {
  std::fill(height.begin(), height.end(), 0.0f);
  float weight = 0.5f;
  for (int octave = 0; octave < octaves; ++octave, weight *= 0.6f) {
    const int64_t cell = coarsest >> octave;
    const auto seed = scene_.seed * 64 + uint64_t(octave);
    const int64_t cy = y / cell;
    const float fy = float(y % cell) / float(cell);
    const auto left_of = [&](int64_t cx) {
      return unit(lattice_bits(seed, cx, cy)) * (1 - fy) + unit(lattice_bits(seed, cx, cy + 1)) * fy - 0.5f;
    };
    float left = left_of(0);
    for (int64_t cx = 0; cx * cell < scene_.width; ++cx) {
      const float right = left_of(cx + 1);
      const auto end = std::min(scene_.width, (cx + 1) * cell);
      const float slope = (right - left) / float(cell);
      for (int64_t x = cx * cell; x < end; ++x)
        height[size_t(x)] += weight * (left + slope * float(x - cx * cell));
      left = right;
    }
  }
  // The nearest of the points of the nine squares around.
  const auto seed = scene_.seed * 64 + octaves;
  const int64_t cy = y / field_edge;
  for (int64_t cx = 0; cx * field_edge < scene_.width; ++cx) {
    struct point {
      float x, y;
      uint32_t id;
    };
    std::array<point, 9> points;
    for (int64_t i = 0; i < 9; ++i) {
      const auto bits = lattice_bits(seed, cx + i % 3 - 1, cy + i / 3 - 1);
      points[size_t(i)] = {(float(cx + i % 3 - 1) + unit(bits)) * float(field_edge),
                           (float(cy + i / 3 - 1) + unit(bits << 24)) * float(field_edge),
                           uint32_t(bits)};
    }
    const auto end = std::min(scene_.width, (cx + 1) * field_edge);
    for (int64_t x = cx * field_edge; x < end; ++x) {
      float nearest = 1e30f;
      uint32_t id = 0;
      for (const auto& p : points) {
        const float dx = p.x - float(x), dy = p.y - float(y);
        const float distance = dx * dx + dy * dy;
        id = distance < nearest ? p.id : id;
        nearest = std::min(nearest, distance);
      }
      field[size_t(x)] = id;
    }
  }
}

void synthetic_rows::row(int64_t y, std::span<uint16_t> pixels) const {
  const auto width = size_t(scene_.width);
  std::vector<float> height(width);
  std::vector<uint32_t> field(width);
  relief(y, height, field);
  const double share = wedge * (1 + double(y) / double(scene_.height));
  const auto valid = std::min(width, size_t(double(width) * (1 - share)));
  for (size_t band = 0; band < synthetic_scene::bands; ++band) {
    const auto out = pixels.subspan(band * width, width);
    uint64_t bits = lattice_bits(scene_.seed * 8 + band, y, 0);
    for (size_t x = 0; x < width; ++x) {
      if (x >= valid) {
        out[x] = 0;
        continue;
      }
      // xorshift64*: one step a pixel is enough for noise.
      bits ^= bits >> 12;
      bits ^= bits << 25;
      bits ^= bits >> 27;
      const auto random = uint32_t((bits * 0x2545f4914f6cdd1d) >> 32);
      const float own = unit(uint64_t(field[x] * (2654435761u + 2 * uint32_t(band))) << 32);
      const float value = darkest[band] + spread[band] * own + relief_gain[band] * height[x] +
                          noise_[band] * normal(random);
      out[x] = uint16_t(std::clamp(value, 1.0f, 10000.0f));
    }
  }
}

double synthetic_rows::measured_entropy(size_t band, int64_t step) const {
  constexpr int middle = 16384;
  std::vector<uint32_t> counts(2 * middle, 0);
  std::vector<uint16_t> pixels(size_t(scene_.width) * synthetic_scene::bands);
  double total = 0;
  for (int64_t y = step / 2; y < scene_.height; y += step) {
    row(y, pixels);
    const auto* from = pixels.data() + band * size_t(scene_.width);
    for (int64_t x = 1; x < scene_.width && from[x] != 0; ++x, ++total)
      ++counts[size_t(from[x] - from[x - 1] + middle)];
  }
  return entropy_of(counts, total);
}

result<void> write_synthetic_scene(const synthetic_scene& scene, const std::string& path,
                                   const std::string& compression) {
  if (std::filesystem::exists(path)) return {};
  prepare_gdal();
  const auto refuse = [&](const gdal_errors& errors) {
    return fail(ec::io_error, "write " + path, errors.text(), "free space in its folder");
  };
  const gdal_errors errors;
  const auto part = path + ".part" + std::to_string(getpid());
  const auto compress = "COMPRESS=" + compression;
  const bool packed = compression != "NONE";
  const std::array<const char*, 8> options = {"TILED=YES",
                                              "BLOCKXSIZE=512",
                                              "BLOCKYSIZE=512",
                                              "INTERLEAVE=PIXEL",
                                              "NUM_THREADS=ALL_CPUS",
                                              compress.c_str(),
                                              packed ? "PREDICTOR=2" : nullptr,
                                              nullptr};
  gdal_dataset file{
      GDALCreate(GDALGetDriverByName("GTiff"), part.c_str(), int(scene.width), int(scene.height),
                 int(synthetic_scene::bands), GDT_UInt16, options.data()),
      false};
  if (!file) return refuse(errors);
  std::array<double, 6> transform = {399960, 10, 0, 4500000, 0, -10};
  GDALSetGeoTransform(file.handle(), transform.data());
  GDALSetProjection(
      file.handle(),
      "PROJCS[\"WGS 84 / UTM zone 13N\",GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS "
      "84\",6378137,298.257223563]],PRIMEM[\"Greenwich\",0],UNIT[\"degree\",0.0174532925199433],"
      "AUTHORITY[\"EPSG\",\"4326\"]],PROJECTION[\"Transverse_Mercator\"],"
      "PARAMETER[\"latitude_of_origin\",0],PARAMETER[\"central_meridian\",-105],"
      "PARAMETER[\"scale_factor\",0.9996],PARAMETER[\"false_easting\",500000],"
      "PARAMETER[\"false_northing\",0],UNIT[\"metre\",1],AUTHORITY[\"EPSG\",\"32613\"]]");
  for (int band = 1; band <= int(synthetic_scene::bands); ++band)
    GDALSetRasterNoDataValue(GDALGetRasterBand(file.handle(), band), 0);
  const synthetic_rows rows{scene};
  const auto width = size_t(scene.width);
  std::vector<uint16_t> strip(width * size_t(tile_edge) * synthetic_scene::bands);
  std::vector<uint16_t> row(width * synthetic_scene::bands);
  for (int64_t y = 0; y < scene.height; y += tile_edge) {
    const auto count = std::min(tile_edge, scene.height - y);
    for (int64_t i = 0; i < count; ++i) {
      rows.row(y + i, row);
      for (size_t band = 0; band < synthetic_scene::bands; ++band)
        std::copy_n(row.data() + band * width, width,
                    strip.data() + (band * size_t(count) + size_t(i)) * width);
    }
    if (GDALDatasetRasterIO(file.handle(), GF_Write, 0, int(y), int(scene.width), int(count),
                            strip.data(), int(scene.width), int(count), GDT_UInt16,
                            int(synthetic_scene::bands), nullptr, 0, 0, 0) != CE_None)
      return refuse(errors);
  }
  if (const auto why = file.close(); !why.empty())
    return fail(ec::io_error, "write " + path, why, "free space in its folder");
  std::error_code failed;
  std::filesystem::rename(part, path, failed);
  if (failed) return fail(ec::io_error, "write " + path, failed.message(), {});
  return {};
}

std::string synthetic_scene_file(const synthetic_scene& scene, const std::string& compression) {
  std::filesystem::path folder = std::filesystem::temp_directory_path();
  if (const auto* chosen = std::getenv("STIP_BENCH_DATA")) folder = chosen;
  std::filesystem::create_directories(folder);
  const auto path =
      folder / ("synthetic-" + std::to_string(scene.width) + "x" + std::to_string(scene.height) +
                "-" + std::to_string(scene.seed) + "-" + compression + ".tif");
  if (!std::filesystem::exists(path)) {
    std::printf("making %s\n", path.filename().c_str());
    std::fflush(stdout);
  }
  if (auto made = write_synthetic_scene(scene, path, compression); !made)
    give_up(to_string(made.error()));
  return path;
}

}  // namespace stip::bench

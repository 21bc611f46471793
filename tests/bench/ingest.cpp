#include <cpl_string.h>
#include <gdal.h>
#include <ogr_srs_api.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "libstip/format/format.hpp"
#include "libstip/geo/geocode.hpp"
#include "libstip/raster/cut_windows.hpp"
#include "libstip/raster/gdal_cache.hpp"
#include "libstip/raster/gdal_dataset.hpp"
#include "tests/bench/bench_node.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_scene.hpp"

// Storing one scene: stip as users run it, against cutting it with GDAL's tool, with the way of
// the earlier system, and against decoding alone, which bounds every way.

using namespace stip;
using namespace stip::bench;

namespace {

constexpr int precision = 5;
constexpr uint64_t mib = 1 << 20;
/// GDAL's default is a twentieth of the memory; what follows decodes each block once.
constexpr uint64_t small_cache = 64 * mib;
constexpr uint64_t large_cache = 1200 * mib;

work run_tool(const std::string& command, double amount) {
  if (std::system(command.c_str()) != 0) give_up("this failed: " + command);
  return {amount, 0};
}

// -- the earlier system's way ---------------------------------------------------

/// The window of a cell: its outline projected point by point, and a pixel more on every side.
source_window cell_window_of(OGRCoordinateTransformationH to_scene, const double* transform,
                             double west, double south, double east, double north) {
  constexpr int points = 5;
  std::vector<double> x, y;
  for (int i = 0; i < points; ++i) {
    const double s = double(i) / (points - 1);
    for (const double lat : {south, north}) {
      x.push_back(west + s * (east - west));
      y.push_back(lat);
    }
    for (const double lon : {west, east}) {
      x.push_back(lon);
      y.push_back(south + s * (north - south));
    }
  }
  OCTTransform(to_scene, int(x.size()), x.data(), y.data(), nullptr);
  double left = 1e18, right = -1e18, top = 1e18, bottom = -1e18;
  for (size_t i = 0; i < x.size(); ++i) {
    const double column = (x[i] - transform[0]) / transform[1];
    const double row = (y[i] - transform[3]) / transform[5];
    left = std::min(left, column), right = std::max(right, column);
    top = std::min(top, row), bottom = std::max(bottom, row);
  }
  const auto column = int64_t(std::floor(left)) - 1, row = int64_t(std::floor(top)) - 1;
  return {column, row, int64_t(std::ceil(right)) + 1 - column,
          int64_t(std::ceil(bottom)) + 1 - row};
}

/// For every cell that the scene may touch: its window into a dataset in memory, its coverage, and,
/// where it has data, a GeoTIFF of its own. Returns how many there were.
size_t cut_the_earlier_way(const std::string& path, const std::string& folder) {
  const auto source = value_or_give_up(open_gdal(path));
  const int bands = GDALGetRasterCount(source.handle());
  const int64_t width = GDALGetRasterXSize(source.handle());
  const int64_t height = GDALGetRasterYSize(source.handle());
  double transform[6];
  GDALGetGeoTransform(source.handle(), transform);
  const auto geographic = OSRNewSpatialReference(nullptr);
  OSRImportFromEPSG(geographic, 4326);
  OSRSetAxisMappingStrategy(geographic, OAMS_TRADITIONAL_GIS_ORDER);
  const auto projected = OSRNewSpatialReference(GDALGetProjectionRef(source.handle()));
  OSRSetAxisMappingStrategy(projected, OAMS_TRADITIONAL_GIS_ORDER);
  const auto to_scene = OCTNewCoordinateTransformation(geographic, projected);
  const auto to_geographic = OCTNewCoordinateTransformation(projected, geographic);

  double west = 180, south = 90, east = -180, north = -90;
  for (int i = 0; i <= 20; ++i)
    for (const auto& [u, v] :
         {std::pair{i / 20.0, 0.0}, {i / 20.0, 1.0}, {0.0, i / 20.0}, {1.0, i / 20.0}}) {
      double x = transform[0] + u * double(width) * transform[1];
      double y = transform[3] + v * double(height) * transform[5];
      OCTTransform(to_geographic, 1, &x, &y, nullptr);
      west = std::min(west, x), east = std::max(east, x);
      south = std::min(south, y), north = std::max(north, y);
    }
  // A geohash of 5 characters: 13 bits of longitude, 12 of latitude.
  const double cell_width = 360.0 / 8192, cell_height = 180.0 / 4096;
  const auto tiff = GDALGetDriverByName("GTiff");
  const auto memory = GDALGetDriverByName("MEM");
  char** options = CSLSetNameValue(nullptr, "COMPRESS", "LZW");
  size_t written = 0;
  std::vector<uint16_t> pixels;
  for (double s = std::floor(south / cell_height) * cell_height; s < north; s += cell_height)
    for (double w = std::floor(west / cell_width) * cell_width; w < east; w += cell_width) {
      const auto window =
          cell_window_of(to_scene, transform, w, s, w + cell_width, s + cell_height);
      const auto left = std::max<int64_t>(0, window.column);
      const auto top = std::max<int64_t>(0, window.row);
      const auto right = std::min(width, window.column + window.width);
      const auto bottom = std::min(height, window.row + window.height);
      if (left >= right || top >= bottom) continue;
      const auto chip =
          GDALCreate(memory, "", int(window.width), int(window.height), bands, GDT_UInt16, nullptr);
      const size_t area = size_t(window.width * window.height);
      pixels.assign(area * size_t(bands), 0);
      auto* into = pixels.data() + (top - window.row) * window.width + (left - window.column);
      if (GDALDatasetRasterIO(source.handle(), GF_Read, int(left), int(top), int(right - left),
                              int(bottom - top), into, int(right - left), int(bottom - top),
                              GDT_UInt16, bands, nullptr, 2, int(2 * window.width),
                              int(2 * area)) != CE_None)
        give_up("cannot read " + path);
      size_t covered = 0;
      for (size_t i = 0; i < area; ++i) {
        bool data = false;
        for (int band = 0; band < bands; ++band) data |= pixels[size_t(band) * area + i] != 0;
        covered += data;
      }
      if (covered > 0) {
        if (GDALDatasetRasterIO(chip, GF_Write, 0, 0, int(window.width), int(window.height),
                                pixels.data(), int(window.width), int(window.height), GDT_UInt16,
                                bands, nullptr, 0, 0, 0) != CE_None)
          give_up("cannot fill a chip");
        double moved[6] = {transform[0] + double(window.column) * transform[1],
                           transform[1],
                           0,
                           transform[3] + double(window.row) * transform[5],
                           0,
                           transform[5]};
        GDALSetGeoTransform(chip, moved);
        GDALSetProjection(chip, GDALGetProjectionRef(source.handle()));
        GDALSetMetadataItem(chip, "PIXEL_COVERAGE",
                            std::to_string(double(covered) / double(area)).c_str(), "STIP");
        const auto name = folder + "/" + std::to_string(written++) + ".tif";
        const auto copy = GDALCreateCopy(tiff, name.c_str(), chip, 0, options, nullptr, nullptr);
        if (copy == nullptr) give_up("cannot write " + name);
        GDALClose(copy);
      }
      GDALClose(chip);
    }
  CSLDestroy(options);
  OCTDestroyCoordinateTransformation(to_scene);
  OCTDestroyCoordinateTransformation(to_geographic);
  OSRDestroySpatialReference(geographic);
  OSRDestroySpatialReference(projected);
  return written;
}

// -- decoding alone -------------------------------------------------------------

/// Every block of the file once, all bands, by GDAL: own handles and buffers in each thread.
void decode_with_gdal(const std::string& path, size_t threads) {
  std::atomic<int> next{0};
  auto work = [&] {
    const auto file = value_or_give_up(open_gdal(path));
    const auto first = GDALGetRasterBand(file.handle(), 1);
    int block_width = 0, block_height = 0;
    GDALGetBlockSize(first, &block_width, &block_height);
    const int width = GDALGetRasterXSize(file.handle());
    const int height = GDALGetRasterYSize(file.handle());
    const int bands = GDALGetRasterCount(file.handle());
    const int across = (width + block_width - 1) / block_width;
    const int down = (height + block_height - 1) / block_height;
    std::vector<uint16_t> pixels(size_t(block_width) * size_t(block_height) * size_t(bands));
    for (int i = next++; i < across * down; i = next++) {
      const int column = i % across * block_width, row = i / across * block_height;
      const int w = std::min(block_width, width - column), h = std::min(block_height, height - row);
      if (GDALDatasetRasterIO(file.handle(), GF_Read, column, row, w, h, pixels.data(), w, h,
                              GDT_UInt16, bands, nullptr, 0, 0, 0) != CE_None)
        give_up("cannot read " + path);
    }
  };
  std::vector<std::jthread> others;
  for (size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
}

/// Every block of the file once, all bands, by stip's own reader.
void decode_with_stip(const std::string& path, size_t threads) {
  scene_options said;
  said.platform = "Sentinel-2A";
  said.timestamp = 0;
  const auto scenes = value_or_give_up(open_scenes("generic", path, said));
  const auto& source = *scenes.front();
  const auto& part = source.description().subdatasets.front();
  const auto tiling = source.tiling(0);
  const auto across = (part.grid.width + tiling.block_width - 1) / tiling.block_width;
  const auto down = (part.grid.height + tiling.block_height - 1) / tiling.block_height;
  std::atomic<int64_t> next{0};
  auto work = [&] {
    const auto reader = value_or_give_up(source.open_reader());
    std::vector<std::byte> pixels;
    for (auto i = next++; i < across * down; i = next++) {
      source_window w{i % across * tiling.block_width, i / across * tiling.block_height, 0, 0};
      w.width = std::min(tiling.block_width, part.grid.width - w.column);
      w.height = std::min(tiling.block_height, part.grid.height - w.row);
      pixels.resize(size_t(w.width * w.height) * part.bands.size() * size_of(part.type));
      if (auto read = reader->read(0, w, 0, part.bands.size(), pixels); !read)
        give_up(to_string(read.error()));
    }
  };
  std::vector<std::jthread> others;
  for (size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
}

// -- stip -----------------------------------------------------------------------

struct ingest {
  std::string scene;
  double megabytes = 0;

  /// Stores the scene into a new album of the node, which is deleted before the next round.
  void add(comparison& c, const std::string& name, bench_node& node, size_t threads) const {
    c.add(
        name,
        [this, &node, threads] {
          const auto before = node.cpu_seconds();
          node.store(scene_request(scene, precision, threads));
          return work{megabytes, node.cpu_seconds() - before};
        },
        [&node] {
          node.remove_album("bench");
          node.create_album("bench");
          sync();
        });
  }
};

}  // namespace

STIP_BENCH(ingest, "storing a scene, against gdal_retile, the earlier system, and decoding alone") {
  synthetic_scene shape;
  // A smaller scene for a first look: sbin/bench ingest 4096
  if (!options.arguments.empty())
    shape.width = shape.height = std::max(1024, std::atoi(options.arguments[0].c_str()));
  const auto compression = options.arguments.size() > 1 ? options.arguments[1] : "DEFLATE";
  const ingest what{synthetic_scene_file(shape, compression), double(shape.bytes()) * 1e-6};
  const auto& scene = what.scene;
  const auto amount = what.megabytes;
  bench_node one_core{1};
  bench_node two_cores{2};
  test::scratch_directory files;
  const auto folder = files / "chips";
  const auto fresh = [&](size_t processors, uint64_t cache) {
    return [=] {
      std::filesystem::remove_all(folder);
      std::filesystem::create_directories(folder);
      limit_gdal_cache(cache);
      use_processors(processors);
      sync();
    };
  };
  const auto on_all = [](auto run) {
    return [run] {
      const work done = run();
      use_processors(0);
      return done;
    };
  };
  comparison c{"storing " + std::filesystem::path{scene}.filename().string(), "MB", options};
  const bool has_tool = std::system("command -v gdal_retile.py >/dev/null") == 0;
  if (has_tool)
    c.add("(a) gdal_retile LZW, 1 core", on_all([&] {
            return run_tool("gdal_retile.py -q -ps 512 512 -co COMPRESS=LZW -targetDir '" + folder +
                                "' '" + scene + "' >/dev/null",
                            amount);
          }),
          fresh(1, large_cache));
  else
    std::printf(
        "left out: (a), since there is no gdal_retile.py (packages gdal-bin, python3-gdal)\n");
  c.add("(b) earlier system, 1 core", on_all([&] {
          if (cut_the_earlier_way(scene, folder) == 0) give_up("the earlier way made no chip");
          return work{amount, 0};
        }),
        fresh(1, large_cache));
  c.add("(c) GDAL decodes, 2 threads", on_all([&] {
          decode_with_gdal(scene, 2);
          return work{amount, 0};
        }),
        fresh(0, small_cache));
  c.add("(c') stip decodes, 2 threads", on_all([&] {
          decode_with_stip(scene, 2);
          return work{amount, 0};
        }),
        fresh(0, small_cache));
  what.add(c, "stip, 1 core", one_core, 2);
  what.add(c, "stip, 2 cores", two_cores, 2);
  c.run();
  if (has_tool) {
    // Between 0.8 and 1.2, or (b) is no fair picture of the earlier system.
    c.ratio("(b) earlier system, 1 core", "(a) gdal_retile LZW, 1 core");
    c.ratio("stip, 1 core", "(a) gdal_retile LZW, 1 core");
  }
  c.ratio("stip, 1 core", "(b) earlier system, 1 core", goal::at_least, 5);
  c.ratio("stip, 2 cores", "(b) earlier system, 1 core", goal::at_least, 8);
  c.ratio("stip, 2 cores", "(c) GDAL decodes, 2 threads", goal::at_least, 0.65);
  c.ratio("(c') stip decodes, 2 threads", "(c) GDAL decodes, 2 threads");
}

#include <gdal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "libstip/geo/quadtile.hpp"
#include "libstip/raster/gdal_dataset.hpp"
#include "tests/bench/bench_node.hpp"
#include "tests/bench/child_process.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_scene.hpp"

// One picture out of 400 chips: `stip image mosaic` from a node against GDAL's tools from the
// exported chips. Both write the same pixels in the same form and compression.

using namespace stip;
using namespace stip::bench;

namespace {

namespace fs = std::filesystem;

/// The scene lies on tiles of this zoom: 20 x 20 of them, each a chip.
constexpr int zoom = 12;
constexpr int chips_across = 20;
constexpr int64_t first_column = 850, first_row = 1550;
constexpr int default_side = 20'000;
/// Every process stays below.
constexpr double most_megabytes = 500;

/// The most memory that a process had since `forget_peak`.
double peak_megabytes(int pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) * 1024e-6;
  return 0;
}

void forget_peak(int pid) {
  std::ofstream{"/proc/" + std::to_string(pid) + "/clear_refs"} << "5";
}

/// A scene of one band whose chips are `side` / 20 pixels wide.
std::string make_scene(int side) {
  fs::path folder = fs::temp_directory_path();
  if (const auto* chosen = std::getenv("STIP_BENCH_DATA")) folder = chosen;
  fs::create_directories(folder);
  const auto path = folder / ("mosaic-" + std::to_string(side) + ".tif");
  if (fs::exists(path)) return path;
  std::printf("making %s\n", path.filename().c_str());
  std::fflush(stdout);
  prepare_gdal();
  const auto part = path.string() + ".part";
  const std::array<const char*, 8> options = {
      "TILED=YES",   "BLOCKXSIZE=512",       "BLOCKYSIZE=512",   "COMPRESS=DEFLATE",
      "PREDICTOR=2", "NUM_THREADS=ALL_CPUS", "BIGTIFF=IF_SAFER", nullptr};
  gdal_dataset file{GDALCreate(GDALGetDriverByName("GTiff"), part.c_str(), side, side, 1,
                               GDT_UInt16, options.data()),
                    false};
  if (!file) give_up("cannot write " + part);
  const double tile = 2 * quadtile::half_side / (1 << zoom), pixel = tile * chips_across / side;
  std::array<double, 6> transform = {-quadtile::half_side + tile * first_column, pixel, 0,
                                     quadtile::half_side - tile * first_row,     0,     -pixel};
  GDALSetGeoTransform(file.handle(), transform.data());
  GDALSetProjection(file.handle(),
                    "PROJCS[\"WGS 84 / Pseudo-Mercator\",GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\","
                    "SPHEROID[\"WGS 84\",6378137,298.257223563]],PRIMEM[\"Greenwich\",0],"
                    "UNIT[\"degree\",0.0174532925199433]],PROJECTION[\"Mercator_1SP\"],"
                    "PARAMETER[\"central_meridian\",0],PARAMETER[\"scale_factor\",1],"
                    "PARAMETER[\"false_easting\",0],PARAMETER[\"false_northing\",0],"
                    "UNIT[\"metre\",1],EXTENSION[\"PROJ4\",\"+proj=merc +a=6378137 +b=6378137 "
                    "+lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +wktext "
                    "+no_defs\"],AUTHORITY[\"EPSG\",\"3857\"]]");
  const auto band = GDALGetRasterBand(file.handle(), 1);
  GDALSetRasterNoDataValue(band, 0);
  // Its wedge of nodata lies beyond the columns that are taken.
  synthetic_scene shape;
  shape.width = side + side / 2;
  shape.height = side;
  const synthetic_rows rows{shape};
  const auto width = static_cast<size_t>(side);
  constexpr int strip = 512;
  std::vector<uint16_t> pixels(width * strip),
      row(static_cast<size_t>(shape.width) * synthetic_scene::bands);
  for (int y = 0; y < side; y += strip) {
    const int count = std::min(strip, side - y);
    for (int i = 0; i < count; ++i) {
      rows.row(y + i, row);
      std::copy_n(row.begin(), width, pixels.begin() + static_cast<ptrdiff_t>(width) * i);
    }
    if (GDALRasterIO(band, GF_Write, 0, y, side, count, pixels.data(), side, count, GDT_UInt16, 0,
                     0) != CE_None)
      give_up("cannot write " + part);
  }
  if (!file.close().empty()) give_up("cannot write " + part);
  fs::rename(part, path);
  return path;
}

/// Whether both hold the same pixels.
bool same_pixels(const std::string& a, const std::string& b, int side) {
  const auto one = value_or_give_up(open_gdal(a)), other = value_or_give_up(open_gdal(b));
  if (GDALGetRasterXSize(one.handle()) != side || GDALGetRasterYSize(one.handle()) != side)
    return false;
  constexpr int strip = 512;
  std::vector<uint16_t> x(static_cast<size_t>(side) * strip), y(x.size());
  for (int row = 0; row < side; row += strip) {
    const int count = std::min(strip, side - row);
    for (auto [file, to] : {std::pair{&one, &x}, std::pair{&other, &y}})
      if (GDALRasterIO(GDALGetRasterBand(file->handle(), 1), GF_Read, 0, row, side, count,
                       to->data(), side, count, GDT_UInt16, 0, 0) != CE_None)
        return false;
    if (std::memcmp(x.data(), y.data(), static_cast<size_t>(side) * size_t(count) * 2) != 0)
      return false;
  }
  return true;
}

}  // namespace

STIP_BENCH(mosaic, "one picture out of 400 chips, against gdalbuildvrt and gdal_translate") {
  const int side =
      options.arguments.empty() ? default_side : std::atoi(options.arguments[0].c_str());
  if (side < chips_across || side % chips_across != 0)
    give_up("the side must be a multiple of " + std::to_string(chips_across));
  const auto scene = make_scene(side);
  const double megapixels = double(side) * side * 1e-6;
  bench_node node;
  album wanted;
  wanted.name = "bench";
  wanted.algorithm = geocode_algorithm::quadtile;
  wanted.replication = 1;
  value_or_give_up(node.node().create_album(wanted));
  auto request = scene_request(scene, zoom, 2);
  node.store(request);
  const auto stip = fs::path(test::stipd_binary()).replace_filename("stip").string();
  test::scratch_directory files;
  const auto chips = files / "chips", made = files / "mosaic.tif", by_gdal = files / "gdal.tif";
  const auto port = std::to_string(value_or_give_up(node.node().members()).front().info.port);
  run_child({stip, "-q", "-p", port, "image", "export", "bench", "--to", chips, "--as", "cog"});
  std::vector<std::string> inputs;
  for (const auto& file : fs::directory_iterator{chips}) inputs.push_back(file.path());
  std::sort(inputs.begin(), inputs.end());
  report("chips", double(inputs.size()), "");

  const auto pid = node.pid();
  double client_peak = 0, node_peak = 0;
  // A little inside of the scene's edge, so that rounding takes no column more.
  const double tile = 2 * quadtile::half_side / (1 << zoom),
               inside = tile * chips_across / side / 4;
  const auto degrees_x = [](double x) { return x / quadtile::half_side * 180; };
  const auto degrees_y = [](double y) {
    return std::atan(std::sinh(y / quadtile::half_side * std::numbers::pi)) * 180 /
           std::numbers::pi;
  };
  const double west = -quadtile::half_side + tile * first_column;
  const double north = quadtile::half_side - tile * first_row;
  const auto corner = [&](double x, double y) {
    return std::to_string(degrees_x(x)) + "," + std::to_string(degrees_y(y));
  };
  const auto paint = [&] {
    forget_peak(pid);
    const auto before = node.cpu_seconds();
    const auto done = run_child(
        {stip, "-q", "-p", port, "image", "mosaic", "bench", "--corners",
         corner(west + inside, north - inside),
         corner(west + tile * chips_across - inside, north - tile * chips_across + inside), "--to",
         made});
    client_peak = std::max(client_peak, done.peak_megabytes);
    node_peak = std::max(node_peak, peak_megabytes(pid));
    return work{megapixels, node.cpu_seconds() - before};
  };
  const auto translate = [&](std::vector<std::string> form) {
    std::vector<std::string> build = {"gdalbuildvrt", "-q", files / "all.vrt"};
    build.insert(build.end(), inputs.begin(), inputs.end());
    run_child(build);
    form.insert(form.begin(), {"gdal_translate", "-q"});
    form.insert(form.end(), {"-co", "COMPRESS=DEFLATE", "-co", "NUM_THREADS=ALL_CPUS", "-co",
                             "BIGTIFF=IF_SAFER", files / "all.vrt", by_gdal});
    run_child(form);
    return work{megapixels, 0};
  };
  const auto clean = [&] {
    fs::remove(made);
    fs::remove(by_gdal);
  };
  comparison c{
      "a picture of " + std::to_string(side) + " x " + std::to_string(side) + " pixels of uint16",
      "megapixel", options};
  c.add("stip image mosaic", paint, clean);
  c.add(
      "GDAL, as COG",
      [&] {
        return translate(
            {"-of", "COG", "-co", "PREDICTOR=YES", "-co", "OVERVIEW_RESAMPLING=AVERAGE"});
      },
      clean);
  c.add(
      "GDAL, no overviews",
      [&] {
        return translate({"-of", "GTiff", "-co", "TILED=YES", "-co", "PREDICTOR=2", "-co",
                          "BLOCKXSIZE=512", "-co", "BLOCKYSIZE=512"});
      },
      clean);
  c.run();
  c.ratio("stip image mosaic", "GDAL, as COG", goal::at_least, 1);
  c.ratio("stip image mosaic", "GDAL, no overviews");
  report("peak memory of stip", client_peak, "MB", goal::at_most, most_megabytes);
  report("peak memory of stipd", node_peak, "MB", goal::at_most, most_megabytes);
  clean();
  paint();
  if (!same_pixels(made, scene, side)) give_up("the picture is not the scene");
  report("file", double(fs::file_size(made)) * 1e-6, "MB");
  std::printf("the picture is the scene pixel by pixel\n");
}

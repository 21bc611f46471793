#include <cpl_conv.h>
#include <gdal.h>

#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "tests/support/scenes/check.hpp"
#include "tests/support/scenes/decode.hpp"
#include "tests/support/scenes/product.hpp"

// Makes products of satellites from a seed, says what they hold, and checks them.

using namespace stip;
using namespace stip::scenes;

namespace {

namespace po = boost::program_options;

/// What GDAL may keep of painted blocks, so that a scene of any size takes little memory.
constexpr int cache_bytes = 128 << 20;

/// What the goals of storing are measured against has this cache.
constexpr int decode_cache_bytes = 64 << 20;

constexpr const char* usage =
    "stip-scenes make FAMILY FOLDER [OPTION...]   makes a product unless it is there\n"
    "stip-scenes check FAMILY FOLDER [OPTION...]  reads it with GDAL, compares every pixel\n"
    "stip-scenes list FAMILY [OPTION...]          what it holds\n"
    "stip-scenes pixel FAMILY LAYER ROW COLUMN [OPTION...]\n"
    "stip-scenes decode FAMILY FOLDER [OPTION...] says \"ready\", waits for a line, reads all "
    "blocks\n"
    "stip-scenes families\n\n"
    "Example: stip-scenes make sentinel2-l2a /tmp/scenes --size 1098 --seed 7\n\n";

int refuse(const error& why) {
  std::fprintf(stderr, "stip-scenes: %s\n", to_string(why).c_str());
  return 1;
}

int list(const product& p) {
  std::printf("%s\n  %s, format %s, %s, %.1f MB of pixels\n", p.path.c_str(), p.platform.c_str(),
              p.format.c_str(), p.timestamp.c_str(), double(p.bytes()) * 1e-6);
  for (const auto& l : p.layers)
    std::printf("  %-42s %6lld x %-6lld %-7s %s\n", l.name.c_str(), (long long)l.width,
                (long long)l.height, std::string(to_string(l.type)).c_str(), l.gdal_name.c_str());
  return 0;
}

int make_one(const recipe& r, const std::string& folder) {
  const auto begun = std::chrono::steady_clock::now();
  const auto made = make(r, folder);
  if (!made) return refuse(made.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  uint64_t on_disk = 0;
  if (std::filesystem::is_directory(made->path)) {
    for (const auto& e : std::filesystem::recursive_directory_iterator(made->path))
      if (e.is_regular_file()) on_disk += e.file_size();
  } else {
    on_disk = std::filesystem::file_size(made->path);
  }
  uint64_t all = 0;
  for (const auto& l : made->layers) all += l.bytes();
  std::printf("%s\n%.1f MB of pixels in %.1f MB (%.2f), %.1f s, %.1f MB/s\n", made->path.c_str(),
              double(all) * 1e-6, double(on_disk) * 1e-6, double(all) / double(on_disk),
              took.count(), double(all) * 1e-6 / took.count());
  return 0;
}

int check_one(const recipe& r, const std::string& folder, uint64_t most_pixels) {
  const auto planned = plan(r, folder);
  if (!planned) return refuse(planned.error());
  const auto found = check(*planned, most_pixels);
  for (const auto& fault : found.faults) std::printf("%s\n", fault.c_str());
  std::printf("%llu layers, %llu pixels, %zu faults\n", (unsigned long long)found.layers,
              (unsigned long long)found.pixels, found.faults.size());
  return found.faults.empty() ? 0 : 1;
}

/// Of benchmarks: what takes no part in decoding happens before the line that it waits for.
int decode_all(const std::vector<recipe>& recipes, const std::string& folder, share part) {
  GDALSetCacheMax64(decode_cache_bytes);
  std::vector<product> products;
  for (const auto& r : recipes) {
    auto planned = plan(r, folder);
    if (!planned) return refuse(planned.error());
    products.push_back(std::move(*planned));
  }
  std::printf("ready\n");
  std::fflush(stdout);
  std::string line;
  if (!std::getline(std::cin, line)) return 1;
  uint64_t bytes = 0;
  for (const auto& p : products) {
    const auto threads = recipes.front().threads;
    const auto read = decode(p, threads > 0 ? threads : std::thread::hardware_concurrency(), part);
    if (!read) return refuse(read.error());
    bytes += *read;
  }
  std::printf("%llu\n", (unsigned long long)bytes);
  return 0;
}

int print_pixel(const recipe& r, const std::vector<std::string>& words) {
  const auto planned = plan(r, ".");
  if (!planned) return refuse(planned.error());
  const auto found = planned->find(words[2]);
  if (!found) return refuse(found.error());
  const auto row = std::atoll(words[3].c_str()), column = std::atoll(words[4].c_str());
  if (row < 0 || column < 0 || row >= (*found)->height || column >= (*found)->width)
    return refuse({ec::invalid_argument, "row " + words[3] + ", column " + words[4],
                   "the layer is smaller", ""});
  std::printf("%.15g\n", value_at(**found, row, column));
  return 0;
}

int run(int argc, char** argv) {
  recipe r;
  bool folder_form = false, no_copies = false;
  uint64_t most_pixels = 0;
  uint64_t count = 1;
  share part;
  std::vector<std::string> words;
  po::options_description options("Options");
  auto add = options.add_options();
  add("seed", po::value(&r.seed), "another scene for each (1)");
  add("size", po::value(&r.size), "edge of the finest grid in pixels (as real)");
  add("date", po::value(&r.date), "YYYY-MM-DD (follows from the seed)");
  add("clouds", po::value(&r.clouds), "share under clouds, 0 to 1 (0.25)");
  add("nodata", po::value(&r.nodata), "share of the width outside the swath (0.12)");
  add("folder", po::bool_switch(&folder_form), "a folder or file instead of an archive");
  add("baseline", po::value(&r.baseline), "Sentinel-2: processing baseline (05.09)");
  add("no-copies", po::bool_switch(&no_copies),
      "Sentinel-2 L2A: bands at their own resolution only");
  add("tile-h", po::value(&r.tile_h), "MODIS, VIIRS: column of the tile (10)");
  add("tile-v", po::value(&r.tile_v), "MODIS, VIIRS: row of the tile (5)");
  add("variable", po::value(&r.variables)->composing(),
      "gridMET: short name, again for more (tmmx)");
  add("days", po::value(&r.days), "gridMET: days from the first on (the year)");
  add("container", po::value(&r.container), "NLCD: img or tif (img)");
  add("threads", po::value(&r.threads), "threads (all cores)");
  add("pixels", po::value(&most_pixels), "check: compare at most so many of each layer (all)");
  add("count", po::value(&count), "make, decode: so many scenes, of the seeds from --seed on (1)");
  add("part", po::value(&part.index), "decode: this share of the layers, from 0 on");
  add("parts", po::value(&part.count), "decode: of so many (1)");
  po::options_description all;
  all.add(options).add_options()("words", po::value(&words));
  po::positional_options_description places;
  places.add("words", -1);
  recipe fresh;
  r.variables.clear();
  po::variables_map given;
  po::store(po::command_line_parser(argc, argv).options(all).positional(places).run(), given);
  po::notify(given);
  if (r.variables.empty()) r.variables = fresh.variables;
  r.archive = !folder_form;
  r.copies = !no_copies;
  if (words.size() == 1 && words[0] == "families") {
    for (const auto& f : families())
      std::printf("%-14s %s\n", std::string(f.name).c_str(), std::string(f.about).c_str());
    return 0;
  }
  if (words.size() > 1) r.family = words[1];
  std::vector<recipe> recipes;
  for (uint64_t i = 0; i < count; ++i, ++r.seed) recipes.push_back(r);
  r = recipes.empty() ? r : recipes.front();
  if (words.size() == 3 && words[0] == "make") {
    for (const auto& each : recipes)
      if (const int status = make_one(each, words[2]); status != 0) return status;
    return 0;
  }
  if (words.size() == 3 && words[0] == "decode" && part.count > 0 && !recipes.empty())
    return decode_all(recipes, words[2], part);
  if (words.size() == 3 && words[0] == "check") return check_one(r, words[2], most_pixels);
  if (words.size() == 5 && words[0] == "pixel") return print_pixel(r, words);
  if (words.size() == 2 && words[0] == "list") {
    const auto planned = plan(r, ".");
    return planned ? list(*planned) : refuse(planned.error());
  }
  std::cout << usage << options;
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  // All drivers, HDF4 among them, which no node of stip has: this process opens what it made.
  GDALAllRegister();
  GDALSetCacheMax64(cache_bytes);
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "stip-scenes: %s\n", e.what());
    return 2;
  }
}

#define CAF_SUITE raster.gdal_scene_faults
#include <caf/test/unit_test.hpp>
#include <optional>
#include <random>

#include "file_scene.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

// Files that are damaged, cut off, or changed while they are open, and requests that do not fit.

using namespace stip;
using namespace stip::test;

namespace {

/// Opens and reads everything in windows as they are tiled; the first error, or nothing.
std::optional<error> read_all(const std::string& path) {
  auto made = scene_of(path);
  if (!made) return made.error();
  const auto& s = **made;
  auto reader = s.open_reader();
  if (!reader) return reader.error();
  constexpr uint64_t largest = uint64_t{64} << 20;
  const auto& all = s.description().subdatasets;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto t = s.tiling(i);
    const auto& g = all[i].grid;
    const size_t bands = all[i].bands.size();
    const uint64_t area = uint64_t(t.block_width) * uint64_t(t.block_height);
    // A damaged header may ask for any size; cutting refuses such blocks by its own bound.
    if (area * bands * size_of(all[i].type) > largest ||
        uint64_t(g.width) * uint64_t(g.height) > largest)
      continue;
    for (int64_t y = 0; y < g.height; y += t.block_height)
      for (int64_t x = 0; x < g.width; x += t.block_width) {
        const source_window w{x, y, std::min(t.block_width, g.width - x),
                              std::min(t.block_height, g.height - y)};
        const size_t count = size_t(w.width * w.height);
        std::vector<std::byte> pixels(count * bands * size_of(all[i].type));
        if (auto read = (*reader)->read(i, w, 0, bands, pixels); !read) return read.error();
        if (all[i].valid != validity::mask && all[i].valid != validity::band_masks) continue;
        const size_t planes = mask_planes(all[i].valid, bands);
        std::vector<std::byte> mask(count * planes);
        if (auto read = (*reader)->read_mask(i, w, 0, planes, mask); !read) return read.error();
      }
  }
  return std::nullopt;
}

}  // namespace

CAF_TEST(a window or buffer that does not fit is refused) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  CAF_REQUIRE(write_raster(path, {}));
  const auto s = opened(path);
  auto reader = s->open_reader();
  CAF_REQUIRE(reader);
  std::vector<std::byte> buffer(70 * 50);
  const auto refused = [&](size_t subdataset, source_window w, size_t first, size_t count,
                           size_t bytes) {
    return !(*reader)->read(subdataset, w, first, count, std::span(buffer).first(bytes));
  };
  constexpr int64_t far = std::numeric_limits<int64_t>::max();
  CAF_CHECK(!refused(0, {0, 0, 70, 50}, 0, 1, 3500));
  CAF_CHECK(refused(1, {0, 0, 70, 50}, 0, 1, 3500));
  CAF_CHECK(refused(0, {1, 0, 70, 50}, 0, 1, 3500));
  CAF_CHECK(refused(0, {0, 0, 70, 50}, 0, 1, 3499));
  CAF_CHECK(refused(0, {0, 0, 70, 50}, 1, 1, 3500));
  CAF_CHECK(refused(0, {0, 0, 70, 50}, 0, 2, 3500));
  CAF_CHECK(refused(0, {0, 0, 70, 50}, 0, 0, 0));
  CAF_CHECK(refused(0, {-1, 0, 1, 1}, 0, 1, 1));
  CAF_CHECK(refused(0, {0, far, 1, 1}, 0, 1, 1));
  CAF_CHECK(refused(0, {0, 0, far, far}, 0, 1, 1));
  CAF_CHECK(refused(0, {0, 0, 0, 0}, 0, 1, 0));
  std::vector<std::byte> mask(1);
  CAF_CHECK(!(*reader)->read_mask(0, {0, 0, 1, 1}, 0, 1, mask));
}

CAF_TEST(a file that changes or goes while it is open is an error) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  raster_file file;
  CAF_REQUIRE(write_raster(path, file));
  const auto s = opened(path);
  file.width = 60;
  CAF_REQUIRE(write_raster(path, file));
  const auto smaller = s->open_reader();
  CAF_REQUIRE(!smaller);
  CAF_CHECK(smaller.error().code == ec::io_error);
  file.width = 70;
  file.type = pixel_type::int16;
  CAF_REQUIRE(write_raster(path, file));
  CAF_CHECK(!s->open_reader());
  std::filesystem::remove(path);
  const auto gone = s->open_reader();
  CAF_REQUIRE(!gone);
  CAF_CHECK(gone.error().code == ec::io_error);
}

CAF_TEST(a truncated file is an error wherever it ends) {
  scratch_directory directory;
  const auto whole = directory / "whole.tif";
  const auto cut = directory / "cut.tif";
  for (const std::vector<std::string>& layout :
       {std::vector<std::string>{}, {"COMPRESS=DEFLATE"}, {"COMPRESS=LZW", "TILED=YES"}}) {
    raster_file file;
    file.type = pixel_type::uint16;
    file.width = 300;
    file.height = 200;
    file.creation = layout;
    CAF_REQUIRE(write_raster(whole, file));
    CAF_CHECK(!read_all(whole));
    const auto bytes = read_file(whole);
    for (size_t i = 0; i < 40; ++i) {
      const auto length = bytes.size() * i / 40;
      write_file(cut, bytes.substr(0, length));
      const auto failure = length == 0 ? check_input(cut).error() : read_all(cut).value_or(error{});
      CAF_CHECK(failure.code == ec::corrupt || failure.code == ec::malformed ||
                failure.code == ec::unsupported);
      CAF_CHECK(!failure.why.empty());
    }
  }
}

CAF_TEST(damaged bytes never end the process) {
  scratch_directory directory;
  const auto path = directory / "a.tif";
  const auto damaged = directory / "damaged.tif";
  constexpr int rounds = 400;
  std::mt19937_64 random{17};
  CAF_MESSAGE("seed 17");
  std::vector<std::string> originals;
  for (const std::vector<std::string>& layout : {std::vector<std::string>{},
                                                 {"COMPRESS=DEFLATE", "PREDICTOR=2"},
                                                 {"COMPRESS=LZW", "TILED=YES"},
                                                 {"COMPRESS=JPEG"},
                                                 {"COMPRESS=ZSTD", "INTERLEAVE=BAND"}}) {
    raster_file file;
    file.bands = 3;
    file.creation = layout;
    file.edit = [](GDALDataset& d) {
      d.SetMetadataItem("PLATFORM", "x");
      d.GetRasterBand(1)->SetNoDataValue(3);
    };
    CAF_REQUIRE(write_raster(path, file));
    originals.push_back(read_file(path));
  }
  int failed = 0;
  for (int i = 0; i < rounds; ++i) {
    auto bytes = originals[size_t(i) % originals.size()];
    const size_t changes = 1 + random() % 8;
    for (size_t k = 0; k < changes; ++k) {
      // Headers and directories stand at the front: that is where damage tells.
      const size_t reach = random() % 2 == 0 ? std::min<size_t>(bytes.size(), 1024) : bytes.size();
      bytes[random() % reach] = char(random());
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size() + 1);
    write_file(damaged, bytes);
    failed += read_all(damaged).has_value();
  }
  CAF_MESSAGE(failed << " of " << rounds << " were refused");
  CAF_CHECK(failed > 0 && failed < rounds);
}

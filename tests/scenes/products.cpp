#define CAF_SUITE scenes.products

#include <gdal_priv.h>
#include <gdal_rat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"
#include "tests/support/scenes/check.hpp"
#include "tests/support/scenes/make_apart.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;
using namespace stip::scenes;

namespace {

recipe small(const std::string& family) {
  recipe r;
  r.family = family;
  r.size = 240;
  r.days = 4;
  r.variables = {"tmmx", "pr", "tmmn"};
  return r;
}

product made(const recipe& r, const std::string& folder) {
  GDALAllRegister();
  auto p = make(r, folder);
  if (!p) CAF_FAIL(to_string(p.error()));
  return *p;
}

void check_whole(const recipe& r) {
  test::scratch_directory files;
  const auto p = made(r, files.path());
  const auto found = check(p);
  for (const auto& fault : found.faults) CAF_CHECK_EQUAL(r.family + ": " + fault, "");
  CAF_CHECK_EQUAL(found.layers, p.layers.size());
  CAF_CHECK(found.pixels > 0);
  // Nothing else is left in the folder.
  size_t entries = 0;
  for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(files.path()))
    ++entries;
  CAF_CHECK_EQUAL(entries, 1u);
}

size_t times(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
  return count;
}

/// The checking program in a process of its own; its exit status.
int run_check(const recipe& r, const std::string& folder) {
  auto command = maker_program() + " check";
  for (const auto& word : words_of(r, folder)) command += " '" + word + "'";
  const int status = std::system((command + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

CAF_TEST(every layer of every family opens with its grid and holds what was promised) {
  for (const auto& f : families()) {
    const auto r = small(std::string(f.name));
    const auto planned = plan(r, "nowhere");
    CAF_REQUIRE(planned.has_value());
    if (!planned->hdf4) check_whole(r);
  }
}

CAF_TEST(folders and other containers hold the same) {
  for (const auto* family : {"sentinel2-l2a", "landsat-l1tp", "naip"}) {
    auto r = small(family);
    r.archive = false;
    r.size = 120;
    check_whole(r);
  }
  auto r = small("nlcd");
  r.container = "tif";
  check_whole(r);
}

CAF_TEST(HDF4 files hold what was promised as a process of its own sees them) {
  for (const auto* family : {"mcd43a4", "mod11a1", "mod09ga"}) {
    test::scratch_directory files;
    auto r = small(family);
    r.size = 80;
    const auto p = make_apart(r, files.path());
    if (!p) CAF_FAIL(to_string(p.error()));
    CAF_CHECK(std::filesystem::exists(p->path));
    CAF_CHECK_EQUAL(run_check(r, files.path()), 0);
    // It is no check if another scene passes it.
    r.clouds = 0.6;
    CAF_CHECK_EQUAL(run_check(r, files.path()), 1);
  }
}

CAF_TEST(tiles at the edge of the globe are filled beyond it) {
  recipe r = small("vnp21");
  r.tile_h = 0;
  r.tile_v = 8;
  const auto p = plan(r, "nowhere");
  CAF_REQUIRE(p.has_value());
  const auto angle = p->find("View_Angle");
  CAF_REQUIRE(angle.has_value());
  // On the upper edge, 10 degrees north, the globe begins some way into the tile.
  CAF_CHECK_EQUAL(value_at(**angle, 0, 0), 255.0);
  CAF_CHECK(value_at(**angle, 239, 239) != 255.0);
  check_whole(r);
}

CAF_TEST(checking finds another scene wrong) {
  test::scratch_directory files;
  auto r = small("nlcd");
  auto p = made(r, files.path());
  r.seed = 22;  // the same year of the 21
  auto other = plan(r, files.path());
  CAF_REQUIRE(other.has_value());
  CAF_CHECK_EQUAL(other->path, p.path);
  CAF_CHECK(!check(*other).faults.empty());
  p.layers[0].transform[0] += 30;
  CAF_CHECK_EQUAL(check(p).faults.size(), 1u);
}

CAF_TEST(the same recipe gives the same bytes) {
  for (const auto& f : families()) {
    auto r = small(std::string(f.name));
    r.size = 120;
    r.variables = {"tmmx"};
    test::scratch_directory here, there;
    r.threads = 1;
    const auto one = made(r, here.path());
    // The HDF4 library writes the file's own path into it; the pixels are compared elsewhere.
    if (one.hdf4) continue;
    r.threads = 3;
    const auto two = made(r, there.path());
    const auto name = std::filesystem::path(one.path).filename().string();
    const auto a = test::read_file(here / name), b = test::read_file(there / name);
    CAF_CHECK(a.size() > 1000);
    if (a != b) CAF_CHECK_EQUAL(std::string(f.name) + " differs", "");
  }
}

CAF_TEST(Landsat metadata name the files that are there) {
  test::scratch_directory files;
  auto r = small("landsat-l2sp");
  r.archive = false;
  const auto p = made(r, files.path());
  const auto id = std::filesystem::path(p.path).filename().string();
  for (const auto* form : {"_MTL.txt", "_MTL.xml"}) {
    const auto metadata = test::read_file(p.path + "/" + id + form);
    for (const auto& l : p.layers) CAF_CHECK_EQUAL(times(metadata, l.file), 1u);
    CAF_CHECK(metadata.find("528300") == std::string::npos);
    CAF_CHECK(metadata.find("465900.000") != std::string::npos);
  }
}

CAF_TEST(NLCD images have colours and names) {
  test::scratch_directory files;
  const auto p = made(small("nlcd"), files.path());
  const std::unique_ptr<GDALDataset> image(GDALDataset::Open(p.path.c_str()));
  CAF_REQUIRE(image != nullptr);
  CAF_CHECK_EQUAL(std::string(image->GetDriverName()), "HFA");
  auto* band = image->GetRasterBand(1);
  auto* table = band->GetDefaultRAT();
  CAF_REQUIRE(table != nullptr);
  const int names = table->GetColOfUsage(GFU_Name);
  CAF_REQUIRE(names >= 0 && table->GetRowCount() > 95);
  CAF_CHECK_EQUAL(std::string(table->GetValueAsString(11, names)), "Open Water");
  CAF_CHECK_EQUAL(std::string(table->GetValueAsString(95, names)), "Emergent Herbaceous Wetlands");
  const auto* colours = band->GetColorTable();
  CAF_REQUIRE(colours != nullptr);
  CAF_CHECK_EQUAL(colours->GetColorEntry(42)->c2, 95);
}

CAF_TEST(a wrong recipe is refused with its reason) {
  recipe r;
  r.family = "spot";
  CAF_CHECK(plan(r, "nowhere").error().code == ec::not_found);
  r.family = "gridmet";
  r.variables = {"snow"};
  CAF_CHECK(plan(r, "nowhere").error().code == ec::invalid_argument);
  r.variables = {"pr"};
  r.date = "2021-02-30";
  CAF_CHECK(plan(r, "nowhere").error().code == ec::invalid_argument);
  r.date = "2021-01-01";
  r.days = 366;
  CAF_CHECK(plan(r, "nowhere").error().code == ec::invalid_argument);
}

#define CAF_SUITE scenes.loads
#include <caf/test/unit_test.hpp>
#include <map>

#include "libstip/format/format.hpp"
#include "tests/support/libstip/product_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"
#include "tests/support/scenes/product.hpp"

// What is made is loaded: the formats agree with products that were made without them.

using namespace stip;
using namespace stip::scenes;

namespace {

/// What stip calls a layer, where the maker calls it something else.
std::string band_name(const std::string& layer) {
  static const std::map<std::string, std::string> others = {
      {"TCI1", "red"},       {"TCI2", "green"},
      {"TCI3", "blue"},      {"land_cover", "classification"},
      {"R", "red"},          {"G", "green"},
      {"B", "blue"},         {"N", "NIR"},
      {"CLASSI1", "opaque"}, {"CLASSI2", "cirrus"},
      {"CLASSI3", "snow"}};
  const auto at = others.find(layer);
  return at == others.end() ? layer : at->second;
}

/// Makes the product, loads it by itself, and compares every layer.
void check_load(const recipe& r) {
  CAF_MESSAGE(r.family);
  prepare_gdal();
  test::scratch_directory files;
  const auto p = make(r, files.path());
  if (!p) CAF_FAIL(to_string(p.error()));
  const auto scenes = open_scenes("auto", p->path, {});
  if (!scenes) CAF_FAIL(to_string(scenes.error()));
  CAF_REQUIRE_EQUAL(scenes->size(), 1u);
  const auto& s = *scenes->front();
  const auto& d = s.description();
  CAF_CHECK_EQUAL(d.format, p->format);
  CAF_CHECK_EQUAL(d.platform, p->platform);
  CAF_CHECK_EQUAL(to_iso8601(d.timestamp), p->timestamp);
  size_t bands = 0, layers = 0;
  for (const auto& one : d.subdatasets) bands += one.bands.size();
  for (const auto& made : p->layers) {
    if (!p->native(made)) continue;
    ++layers;
    // Aerosol and water are computed at 20 m; what is at 10 m is a copy of that.
    const bool computed = made.name == "AOT" || made.name == "WVP";
    const auto copy = p->find(computed ? made.name + "@20m" : made.name);
    const auto& layer = copy ? **copy : made;
    bool found = false;
    for (const auto& one : d.subdatasets)
      for (size_t i = 0; i < one.bands.size(); ++i) {
        // The bands of a true-colour image have the names of those of others.
        if (one.bands[i].name != band_name(made.name) ||
            (one.id == "TCI") != made.name.starts_with("TCI"))
          continue;
        found = true;
        const auto difference =
            layer.name + ": " + test::difference(s, one.id, i, layer.gdal_name, layer.band);
        CAF_CHECK_EQUAL(difference, layer.name + ": ");
      }
    CAF_CHECK_EQUAL(layer.name + (found ? "" : " is not there"), layer.name);
  }
  CAF_CHECK_EQUAL(bands, layers);
}

recipe small(const std::string& family) {
  recipe r;
  r.family = family;
  r.size = 240;
  return r;
}

}  // namespace

CAF_TEST(products of Sentinel 2 before and after offsets load zipped and as folders) {
  for (const auto* family : {"sentinel2-l1c", "sentinel2-l2a"})
    for (const auto* baseline : {"03.01", "05.09"})
      for (const bool archive : {true, false}) {
        auto r = small(family);
        r.baseline = baseline;
        r.archive = archive;
        check_load(r);
      }
}

CAF_TEST(products of Landsat load as tars and as folders) {
  for (const auto* family : {"landsat-l1tp", "landsat-l2sp"})
    for (const bool archive : {true, false}) {
      auto r = small(family);
      r.archive = archive;
      check_load(r);
    }
}

CAF_TEST(quarter quads and land cover load) {
  for (const bool archive : {true, false}) {
    auto r = small("naip");
    r.archive = archive;
    check_load(r);
  }
  for (const auto* container : {"img", "tif"}) {
    auto r = small("nlcd");
    r.container = container;
    check_load(r);
  }
}

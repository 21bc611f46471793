#define CAF_SUITE analysis.cloud_source
#include "libstip/analysis/cloud_source.hpp"

#include <caf/test/unit_test.hpp>

#include "tests/support/libstip/code_of.hpp"

using namespace stip;
using namespace stip::test;

namespace {

using part = std::pair<std::string, std::vector<std::string>>;

scene_description scene_with(const std::string& platform, const std::vector<part>& parts) {
  scene_description out;
  out.platform = platform;
  out.tile = "T";
  for (const auto& [id, names] : parts) {
    subdataset_description made;
    made.id = id;
    for (const auto& name : names) made.bands.emplace_back().name = name;
    out.subdatasets.push_back(made);
  }
  return out;
}

const std::vector<part> l2a = {{"10m", {"B02", "B03", "B04", "B08"}},
                               {"20m", {"B05", "B06", "B07", "B8A", "B11", "B12"}},
                               {"60m", {"B01", "B09"}},
                               {"SCL", {"SCL"}}};
const std::vector<part> l1c = {{"10m", {"B02", "B03", "B04", "B08"}},
                               {"20m", {"B05", "B06", "B07", "B8A", "B11", "B12"}},
                               {"60m", {"B01", "B09", "B10"}}};

quality_layout layout_of(const scene_description& scene) {
  const auto found = find_quality(scene);
  CAF_REQUIRE(found.has_value());
  return found->layout;
}

bool says(const error& err, const std::string& text) {
  return to_string(err).find(text) != std::string::npos;
}

}  // namespace

CAF_TEST(the quality band of each family is found by its name) {
  using enum quality_layout;
  CAF_CHECK(layout_of(scene_with("Sentinel-2-L2A", l2a)) == scl);
  const auto quality = find_quality(scene_with("Sentinel-2-L2A", l2a));
  CAF_CHECK(quality->bands == (std::vector<band_place>{{3, 0}}));
  const auto landsat = [](const std::string& platform, const std::string& band) {
    return layout_of(scene_with(platform, {{"reflective", {"B1"}}, {"quality", {"X", band}}}));
  };
  CAF_CHECK(landsat("Landsat8C2L2", "QA_PIXEL") == qa_pixel);
  CAF_CHECK(landsat("Landsat9C2L1", "QA_PIXEL") == qa_pixel);
  CAF_CHECK(landsat("Landsat7C2L2", "QA_PIXEL") == qa_pixel_no_cirrus);
  CAF_CHECK(landsat("Landsat8C1L1", "BQA") == bqa);
  CAF_CHECK(landsat("Landsat5C1L1", "BQA") == bqa_no_cirrus);
  CAF_CHECK(landsat("Landsat8C1L2", "pixel_qa") == pixel_qa);
  CAF_CHECK(layout_of(scene_with("MOD09GA", {{"1", {"state_1km_1", "Range_1"}}})) == modis_state);
  CAF_CHECK(layout_of(scene_with("MOD09A1", {{"1", {"sur_refl_state_500m"}}})) == modis_state);
  CAF_CHECK(layout_of(scene_with("Fmask", {{"0", {"Layer_1"}}})) == fmask);
  CAF_CHECK(layout_of(scene_with("Sentinel-2-L1C",
                                 {{"10m", {"B02"}}, {"CLASSI", {"OPAQUE", "CIRRUS", "SNOW"}}})) ==
            classi);
  // The scene classification says more, of shadows for one.
  CAF_CHECK(layout_of(scene_with("Sentinel-2-L2A",
                                 {{"SCL", {"SCL"}}, {"CLASSI", {"opaque", "cirrus", "snow"}}})) ==
            scl);
}

CAF_TEST(a spacecraft tells the sensor where the platform does not ) {
  auto scene = scene_with("mine", {{"quality", {"QA_PIXEL"}}});
  CAF_CHECK(layout_of(scene) == quality_layout::qa_pixel);
  scene.properties["spacecraft"] = "Landsat 5";
  CAF_CHECK(layout_of(scene) == quality_layout::qa_pixel_no_cirrus);
  CAF_CHECK_EQUAL(landsat_satellite(scene), 5);
}

CAF_TEST(a missing quality band is named) {
  const auto refused = [](const std::string& platform, const std::string& named, ec code) {
    const auto found = find_quality(scene_with(platform, {{"0", {"B1"}}}));
    CAF_REQUIRE(!found.has_value());
    CAF_CHECK(found.error().code == code);
    CAF_CHECK(says(found.error(), named));
  };
  refused("Sentinel-2-L2A", "SCL", ec::not_found);
  refused("Sentinel-2-L1C", "MSK_CLASSI", ec::not_found);
  refused("Landsat8C2L2", "QA_PIXEL", ec::not_found);
  refused("Landsat8C1L1", "BQA", ec::not_found);
  refused("MOD09GA", "state_1km", ec::not_found);
  refused("MCD43A4", "MCD43A4", ec::unsupported);
  refused("MOD11A1", "MOD11A1", ec::unsupported);
}

CAF_TEST(bands are found by role whatever the level calls them) {
  const auto one = find_spectral(scene_with("Sentinel-2-L1C", l1c));
  CAF_REQUIRE(one.has_value());
  CAF_CHECK(one->of(band_role::nir) == (band_place{1, 3}));
  CAF_CHECK(one->of(band_role::cirrus) == (band_place{2, 2}));
  CAF_CHECK(!one->of(band_role::thermal).has_value());
  const auto two = find_spectral(
      scene_with("Landsat8C2L2",
                 {{"reflective", {"SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7"}},
                  {"temperature", {"ST_B10"}}}));
  CAF_REQUIRE(two.has_value());
  CAF_CHECK(two->of(band_role::blue) == (band_place{0, 1}));
  CAF_CHECK(two->of(band_role::swir2) == (band_place{0, 6}));
  CAF_CHECK(two->of(band_role::thermal) == (band_place{1, 0}));
  CAF_CHECK(!two->of(band_role::cirrus).has_value());
  const auto three = find_spectral(
      scene_with("Landsat7C2L1", {{"reflective", {"B1", "B2", "B3", "B4", "B5", "B7"}},
                                  {"thermal", {"B6_VCID_1", "B6_VCID_2"}}}));
  CAF_REQUIRE(three.has_value());
  CAF_CHECK(three->of(band_role::blue) == (band_place{0, 0}));
  CAF_CHECK(three->of(band_role::swir2) == (band_place{0, 5}));
  CAF_CHECK(three->of(band_role::thermal) == (band_place{1, 1}));
}

CAF_TEST(missing spectral bands and unknown sensors are named) {
  const auto lacking =
      find_spectral(scene_with("Sentinel-2-L2A", {{"10m", {"B02", "B03", "B04"}}}));
  CAF_REQUIRE(!lacking.has_value());
  CAF_CHECK(lacking.error().code == ec::not_found);
  CAF_CHECK(says(lacking.error(), "B8A, B11, B12"));
  CAF_CHECK(code_of(find_spectral(scene_with("NAIP", {{"0", {"1"}}}))) == ec::unsupported);
  auto mss = scene_with("Landsat5C2L1", {{"reflective", {"B1", "B2", "B3", "B4"}}});
  mss.properties["instrument"] = "MSS";
  CAF_CHECK(code_of(find_spectral(mss)) == ec::unsupported);
  CAF_CHECK(code_of(find_spectral(scene_with("Landsat2C2L1", {{"0", {"B4"}}}))) == ec::unsupported);
}

CAF_TEST(missing bands of a model are all named and level 2A is told why) {
  const std::vector<std::string> names = {"B01", "B10", "B77"};
  const auto found = find_bands(scene_with("Sentinel-2-L2A", l2a), names);
  CAF_REQUIRE(!found.has_value());
  CAF_CHECK(says(found.error(), "B10, B77"));
  CAF_CHECK(says(found.error(), "level 1C"));
  const std::vector<std::string> there = {"B12", "B01"};
  const auto places = find_bands(scene_with("Sentinel-2-L2A", l2a), there);
  CAF_REQUIRE(places.has_value());
  CAF_CHECK(*places == (std::vector<band_place>{{1, 5}, {2, 0}}));
}

CAF_TEST(auto takes the quality band before the spectral test) {
  const auto chosen = [](const scene_description& scene) {
    const auto method = choose_method(scene, cloud_method::automatic);
    CAF_REQUIRE(method.has_value());
    return *method;
  };
  CAF_CHECK(chosen(scene_with("Sentinel-2-L2A", l2a)) == cloud_method::quality);
  CAF_CHECK(chosen(scene_with("Sentinel-2-L1C", l1c)) == cloud_method::spectral);
  const auto none = choose_method(scene_with("NAIP", {{"0", {"1"}}}), cloud_method::automatic);
  CAF_REQUIRE(!none.has_value());
  CAF_CHECK(says(none.error(), "NAIP"));
  CAF_CHECK(*choose_method(scene_with("NAIP", {}), cloud_method::model) == cloud_method::model);
}

CAF_TEST(the names of methods go there and back) {
  for (const auto* name : {"auto", "qa", "spectral", "model"}) {
    const auto method = parse_cloud_method(name);
    CAF_REQUIRE(method.has_value());
    CAF_CHECK_EQUAL(std::string(to_string(*method)), std::string(name));
  }
  CAF_CHECK(code_of(parse_cloud_method("Auto")) == ec::invalid_argument);
}

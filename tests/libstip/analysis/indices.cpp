#define CAF_SUITE analysis.indices
#include "libstip/analysis/indices.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "libstip/analysis/find_clouds.hpp"
#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scene_planes.hpp"

using namespace stip;
using namespace stip::test;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

template <class T>
std::string failure(const result<T>& outcome) {
  CAF_REQUIRE(!outcome.has_value());
  return to_string(outcome.error());
}

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

/// The names of the bands that an index takes of a scene.
std::string bands_of(const scene_description& scene, const std::string& index) {
  const auto made = define_index(index);
  CAF_REQUIRE(made.has_value());
  const auto places = resolve_bands(scene, made->math.bands());
  if (!places) return to_string(places.error());
  std::string out;
  for (const auto& place : *places) out += (out.empty() ? "" : " ") + band_at(scene, place).name;
  return out;
}

/// An image of made-up numbers, uint16 but where told, on nested grids of 120 m of ground.
struct made_image {
  scene_description scene;
  image_planes planes;
  std::vector<std::vector<std::vector<uint16_t>>> numbers;
  std::map<size_t, std::vector<uint8_t>> masks;
  std::mt19937_64 random;

  explicit made_image(const std::string& platform, uint64_t seed = 1) : random(seed) {
    scene.platform = platform;
    scene.tile = "T";
    scene.timestamp = 1'600'000'000;
    scene.properties["sun_elevation"] = "30";
    planes.size = [this](size_t s) {
      return plane_size{size_t(scene.subdatasets[s].grid.width),
                        size_t(scene.subdatasets[s].grid.height)};
    };
    planes.read = [this](const band_place& place) -> result<std::vector<std::byte>> {
      const auto& from = numbers.at(place.subdataset).at(place.band);
      const auto bytes = std::as_bytes(std::span(from));
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    };
    planes.valid = [this](size_t s) -> result<std::vector<uint8_t>> {
      return masks.contains(s) ? masks[s] : std::vector<uint8_t>();
    };
  }

  void add(const std::string& id, int64_t edge, const std::vector<std::string>& names,
           double shift = 0) {
    subdataset_description part;
    part.id = id;
    part.type = pixel_type::uint16;
    part.grid.crs_wkt = "EPSG:32633";
    part.grid.width = part.grid.height = edge;
    part.grid.transform = {500000 + shift,       120.0 / double(edge), 0, 4600000, 0,
                           -120.0 / double(edge)};
    auto& planes_of_part = numbers.emplace_back();
    for (const auto& name : names) {
      auto& band = part.bands.emplace_back();
      band.name = name;
      band.unit = "reflectance";
      band.scale = 1e-4;
      band.offset = -0.1;
      band.nodata = 0;
      auto& plane = planes_of_part.emplace_back(size_t(edge * edge));
      for (auto& number : plane) number = random() % 9 == 0 ? 0 : uint16_t(1000 + random() % 6000);
    }
    scene.subdatasets.push_back(part);
  }

  /// What a band says at a pixel of a finer grid of `edge` pixels.
  float at(size_t s, size_t b, size_t x, size_t y, size_t edge) const {
    const auto own = size_t(scene.subdatasets[s].grid.width), ratio = edge / own;
    const auto number = numbers[s][b][y / ratio * own + x / ratio];
    const auto& band = scene.subdatasets[s].bands[b];
    if (number == 0) return std::numeric_limits<float>::quiet_NaN();
    return float(number) * float(band.scale) + float(band.offset);
  }

  result<index_plane> compute(const std::string& text,
                              const std::optional<image_mask>& clouds = std::nullopt) const {
    STIP_ASSIGN(const auto index, define_index(text));
    return compute_index(scene, index, {10, 45}, planes, clouds);
  }
};

made_image sentinel(uint64_t seed = 1) {
  made_image out("Sentinel-2-L2A", seed);
  out.add("10m", 12, {"B02", "B03", "B04", "B08"});
  out.add("20m", 6, {"B8A", "B11", "B12"});
  out.add("TCI", 12, {"red", "green", "blue"});
  return out;
}

bool same(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : a == b;
}

}  // namespace

CAF_TEST(each platform has its own bands for a role) {
  const auto s2 =
      scene_with("Sentinel-2-L2A", {{"TCI", {"red", "green", "blue"}},
                                    {"10m", {"B02", "B03", "B04", "B08"}},
                                    {"20m", {"B05", "B06", "B07", "B8A", "B11", "B12"}}});
  CAF_CHECK_EQUAL(bands_of(s2, "ndvi"), "B08 B04");
  CAF_CHECK_EQUAL(bands_of(s2, "mndwi"), "B03 B11");
  CAF_CHECK_EQUAL(bands_of(s2, "nbr"), "B08 B12");
  CAF_CHECK_EQUAL(bands_of(s2, "evi"), "B08 B04 B02");
  CAF_CHECK_EQUAL(bands_of(s2, "nir08 - rededge"), "B8A B05");
  const auto oli =
      scene_with("Landsat8C2L2",
                 {{"reflective", {"SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7"}},
                  {"temperature", {"ST_B10"}}});
  CAF_CHECK_EQUAL(bands_of(oli, "ndvi"), "SR_B5 SR_B4");
  CAF_CHECK_EQUAL(bands_of(oli, "bsi"), "SR_B6 SR_B4 SR_B5 SR_B2");
  CAF_CHECK_EQUAL(bands_of(oli, "thermal + B3"), "ST_B10 SR_B3");
  const auto tm = scene_with("Landsat5C2L1", {{"0", {"B1", "B2", "B3", "B4", "B5", "B6", "B7"}}});
  CAF_CHECK_EQUAL(bands_of(tm, "ndbi"), "B5 B4");
  CAF_CHECK_EQUAL(bands_of(tm, "nbr"), "B4 B7");
  auto mss = scene_with("Landsat5C2L1", {{"0", {"B1", "B2", "B3", "B4"}}});
  mss.properties["instrument"] = "MSS";
  CAF_CHECK_EQUAL(bands_of(mss, "ndvi"), "B4 B2");
  const auto early = scene_with("Landsat2C2L1", {{"0", {"B4", "B5", "B6", "B7"}}});
  CAF_CHECK_EQUAL(bands_of(early, "ndwi"), "B4 B7");
  const auto mod09 =
      scene_with("MOD09GA", {{"5", {"sur_refl_b01_1", "sur_refl_b02_1", "sur_refl_b06_1"}}});
  CAF_CHECK_EQUAL(bands_of(mod09, "ndvi"), "sur_refl_b02_1 sur_refl_b01_1");
  const auto mcd43 =
      scene_with("MCD43A4", {{"0",
                              {"Nadir_Reflectance_Band1", "Nadir_Reflectance_Band2",
                               "Nadir_Reflectance_Band4", "Nadir_Reflectance_Band6"}}});
  CAF_CHECK_EQUAL(bands_of(mcd43, "ndsi"), "Nadir_Reflectance_Band4 Nadir_Reflectance_Band6");
  const auto mod13 = scene_with(
      "MOD13A1", {{"0", {"500m 16 days NIR reflectance", "500m 16 days red reflectance"}}});
  CAF_CHECK_EQUAL(bands_of(mod13, "ndvi"),
                  "500m 16 days NIR reflectance 500m 16 days red reflectance");
  const auto vnp09 = scene_with("VNP09GA", {{"0", {"SurfReflect_M5_1", "SurfReflect_M7_1"}},
                                            {"1", {"SurfReflect_I1_1", "SurfReflect_I2_1"}}});
  CAF_CHECK_EQUAL(bands_of(vnp09, "ndvi"), "SurfReflect_I2_1 SurfReflect_I1_1");
  const auto naip = scene_with("NAIP", {{"0", {"red", "green", "blue", "NIR"}}});
  CAF_CHECK_EQUAL(bands_of(naip, "ndvi"), "NIR red");
  auto other = scene_with("mine", {{"0", {"one", "Red", "three"}}});
  other.subdatasets[0].bands[2].properties["common_name"] = "nir08";
  CAF_CHECK_EQUAL(bands_of(other, "nir08 / red"), "three Red");
}

CAF_TEST(missing bands are named with what there is) {
  const auto l2a = scene_with("Sentinel-2-L2A", {{"10m", {"B02", "B04"}}, {"TCI", {"red"}}});
  const auto text = bands_of(l2a, "nir / swir1 + B77");
  CAF_CHECK(has(text, "no band nir (B08), swir1 (B11), B77"));
  CAF_CHECK(has(text, "it has B02, B04, red"));
  std::vector<std::string> many;
  for (int i = 0; i < 50; ++i) many.push_back("b" + std::to_string(i));
  CAF_CHECK(has(bands_of(scene_with("mine", {{"0", many}}), "x + 1"), "b39 and 10 more"));
}

CAF_TEST(a name is an index or an expression or neither) {
  for (const auto& one : known_indices()) {
    const auto made = define_index(one.name);
    CAF_REQUIRE(made.has_value());
    CAF_CHECK_EQUAL(made->derived_name(), std::string(one.name));
    CAF_CHECK(!one.publication.empty());
  }
  CAF_CHECK_EQUAL(known_indices().size(), 9u);
  CAF_CHECK(has(failure(define_index("ndxi")), "there are ndvi, ndsi"));
  const auto made = define_index(" (B08-B04) / 2 ");
  CAF_REQUIRE(made.has_value());
  CAF_CHECK_EQUAL(made->expression, "(B08-B04) / 2");
  CAF_CHECK(made->derived_name().starts_with("index-"));
  CAF_CHECK_EQUAL(made->derived_name().size(), 14u);
  CAF_CHECK(define_index("nir").has_value());
  CAF_CHECK(define_index("\"b1\"").has_value());
}

CAF_TEST(indices over nested grids are what a pixel by pixel twin computes) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    CAF_MESSAGE("seed " << seed);
    const auto image = sentinel(seed);
    const auto found = image.compute("bsi");
    CAF_REQUIRE(found.has_value());
    CAF_CHECK_EQUAL(found->subdataset, 0u);
    CAF_CHECK_EQUAL(found->values.size(), 144u);
    for (size_t y = 0; y < 12; ++y)
      for (size_t x = 0; x < 12; ++x) {
        const float swir1 = image.at(1, 1, x, y, 12), red = image.at(0, 2, x, y, 12);
        const float nir = image.at(0, 3, x, y, 12), blue = image.at(0, 0, x, y, 12);
        const float expected = ((swir1 + red) - (nir + blue)) / ((swir1 + red) + (nir + blue));
        CAF_CHECK(same(found->values[y * 12 + x], expected));
      }
    const auto coarse = image.compute("swir1 - swir2");
    CAF_REQUIRE(coarse.has_value());
    CAF_CHECK_EQUAL(coarse->subdataset, 1u);
    CAF_CHECK_EQUAL(coarse->values.size(), 36u);
  }
}

CAF_TEST(a picture is never taken for the bands that it was made of) {
  auto image = sentinel();
  const auto found = image.compute("red");
  CAF_REQUIRE(found.has_value());
  CAF_CHECK(found->bands == (std::vector<band_place>{{0, 2}}));
}

CAF_TEST(masks and clouds leave pixels out) {
  auto image = sentinel(7);
  image.masks[0] = std::vector<uint8_t>(144, 1);
  image.masks[0][5] = 0;
  std::vector<uint8_t> classes(36, uint8_t(mask_class::clear));
  const std::vector<mask_class> hidden = {mask_class::cloud, mask_class::cirrus, mask_class::shadow,
                                          mask_class::dilated, mask_class::nodata};
  for (size_t i = 0; i < hidden.size(); ++i) classes[12 + i] = uint8_t(hidden[i]);
  classes[30] = uint8_t(mask_class::snow);
  classes[31] = uint8_t(mask_class::water);
  const auto all = image.compute("B08 + B04"),
             clear = image.compute("B08 + B04", image_mask{1, {6, 6}, classes});
  CAF_REQUIRE(all.has_value());
  CAF_REQUIRE(clear.has_value());
  CAF_CHECK(std::isnan(all->values[5]));
  for (size_t y = 0; y < 12; ++y)
    for (size_t x = 0; x < 12; ++x) {
      const auto c = classes[y / 2 * 6 + x / 2];
      const auto i = y * 12 + x;
      const bool seen = c == 1 || c == uint8_t(mask_class::snow) || c == uint8_t(mask_class::water);
      CAF_CHECK(same(clear->values[i], seen ? all->values[i] : std::nanf("")));
    }
}

CAF_TEST(grids that do not nest are refused with their names) {
  made_image image("Landsat8C1L1");
  image.add("reflective", 6, {"B4", "B5"});
  image.add("panchromatic", 12, {"B8"}, 5);
  image.add("quality", 6, {"BQA"});
  const auto refused = image.compute("B4 + B8");
  CAF_CHECK(code_of(refused) == ec::unsupported);
  CAF_CHECK(has(failure(refused), "panchromatic"));
  // Two subdatasets on one grid are no hindrance.
  CAF_CHECK(image.compute("B4 + BQA").has_value());
}

CAF_TEST(values are reflectances and known indices insist on it) {
  made_image image("Landsat8C1L1");
  image.add("reflective", 4, {"B4", "B5", "B2"});
  auto& bands = image.scene.subdatasets[0].bands;
  bands[0].properties["sun_angle"] = "not corrected";
  const auto red = image.compute("red");
  CAF_REQUIRE(red.has_value());
  for (size_t i = 0; i < 16; ++i)
    CAF_CHECK(std::isnan(red->values[i]) ||
              std::abs(red->values[i] - 2 * image.at(0, 0, i % 4, i / 4, 4)) < 1e-6f);
  bands[1].unit = "W/(m2 sr um)";
  CAF_CHECK(has(failure(image.compute("ndvi")), "radiances"));
  CAF_CHECK(image.compute("B5").has_value());
  bands[1].properties["calibration"] = "unknown";
  CAF_CHECK(has(failure(image.compute("B5")), "scale and offset"));
  made_image naip("NAIP");
  naip.add("0", 4, {"red", "green", "blue", "NIR"});
  for (auto& band : naip.scene.subdatasets[0].bands) {
    band.unit.clear();
    band.scale = 1;
    band.offset = 0;
  }
  CAF_CHECK(naip.compute("ndvi").has_value());
  CAF_CHECK(has(failure(naip.compute("evi")), "no reflectances"));
}

CAF_TEST(stored numbers come back within half a step) {
  const std::vector<float> values = {0, 1, -1, 0.12344f, -0.99996f, 3.5f, -9, std::nanf("")};
  const auto bytes = encode_index(index_type::int16, values);
  CAF_REQUIRE_EQUAL(bytes.size(), 16u);
  std::vector<int16_t> numbers(8);
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  CAF_CHECK(numbers ==
            (std::vector<int16_t>{0, 10000, -10000, 1234, -10000, 32767, -32767, -32768}));
  const auto floats = encode_index(index_type::float32, values);
  CAF_CHECK(std::memcmp(floats.data(), values.data(), floats.size()) == 0);
  const auto index = define_index("ndvi");
  const auto described = describe_index(*index, index_type::int16, {});
  CAF_CHECK_EQUAL(described.id, "ndvi");
  CAF_CHECK_EQUAL(described.bands[0].scale, 0.0001);
  CAF_CHECK_EQUAL(*described.bands[0].nodata, 0x8000u);
  CAF_CHECK(*parse_index_type("float") == index_type::float32);
  CAF_CHECK(code_of(parse_index_type("int8")) == ec::invalid_argument);
}

CAF_TEST(the vegetation of a real scene is what its two bands say) {
  const auto data = shared_data();
  const auto scene = data ? open_one(*data + "/landsat/LC08_L2SP_001070_20190114-C2") : nullptr;
  if (!scene) {
    CAF_MESSAGE("skipped: there is no Landsat scene of STIP_SHARED_DATA");
    return;
  }
  image_planes planes;
  planes.size = [&](size_t s) {
    const auto& grid = scene->description().subdatasets[s].grid;
    return plane_size{size_t(grid.width), size_t(grid.height)};
  };
  planes.read = [&](const band_place& place) -> result<std::vector<std::byte>> {
    return read_plane(*scene, place);
  };
  const auto index = define_index("ndvi");
  const auto clouds = find_clouds(scene->description(), {}, planes);
  CAF_REQUIRE(clouds.has_value());
  const auto found = compute_index(scene->description(), *index, {}, planes,
                                   image_mask{clouds->subdataset, clouds->size, clouds->classes});
  CAF_REQUIRE(found.has_value());
  const auto red = float_plane(*scene, *find_band(scene->description(), "SR_B4"));
  const auto nir = float_plane(*scene, *find_band(scene->description(), "SR_B5"));
  CAF_REQUIRE_EQUAL(found->values.size(), red.size());
  size_t wrong = 0, seen = 0;
  for (size_t i = 0; i < red.size(); ++i) {
    const double r = red[i] * 2.75e-5 - 0.2, n = nir[i] * 2.75e-5 - 0.2;
    const bool hole = red[i] == 0 || nir[i] == 0 || hides_ground(mask_class(clouds->classes[i]));
    seen += hole ? 0 : 1;
    if (hole != std::isnan(found->values[i])) ++wrong;
    // Where the sum is next to nothing the quotient has no digits.
    else if (!hole && std::abs(n + r) > 0.01 &&
             std::abs(found->values[i] - (n - r) / (n + r)) > 1e-4)
      ++wrong;
  }
  CAF_CHECK_EQUAL(wrong, 0u);
  CAF_CHECK(seen > 1000u);
}

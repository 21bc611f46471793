#define CAF_SUITE catalog.scene_record
#include "libstip/catalog/scene_record.hpp"

#include <bit>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "libstip/core/defaults.hpp"

using namespace stip;
using nlohmann::json;

namespace {

scene_description some_scene() {
  scene_description s;
  s.format = "sentinel-2";
  s.platform = "Sentinel-2";
  s.tile = "S2A_\"quoted\"\xc3\xa9";
  s.timestamp = 1594749731;
  s.end = -1;
  s.properties = {{"b", "2"}, {"a", "line\nbreak"}};
  s.footprint = "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))";
  s.input = "/vsizip/a.zip/b.tif";
  s.input_bytes = UINT64_MAX;
  s.input_checksum = {0, 1};
  subdataset_description d;
  d.id = "10m";
  d.grid.crs_wkt = "EPSG:32613";
  d.grid.transform = {399960.1, 10, 0.1 + 0.2, -4.9e-324, -0.0, -1e300};
  d.grid.width = 10980;
  d.grid.height = INT64_MAX;
  d.type = pixel_type::float32;
  d.valid = validity::band_masks;
  d.quality = true;
  band_description band;
  band.name = "B02";
  band.scale = 1e-4;
  band.offset = -std::numeric_limits<double>::infinity();
  band.nodata = 0x7fc00000;
  band.unit = "K";
  band.colour = "Blue";
  band.colour_table = {"0,0,0,255", "1,2,3,4"};
  band.categories = {"", "water"};
  band.properties = {{"x", "y"}};
  d.bands = {band, {}};
  d.bands[1].nodata = UINT64_MAX;
  s.subdatasets = {d, {}};
  return s;
}

std::string why_of(const json& record) {
  const auto scene = decode_scene(record.dump());
  return scene ? "" : scene.error().why;
}

}  // namespace

CAF_TEST(a scene comes back as it was written) {
  const auto scene = some_scene();
  const auto text = encode(scene);
  const auto back = decode_scene(text);
  CAF_REQUIRE(back);
  CAF_CHECK(*back == scene);
  CAF_CHECK(std::signbit(back->subdatasets[0].grid.transform[4]));
  CAF_CHECK_EQUAL(encode(*back), text);
  const auto empty = decode_scene(encode({}));
  CAF_REQUIRE(empty);
  CAF_CHECK(*empty == scene_description{});
}

CAF_TEST(equal scenes have equal records with sorted members) {
  auto other = some_scene();
  other.properties.clear();
  other.properties["a"] = "line\nbreak";
  other.properties["b"] = "2";
  CAF_CHECK(scene_id(encode(other)) == scene_id(encode(some_scene())));
  other.tile += "x";
  CAF_CHECK(scene_id(encode(other)) != scene_id(encode(some_scene())));
  const auto text = encode(some_scene());
  CAF_CHECK(text.find("\"end\"") < text.find("\"footprint\""));
  CAF_CHECK(text.find("\"footprint\"") < text.find("\"format\""));
}

CAF_TEST(doubles come back bit for bit) {
  std::mt19937_64 random{12};
  auto scene = some_scene();
  for (int i = 0; i < 3'000; ++i) {
    auto& transform = scene.subdatasets[0].grid.transform;
    for (auto& x : transform) x = std::bit_cast<double>(random());
    const auto back = decode_scene(encode(scene));
    CAF_REQUIRE(back);
    for (size_t k = 0; k < transform.size(); ++k) {
      const auto x = back->subdatasets[0].grid.transform[k];
      CAF_REQUIRE(std::isnan(transform[k])
                      ? std::isnan(x)
                      : std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(transform[k]));
    }
  }
}

CAF_TEST(members of a newer writer are ignored) {
  auto record = json::parse(encode(some_scene()));
  record["sun"] = {{"elevation", 45}};
  record["subdatasets"][0]["bands"][1]["wavelength"] = 0.49;
  const auto back = decode_scene(record.dump());
  CAF_REQUIRE(back);
  CAF_CHECK(*back == some_scene());
}

CAF_TEST(a wrong or missing member is named) {
  const auto record = json::parse(encode(some_scene()));
  for (const auto& [path, wrong] : std::vector<std::pair<std::string, json>>{
           {"/format", 1},
           {"/timestamp", 1.5},
           {"/timestamp", UINT64_MAX},
           {"/end", "x"},
           {"/properties", json::array()},
           {"/properties/a", 7},
           {"/input_bytes", -1},
           {"/input_checksum", "12"},
           {"/subdatasets", json::object()},
           {"/subdatasets/0", 3},
           {"/subdatasets/0/type", "uint9"},
           {"/subdatasets/0/valid", "maybe"},
           {"/subdatasets/0/quality", 1},
           {"/subdatasets/0/transform", {1, 2, 3}},
           {"/subdatasets/0/transform/3", "big"},
           {"/subdatasets/1/width", "1"},
           {"/subdatasets/0/bands/0/scale", true},
           {"/subdatasets/0/bands/0/nodata", "255"},
           {"/subdatasets/0/bands/0/nodata", "0x10000000000000000"},
           {"/subdatasets/0/bands/0/nodata", "0x-1"},
           {"/subdatasets/0/bands/0/colour_table/1", json()}}) {
    auto damaged = record;
    damaged[json::json_pointer(path)] = wrong;
    const auto name = path.substr(path.find_last_not_of("0123456789/") == path.size() - 1
                                      ? path.rfind('/') + 1
                                      : path.rfind('/', path.rfind('/') - 1) + 1);
    const auto why = why_of(damaged);
    CAF_CHECK(why.find(name.substr(0, name.find('/'))) != std::string::npos);
  }
  for (const auto& member : record.items()) {
    auto damaged = record;
    damaged.erase(member.key());
    if (member.key() == "end" || member.key() == "start") continue;
    CAF_CHECK_EQUAL(why_of(damaged), "member '" + member.key() + "' is missing");
  }
  CAF_CHECK(why_of({1, 2}).find("not an object") != std::string::npos);
}

CAF_TEST(records past their bounds are refused) {
  auto scene = some_scene();
  scene.subdatasets.resize(defaults::max_subdatasets + 1);
  CAF_CHECK(!decode_scene(encode(scene)));
  scene.subdatasets.resize(1);
  scene.subdatasets[0].bands.resize(defaults::max_bands + 1);
  CAF_CHECK(!decode_scene(encode(scene)));
  scene.subdatasets[0].bands.resize(defaults::max_bands);
  CAF_CHECK(decode_scene(encode(scene)).has_value());
  scene.subdatasets[0].bands[0].categories.resize(defaults::max_scene_list + 1);
  CAF_CHECK(!decode_scene(encode(scene)));
  CAF_CHECK(!decode_scene(std::string(defaults::max_scene_record_bytes + 1, ' ')));
  CAF_CHECK(!decode_scene(std::string(1'000'000, '[')));
}

CAF_TEST(bytes that are no text do not stop a record from being written) {
  auto scene = some_scene();
  scene.properties["latin"] = "caf\xe9";
  const auto back = decode_scene(encode(scene));
  CAF_REQUIRE(back);
  CAF_CHECK_EQUAL(back->properties.at("latin"), "caf\xef\xbf\xbd");
}

CAF_TEST(damaged records are refused or decode to a scene that can be written) {
  std::mt19937_64 random{5};
  const auto text = encode(some_scene());
  for (int i = 0; i < 5'000; ++i) {
    auto damaged = text;
    for (auto n = 1 + random() % 3; n > 0; --n)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    if (const auto scene = decode_scene(damaged)) CAF_REQUIRE(!encode(*scene).empty());
  }
}

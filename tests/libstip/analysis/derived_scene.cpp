#define CAF_SUITE analysis.derived_scene
#include "libstip/analysis/derived_scene.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "libstip/analysis/index_statistics.hpp"
#include "tests/support/libstip/code_of.hpp"

using namespace stip;
using namespace stip::test;

CAF_TEST(a derived image is called after its product and what it was made of) {
  for (const auto* source : {"raw", "split", "merged"})
    CAF_CHECK_EQUAL(derived_source(source, "blur-r5"), "blur-r5");
  CAF_CHECK_EQUAL(derived_source("filled", "ndvi"), "filled-ndvi");
  CAF_CHECK_EQUAL(derived_source("ndvi", "edges"), "ndvi-edges");
  CAF_CHECK_EQUAL(derived_source("align-256", "ndvi"), "align-256-ndvi");
}

CAF_TEST(products are inputs where the filter names them and measurements always) {
  const auto is_input = [](const std::string& source, const filter& match) {
    image_row row;
    row.key.source = source;
    return is_derived_of(row, match);
  };
  for (const auto* source :
       {"raw", "split", "merged", "filled", "coalesced", "aligned", "align-64"})
    CAF_CHECK(is_input(source, {}));
  for (const auto* source :
       {"ndvi", "blur-r5", "index-0123abcd", "filled-ndvi", "align-", "align-256-ndvi"})
    CAF_CHECK(!is_input(source, {}));
  filter by_source;
  by_source.source = "ndvi";
  CAF_CHECK(is_input("ndvi", by_source));
}

CAF_TEST(a product cannot be called as other images are) {
  for (const auto* name : {"raw", "split", "merged", "filled", "coalesced", "aligned", "align-9",
                           "ndvi", "evi", "edges", "blur-r3", "median-r1"})
    CAF_CHECK(code_of(check_product_name(name)) == ec::invalid_argument);
  CAF_CHECK(!check_product_name("").has_value());
  CAF_CHECK(!check_product_name(std::string(10'000, 'x')).has_value());
  for (const auto* name : {"bright", "my-ndvi", "index-0123abcd"})
    CAF_CHECK(check_product_name(name).has_value());
}

CAF_TEST(the record of a derived image says of which one and how) {
  stored_image image;
  image.scene.platform = "Sentinel-2-L2A";
  image.scene.tile = "T";
  image.scene.timestamp = 7;
  image.scene.input = "/data/T.zip";
  image.scene.properties["sun_elevation"] = "40";
  image.scene.subdatasets.resize(2);
  image.chips.resize(1);
  image.chips[0].scene = {1, 2};
  const auto made = derived_scene(image, "index", {{"expression", "B08 / B04"}});
  CAF_CHECK_EQUAL(made.format, "index");
  CAF_CHECK_EQUAL(made.tile, "T");
  CAF_CHECK_EQUAL(made.input, "/data/T.zip");
  CAF_CHECK(made.subdatasets.empty());
  CAF_CHECK_EQUAL(made.properties.at("expression"), "B08 / B04");
  CAF_CHECK_EQUAL(made.properties.at("sun_elevation"), "40");
  CAF_CHECK_EQUAL(made.properties.at("input_scene"), to_string(hash128{1, 2}));
}

CAF_TEST(statistics come back bit for bit and damaged ones are refused or numbers) {
  index_statistics sent;
  sent.clouds = "qa";
  sent.numbers.count = 5;
  sent.numbers.pixels = 9;
  sent.numbers.mean = 0.1;
  sent.numbers.least = std::numeric_limits<double>::quiet_NaN();
  sent.numbers.percentiles = {1, 2, 3, 4, 1.0 / 3};
  const auto bytes = encode(sent);
  const auto back = decode_index_statistics(bytes);
  CAF_REQUIRE(back.has_value());
  CAF_CHECK_EQUAL(encode(*back), bytes);
  CAF_CHECK(std::isnan(back->numbers.least));
  for (size_t length = 0; length < bytes.size(); ++length)
    CAF_CHECK(!decode_index_statistics(bytes.substr(0, length)).has_value());
  auto turned = sent;
  turned.numbers.count = 10;
  CAF_CHECK(code_of(decode_index_statistics(encode(turned))) == ec::malformed);
  constexpr uint64_t seed = 20261215;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    auto damaged = bytes;
    damaged[random() % damaged.size()] = char(random());
    if (const auto read = decode_index_statistics(damaged))
      CAF_CHECK(read->numbers.count <= read->numbers.pixels);
  }
}

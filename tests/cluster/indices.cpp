#define CAF_SUITE cluster.indices
#include <cmath>
#include <cstring>
#include <limits>

#include "actors/client.hpp"
#include "libstip/analysis/image_filter.hpp"
#include "libstip/raster/cell_mask.hpp"
#include "tests/support/cluster/landsat_fixture.hpp"

// Indices and filters of stored images: numbers, and derived images.

using namespace stip;
using namespace stip::test;

namespace {

constexpr float none = std::numeric_limits<float>::quiet_NaN();

/// Landsat Collection 2 Level 2: bits of QA_PIXEL that hide the ground: fill, dilated, cirrus,
/// cloud, shadow (LSDS-1619), and what a number of a reflective band means.
constexpr uint16_t hiding_bits = 0b11111;
float reflectance(uint16_t number) {
  return number == 0 ? none : float(number) * 2.75e-5f - 0.2f;
}

struct fixture : landsat_fixture {
  static transform_request index(const std::string& expression) {
    auto out = request_of("index");
    out.options["expression"] = expression;
    return out;
  }

  static transform_request filtered(const std::string& name, const std::string& radius = {}) {
    auto out = request_of("filter");
    out.options["filter"] = name;
    if (!radius.empty()) out.options["radius"] = radius;
    return out;
  }

  /// An image with one of its subdatasets in memory.
  struct loaded {
    image_details details;
    chip_image chip;
    pixel_rect window;
  };

  static loaded load(test_cluster& nodes, size_t i, const image_row& row, const std::string& part) {
    const auto node = client_of(nodes, i);
    auto details = node.details("a", row.key);
    if (!details) CAF_FAIL(to_string(details.error()));
    for (size_t c = 0; c < details->chips.size(); ++c) {
      if (details->chips[c].subdataset != part) continue;
      auto chip = node.chip("a", row, *details, c);
      if (!chip) CAF_FAIL(to_string(chip.error()));
      return {*details, std::move(*chip), window_of(details->chips[c])};
    }
    CAF_FAIL("there is no subdataset " << part);
  }

  template <class T>
  static std::vector<T> band(const loaded& of, const std::string& name) {
    std::vector<T> out(of.chip.area());
    for (size_t b = 0; b < of.chip.bands(); ++b)
      if (of.chip.description.bands[b].name == name)
        std::memcpy(out.data(), of.chip.band(b).data(), out.size() * sizeof(T));
    return out;
  }

  /// NDVI of an image by its definition, with and without clouds, pixel by pixel.
  static std::vector<float> ndvi_by_hand(test_cluster& nodes, const image_row& row, bool clouds) {
    const auto bands = load(nodes, 0, row, "reflective"), quality = load(nodes, 0, row, "quality");
    const auto red = band<uint16_t>(bands, "SR_B4"), nir = band<uint16_t>(bands, "SR_B5");
    const auto bits = band<uint16_t>(quality, "QA_PIXEL");
    std::vector<float> out(red.size());
    for (size_t i = 0; i < out.size(); ++i) {
      const float r = reflectance(red[i]), n = reflectance(nir[i]), sum = n + r;
      const bool hidden = !clouds && (bits[i] & hiding_bits) != 0;
      out[i] = hidden || sum == 0 ? none : (n - r) / sum;
    }
    return out;
  }

  static std::vector<uint8_t> own_pixels(const loaded& of) {
    const auto own = cell_mask(of.details.scene.subdatasets[0].grid, of.window,
                               geocode_algorithm::geohash, of.details.key().geocode);
    CAF_REQUIRE(own.has_value());
    return *own;
  }

  static std::string property(const loaded& of, const std::string& name) {
    const auto at = of.details.scene.properties.find(name);
    return at == of.details.scene.properties.end() ? "" : at->second;
  }
};

bool same(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : a == b;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(index_tests, fixture)

CAF_TEST(one node and five make the same indices and filtered images and numbers) {
  std::vector<image_contents> all;
  std::vector<std::map<std::string, std::string>> numbers;
  scratch_directory files;
  const auto product = write_product(files.path());
  for (const size_t count : {1, 5}) {
    test_cluster nodes{count};
    create(nodes, count == 1 ? 1 : 2);
    store_product(nodes, product);
    const auto raw = rows(nodes, 0);
    CAF_REQUIRE(!raw.empty());
    transform_all(nodes, count - 1, index("ndvi"));
    auto scaled = index("clamp((nir - swir1) / (nir + swir1), -1, 1)");
    scaled.options["type"] = "int16";
    scaled.options["name"] = "moisture";
    transform_all(nodes, 0, scaled);
    transform_all(nodes, 0, filtered("blur", "3"));
    transform_all(nodes, 0, filtered("median"));
    transform_all(nodes, count - 1, filtered("edges"));
    for (const auto* source : {"blur-r3", "median-r1", "edges"})
      CAF_CHECK_EQUAL(of_source(nodes, 0, source).size(), raw.size());
    // Where clouds hide all of a cell nothing is kept.
    const auto kept = of_source(nodes, 0, "ndvi").size();
    CAF_CHECK(kept > 0 && kept <= raw.size());
    CAF_CHECK_EQUAL(of_source(nodes, 0, "moisture").size(), kept);
    auto& told = numbers.emplace_back();
    const auto node = client_of(nodes, count - 1);
    const auto measured = node.measure_all({"a", "", "ndvi", false}, raw, [] { return true; });
    for (size_t i = 0; i < raw.size(); ++i) {
      if (!measured[i]) CAF_FAIL(to_string(measured[i].error()));
      told[to_string(raw[i].key)] = encode(*measured[i]);
    }
    if (count > 1) check_converged(nodes, 0, 2);
    all.push_back(contents_of(rows(nodes, 0)));
  }
  CAF_CHECK(all[0] == all[1]);
  CAF_CHECK(numbers[0] == numbers[1]);
}

CAF_TEST(derived images and numbers are what the definition gives pixel by pixel) {
  test_cluster two{2};
  create(two, 1);
  store_product(two, write_product(two.files().path()));
  const auto raw = rows(two, 0);
  transform_all(two, 0, index("ndvi"));
  std::map<std::string, image_row> derived;
  for (const auto& row : of_source(two, 0, "ndvi")) derived[row.key.geocode] = row;
  size_t compared = 0;
  for (const auto& row : raw) {
    const auto expected = ndvi_by_hand(two, row, false), cloudy = ndvi_by_hand(two, row, true);
    const auto own = own_pixels(load(two, 0, row, "reflective"));
    const auto numbers = client_of(two, 1).measure({"a", to_string(row.key), "ndvi", false});
    const auto with_clouds = client_of(two, 1).measure({"a", to_string(row.key), "ndvi", true});
    CAF_REQUIRE(numbers.has_value());
    CAF_REQUIRE(with_clouds.has_value());
    CAF_CHECK_EQUAL(numbers->clouds, "qa");
    CAF_CHECK_EQUAL(with_clouds->clouds, "kept");
    uint64_t seen = 0, seen_cloudy = 0;
    double sum = 0, most = -2;
    for (size_t i = 0; i < own.size(); ++i) {
      seen_cloudy += own[i] != 0 && !std::isnan(cloudy[i]) ? 1 : 0;
      if (own[i] == 0 || std::isnan(expected[i])) continue;
      ++seen;
      sum += double(expected[i]);
      most = std::max(most, double(expected[i]));
    }
    CAF_CHECK_EQUAL(numbers->numbers.count, seen);
    CAF_CHECK_EQUAL(with_clouds->numbers.count, seen_cloudy);
    CAF_CHECK_EQUAL(derived.contains(row.key.geocode), seen > 0);
    if (seen == 0) continue;
    CAF_CHECK_EQUAL(numbers->numbers.most, most);
    CAF_CHECK(std::abs(numbers->numbers.mean - sum / double(seen)) < 1e-9);
    const auto image = load(two, 1, derived[row.key.geocode], "ndvi");
    CAF_CHECK(image.chip.description.type == pixel_type::float32);
    CAF_CHECK_EQUAL(property(image, "expression"), "(nir - red) / (nir + red)");
    CAF_CHECK_EQUAL(property(image, "expression_bands"), "SR_B5, SR_B4");
    CAF_CHECK_EQUAL(property(image, "clouds"), "qa");
    CAF_CHECK_EQUAL(property(image, "input_scene"), to_string(row.subdatasets[0].scene));
    CAF_CHECK(image.window == load(two, 1, row, "reflective").window);
    const auto values = band<float>(image, "ndvi");
    CAF_REQUIRE_EQUAL(values.size(), expected.size());
    size_t wrong = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      wrong += same(values[i], expected[i]) ? 0 : 1;
      compared += std::isnan(expected[i]) ? 0 : 1;
    }
    CAF_CHECK_EQUAL(wrong, 0u);
  }
  CAF_MESSAGE(compared << " pixels compared");
  CAF_CHECK(compared > 10'000u);
}

CAF_TEST(a filtered image is what the filter makes of the chip) {
  test_cluster two{2};
  create(two, 2);
  store_product(two, write_product(two.files().path()));
  const auto raw = rows(two, 0);
  transform_all(two, 1, filtered("blur", "4"));
  const auto soft = of_source(two, 0, "blur-r4");
  CAF_REQUIRE_EQUAL(soft.size(), raw.size());
  for (size_t i = 0; i < soft.size(); ++i) {
    const auto source = load(two, 0, raw[i], "reflective");
    const auto image = load(two, 0, soft[i], "reflective");
    CAF_CHECK_EQUAL(property(image, "filter"), "blur-r4");
    // Quality bands are no measurements.
    CAF_CHECK_EQUAL(image.details.chips.size(), 2u);
    const image_filter filter{filter_kind::blur, 4};
    const auto part = describe_filtered(source.details.scene, 0, filter);
    CAF_REQUIRE(part.has_value());
    const auto expected = filter_chip(source.chip, *part, filter);
    CAF_REQUIRE(expected.has_value());
    CAF_CHECK(image.window == source.window);
    CAF_CHECK(image.chip.pixels == expected->pixels);
    CAF_CHECK_EQUAL(soft[i].pixel_coverage, raw[i].pixel_coverage);
  }
}

CAF_TEST(what is there is not made again and clouds that are found later make it anew) {
  test_cluster one{1};
  create(one, 1);
  store_product(one, write_product(one.files().path()));
  transform_all(one, 0, index("nbr"));
  const auto first = of_source(one, 0, "nbr");
  transform_all(one, 0, index("nbr"));
  const auto again = of_source(one, 0, "nbr");
  CAF_REQUIRE_EQUAL(again.size(), first.size());
  for (size_t i = 0; i < again.size(); ++i) CAF_CHECK(again[i].written == first[i].written);
  auto clouds = request_of("cloud");
  clouds.options["method"] = "spectral";
  clouds.match.source = "raw";
  transform_all(one, 0, clouds);
  transform_all(one, 0, index("nbr"));
  const auto other = of_source(one, 0, "nbr");
  CAF_REQUIRE(!other.empty());
  for (const auto& row : other) {
    CAF_CHECK_EQUAL(property(load(one, 0, row, "nbr"), "clouds"), "spectral");
    const auto numbers = client_of(one, 0).measure({"a", to_string(row.key), "nbr", false});
    // Its bands are those of the image that it was derived of.
    CAF_CHECK(!numbers.has_value());
  }
}

CAF_TEST(derived images are inputs only by name and then carry both names) {
  test_cluster one{1};
  create(one, 1);
  store_product(one, write_product(one.files().path()));
  transform_all(one, 0, filtered("blur", "1"));
  transform_all(one, 0, filtered("edges"));
  const auto edges = of_source(one, 0, "edges").size();
  CAF_CHECK_EQUAL(edges, of_source(one, 0, "raw").size());
  auto by_name = filtered("edges");
  by_name.match.source = "blur-r1";
  transform_all(one, 0, by_name);
  CAF_CHECK_EQUAL(of_source(one, 0, "blur-r1-edges").size(), edges);
  CAF_CHECK_EQUAL(of_source(one, 0, "edges").size(), edges);
}

CAF_TEST(a node that dies in the middle leaves no half image and a rerun completes it) {
  test_cluster three{3};
  create(three, 2);
  store_product(three, write_product(three.files().path()));
  check_converged(three, 0, 2);
  auto task = three.ask<task_record>(0, three.handles(0).loader, atom::transform_v,
                                     filtered("median", "3"));
  CAF_REQUIRE(task.has_value());
  three.kill(2);
  const auto ended = three.wait_task(0, task->id);
  CAF_REQUIRE(ended.has_value());
  CAF_MESSAGE("completed " << ended->completed << " skipped " << ended->skipped);
  three.start(2);
  CAF_REQUIRE(three.settle());
  transform_all(three, 1, filtered("median", "3"));
  check_converged(three, 1, 2);
  const auto raw = of_source(three, 1, "raw"), made = of_source(three, 1, "median-r3");
  CAF_REQUIRE_EQUAL(made.size(), raw.size());
  for (size_t i = 0; i < made.size(); ++i)
    CAF_CHECK_EQUAL(made[i].pixel_coverage, raw[i].pixel_coverage);
}

CAF_TEST(what cannot be is refused and what an image lacks is its reason) {
  test_cluster one{1};
  create(one, 1);
  store_product(one, write_product(one.files().path()));
  const auto refused = [&](const transform_request& request) {
    return !one.ask<task_record>(0, one.handles(0).loader, atom::transform_v, request);
  };
  CAF_CHECK(refused(index("(nir")));
  CAF_CHECK(refused(index("nothing")));
  auto request = index("ndvi");
  request.options["type"] = "int8";
  CAF_CHECK(refused(request));
  request = index("nir + red");
  for (const auto* name : {"raw", "merged", "align-256", "ndvi", "blur-r5"}) {
    request.options["name"] = name;
    CAF_CHECK(refused(request));
  }
  CAF_CHECK(refused(filtered("bloom")));
  CAF_CHECK(refused(filtered("blur", "0")));
  CAF_CHECK(refused(filtered("blur", "two")));
  CAF_CHECK(refused(filtered("edges", "3")));
  const auto ended = transform(one, 0, index("nir - rededge"));
  CAF_CHECK(ended.state == task_state::failed);
  CAF_REQUIRE(!ended.errors.empty());
  CAF_CHECK(ended.errors.front().reason.find("no band rededge") != std::string::npos);
  const auto key = to_string(rows(one, 0).front().key);
  const auto node = client_of(one, 0);
  CAF_CHECK(node.measure({"a", key, "nir - rededge", false}).error().code == ec::unsupported);
  CAF_CHECK(node.measure({"a", key, "nir -", false}).error().code == ec::invalid_argument);
  CAF_CHECK(node.measure({"a", "no key", "ndvi", false}).error().code == ec::invalid_argument);
  CAF_CHECK(!node.measure({"b", key, "ndvi", false}).has_value());
}

CAF_TEST_FIXTURE_SCOPE_END()

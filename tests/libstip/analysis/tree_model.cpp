#define CAF_SUITE analysis.tree_model
#include "libstip/analysis/tree_model.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/lightgbm.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scene_planes.hpp"

using namespace stip;
using namespace stip::test;

namespace {

std::string sample(const std::string& name) {
  return read_text(STIP_TEST_DATA "/models/" + name);
}

tree_model model_of(const std::string& text) {
  auto made = tree_model::parse(text, "test");
  if (!made) CAF_FAIL(to_string(made.error()));
  return std::move(*made);
}

/// Rows of features, with what LightGBM made of them.
struct expectation {
  std::vector<std::vector<float>> planes;
  std::vector<double> raw, output;
};

expectation read_expectation(const std::string& name, size_t features) {
  expectation out;
  out.planes.resize(features);
  std::istringstream lines(sample(name));
  for (std::string line; std::getline(lines, line);) {
    std::vector<double> row;
    for (const char* at = line.c_str(); *at != 0;) {
      char* end = nullptr;
      row.push_back(std::strtod(at, &end));
      at = *end == ',' ? end + 1 : end;
    }
    CAF_REQUIRE_EQUAL(row.size(), features + 2);
    for (size_t f = 0; f < features; ++f) out.planes[f].push_back(float(row[f]));
    out.raw.push_back(row[features]);
    out.output.push_back(row[features + 1]);
  }
  return out;
}

double largest_difference(const std::vector<float>& a, const std::vector<double>& b) {
  double out = 0;
  for (size_t i = 0; i < a.size(); ++i) out = std::max(out, std::abs(double(a[i]) - b[i]));
  return out;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  CAF_REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

error refusal(const std::string& text) {
  const auto made = tree_model::parse(text, "test");
  CAF_REQUIRE(!made.has_value());
  return made.error();
}

bool says(const error& err, const std::string& text) {
  return to_string(err).find(text) != std::string::npos;
}

const auto small = "binary-nan-categories.txt";

}  // namespace

CAF_TEST(models with missing values and categories give what LightGBM gave) {
  for (const std::string name :
       {"binary-nan-categories", "binary-zero-missing", "binary-no-missing", "regression-forest"}) {
    const auto model = model_of(sample(name + ".txt"));
    CAF_REQUIRE_EQUAL(model.features().size(), 4u);
    CAF_CHECK_EQUAL(model.features()[2], "B11");
    const auto expected = read_expectation(name + ".csv", 4);
    CAF_CHECK(expected.raw.size() > 40);
    std::vector<double> raw(expected.raw.size());
    std::vector<float> output(raw.size());
    CAF_REQUIRE(model.predict_raw(spans_of(expected.planes), raw).has_value());
    CAF_REQUIRE(model.predict(spans_of(expected.planes), output).has_value());
    CAF_CHECK(raw == expected.raw);
    const auto difference = largest_difference(output, expected.output);
    CAF_MESSAGE(name << ": differs by " << difference);
    CAF_CHECK(difference < 1e-6);
  }
}

CAF_TEST(the number of pixels and what is beside them changes nothing) {
  const auto model = model_of(sample(small));
  const auto expected = read_expectation("binary-nan-categories.csv", 4);
  const auto rows = expected.raw.size();
  for (const size_t pixels : {0, 1, 63, 64, 65, 255, 257, 2047, 2048, 2049, 5000}) {
    std::vector<std::vector<float>> planes(4, std::vector<float>(pixels));
    for (size_t i = 0; i < pixels; ++i)
      for (size_t f = 0; f < 4; ++f) planes[f][i] = expected.planes[f][(i * 7 + i / 91) % rows];
    std::vector<double> raw(pixels);
    CAF_REQUIRE(model.predict_raw(spans_of(planes), raw).has_value());
    size_t wrong = 0;
    for (size_t i = 0; i < pixels; ++i) wrong += raw[i] != expected.raw[(i * 7 + i / 91) % rows];
    CAF_CHECK_EQUAL(wrong, 0u);
  }
}

CAF_TEST(a tree without splits is its leaf) {
  const auto model = model_of(
      "tree\nversion=v4\nmax_feature_idx=0\nfeature_names=a\n\nTree=0\nnum_leaves=1\nnum_cat=0\n"
      "leaf_value=0.25\n\n\nend of trees\n");
  const std::vector<std::vector<float>> planes(1, std::vector<float>(3));
  std::vector<float> out(3);
  CAF_REQUIRE(model.predict(spans_of(planes), out).has_value());
  CAF_CHECK(out == std::vector<float>(3, 0.25f));
}

CAF_TEST(bands of another number or length are refused) {
  const auto model = model_of(sample(small));
  std::vector<std::vector<float>> planes(3, std::vector<float>(5));
  std::vector<float> out(5);
  CAF_CHECK(code_of(model.predict(spans_of(planes), out)) == ec::invalid_argument);
  planes.emplace_back(4);
  const auto refused = model.predict(spans_of(planes), out);
  CAF_REQUIRE(!refused.has_value());
  CAF_CHECK(says(refused.error(), "class"));
}

CAF_TEST(what is not served is refused by its name) {
  const auto text = sample(small);
  const auto refuses = [&](const std::string& from, const std::string& to,
                           const std::string& named) {
    const auto err = refusal(replaced(text, from, to));
    CAF_CHECK(err.code == ec::unsupported);
    CAF_CHECK(says(err, named));
  };
  refuses("num_class=1", "num_class=3", "num_class=3");
  refuses("num_tree_per_iteration=1", "num_tree_per_iteration=3", "multiclass");
  refuses("objective=binary", "objective=multiclass", "multiclass");
  refuses("objective=binary", "objective=poisson", "poisson");
  refuses("is_linear=0", "is_linear=1", "linear");
  refuses("version=v4", "version=v9", "v9");
}

CAF_TEST(damaged models are refused) {
  const auto text = sample(small);
  CAF_CHECK(refusal("").code == ec::malformed);
  CAF_CHECK(refusal("tree\n").code == ec::unsupported);
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"left_child=", "left_child=0 "},
           {"right_child=", "right_child=9999 "},
           {"left_child=", "left_child=-2147483648 "},
           {"split_feature=", "split_feature=4 "},
           {"decision_type=", "decision_type=255 "},
           {"threshold=", "threshold=nan "},
           {"leaf_value=", "leaf_value=x "},
           {"leaf_value=", "leaf_value=inf "},
           {"num_leaves=7", "num_leaves=99999999999"},
           {"num_leaves=7", "num_leaves=0"},
           {"num_leaves=7", "num_leaves=7000000"},
           {"num_leaves=7", "num_leaves=6"},
           {"cat_boundaries=0", "cat_boundaries=0 4000000000"},
           {"cat_boundaries=0", "cat_boundaries=1"},
           {"num_cat=", "num_cat=5"},
           {"max_feature_idx=3", "max_feature_idx=4"},
           {"feature_names=B02", "feature_names="},
           {"end of trees", ""},
           {"sigmoid:1", "sigmoid:-1"}}) {
    const auto err = refusal(replaced(text, from, to));
    CAF_CHECK(err.code == ec::malformed || err.code == ec::limit_exceeded);
  }
  for (size_t cut = 0; cut + 14 < text.size(); cut += 37)
    CAF_CHECK(!tree_model::parse(text.substr(0, cut), "cut").has_value());
}

CAF_TEST(a circle of nodes is no tree) {
  const std::string head =
      "tree\nversion=v3\nmax_feature_idx=0\nfeature_names=a\n\nTree=0\nnum_leaves=3\nnum_cat=0\n"
      "split_feature=0 0\nthreshold=1 2\ndecision_type=2 2\nleaf_value=1 2 3\n";
  const std::string tail = "\nend of trees\n";
  CAF_CHECK(
      tree_model::parse(head + "left_child=1 -1\nright_child=-3 -2\n" + tail, "t").has_value());
  for (const auto* shape :
       {"left_child=0 -1\nright_child=-3 -2\n", "left_child=-2 1\nright_child=-3 -1\n",
        "left_child=1 -1\nright_child=1 -2\n", "left_child=1 -1\nright_child=-1 -2\n",
        "left_child=-1 -1\nright_child=-2 -2\n", "left_child=1 -1\nright_child=-4 -2\n"})
    CAF_CHECK(refusal(head + shape + tail).code == ec::malformed);
}

CAF_TEST(the bands of a model are its names or those of s2cloudless) {
  const auto names = [](size_t count, const std::string& stem) {
    std::string text =
        "tree\nversion=v2\nmax_feature_idx=" + std::to_string(count - 1) + "\nfeature_names=";
    for (size_t i = 0; i < count; ++i) text += stem + std::to_string(i) + " ";
    text += "\n\nTree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=1\n\nend of trees\n";
    return model_bands(model_of(text));
  };
  const auto ten = names(10, "Column_");
  CAF_REQUIRE(ten.has_value());
  CAF_CHECK(*ten == (std::vector<std::string>{"B01", "B02", "B04", "B05", "B08", "B8A", "B09",
                                              "B10", "B11", "B12"}));
  CAF_CHECK(code_of(names(9, "Column_")) == ec::unsupported);
  const auto named = names(2, "B0");
  CAF_REQUIRE(named.has_value());
  CAF_CHECK(*named == (std::vector<std::string>{"B00", "B01"}));
}

CAF_TEST(models that LightGBM trains now are evaluated alike) {
  const auto python = python_with_lightgbm();
  if (!python) {
    CAF_MESSAGE("skipped: python3 (or STIP_PYTHON) has no lightgbm");
    return;
  }
  const scratch_directory scratch;
  CAF_REQUIRE(run_python(*python, training_script, scratch.path()));
  size_t models = 0;
  for (;; ++models) {
    const auto stem = scratch / std::to_string(models);
    if (!std::filesystem::exists(stem + ".txt")) break;
    const auto model = model_of(read_text(stem + ".txt"));
    const auto features = model.features().size();
    const auto values = read_numbers<float>(stem + ".pixels");
    const auto expected = read_numbers<double>(stem + ".raw");
    const auto probabilities = read_numbers<double>(stem + ".output");
    CAF_REQUIRE_EQUAL(values.size(), expected.size() * features);
    std::vector<std::span<const float>> planes;
    for (size_t f = 0; f < features; ++f)
      planes.push_back(std::span(values).subspan(f * expected.size(), expected.size()));
    std::vector<double> raw(expected.size());
    std::vector<float> output(expected.size());
    CAF_REQUIRE(model.predict_raw(planes, raw).has_value());
    CAF_REQUIRE(model.predict(planes, output).has_value());
    size_t differing = 0;
    for (size_t i = 0; i < raw.size(); ++i) differing += raw[i] != expected[i];
    CAF_MESSAGE("model " << models << ": " << model.trees() << " trees, " << raw.size()
                         << " pixels, " << differing << " sums differ");
    CAF_CHECK_EQUAL(differing, 0u);
    CAF_CHECK(largest_difference(output, probabilities) < 1e-6);
  }
  CAF_CHECK(models >= 5);
}

CAF_TEST(the model of s2cloudless gives its probabilities) {
  const auto data = shared_data();
  const auto python = python_with_lightgbm();
  const auto path = python ? s2cloudless_model(*python) : std::nullopt;
  if (!data || !path) {
    CAF_MESSAGE("skipped: there is no s2cloudless beside lightgbm, or no STIP_SHARED_DATA");
    return;
  }
  const auto model = model_of(read_text(*path));
  const auto bands = model_bands(model);
  CAF_REQUIRE(bands.has_value());
  // The scenes hold 13 bands in the order of Sentinel-2's band ids, without names.
  const std::vector<std::string> order = {"B01", "B02", "B03", "B04", "B05", "B06", "B07",
                                          "B08", "B8A", "B09", "B10", "B11", "B12"};
  for (const auto* date : {"20150711T100008", "20150820T100728", "20150909T100017"}) {
    const auto folder = *data + "/sentinel2/eolearn-T33TVL-s2cloudless/";
    scene_options options;
    options.platform = "Sentinel-2-L1C";
    const auto scene = open_one(folder + "S2_L1C_13bands_" + date + ".tif", options);
    const auto wanted = open_one(folder + "CLP_S2C_" + date + ".tif", options);
    CAF_REQUIRE(scene != nullptr && wanted != nullptr);
    std::vector<std::vector<float>> planes;
    for (const auto& band : *bands) {
      const auto at = size_t(std::find(order.begin(), order.end(), band) - order.begin());
      planes.push_back(float_plane(*scene, {0, at}));
    }
    std::vector<float> output(planes[0].size());
    CAF_REQUIRE(model.predict(spans_of(planes), output).has_value());
    const auto expected = float_plane(*wanted, {0, 0});
    CAF_REQUIRE_EQUAL(expected.size(), output.size());
    double worst = 0;
    for (size_t i = 0; i < output.size(); ++i)
      worst = std::max(worst, double(std::abs(output[i] - expected[i])));
    CAF_MESSAGE(date << ": differs by at most " << worst);
    CAF_CHECK(worst < 1e-3);
  }
}

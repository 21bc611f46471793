#define CAF_SUITE cluster.clouds
#include <fstream>

#include "actors/client.hpp"
#include "tests/support/cluster/landsat_fixture.hpp"

// Cloud coverage as a fact of images: found by a task, or while storing.

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : landsat_fixture {
  static transform_request find_clouds(const std::string& method, bool force = false) {
    auto request = request_of("cloud");
    request.options["method"] = method;
    if (force) request.options["force"] = "yes";
    return request;
  }

  /// When the mask of each image was made, by key.
  std::map<std::string, version> masks(test_cluster& nodes, size_t i) {
    std::map<std::string, version> out;
    const auto node = client_of(nodes, i);
    for (const auto& row : rows(nodes, i)) {
      const auto image = node.details("a", row.key);
      if (!image) CAF_FAIL(to_string(image.error()));
      if (const auto* mask = image->mask()) out[to_string(row.key)] = mask->written;
    }
    return out;
  }

  static std::map<std::string, double> coverages(const std::vector<image_row>& images) {
    std::map<std::string, double> out;
    for (const auto& row : images) out[to_string(row.key)] = row.cloud_coverage.value_or(-1);
    return out;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cloud_tests, fixture)

CAF_TEST(one node and five find the same clouds and searches know them) {
  std::vector<image_contents> all;
  std::vector<std::map<std::string, double>> shares;
  scratch_directory files;
  const auto product = write_product(files.path());
  for (const size_t count : {1, 5}) {
    test_cluster nodes{count};
    create(nodes, count == 1 ? 1 : 2);
    store_product(nodes, product);
    const auto before = rows(nodes, 0);
    CAF_REQUIRE(!before.empty());
    for (const auto& row : before) CAF_CHECK(!row.cloud_coverage);

    transform_all(nodes, count - 1, find_clouds("auto"));
    const auto found = rows(nodes, 0);
    CAF_REQUIRE_EQUAL(found.size(), before.size());
    size_t clear = 0, cloudy = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      const auto& row = found[i];
      CAF_REQUIRE(row.cloud_coverage.has_value());
      clear += *row.cloud_coverage <= 0.25;
      cloudy += *row.cloud_coverage > 0.25;
      CAF_CHECK(row.key == before[i].key);
      CAF_CHECK(row.written == before[i].written);
      CAF_CHECK_EQUAL(row.pixel_coverage, before[i].pixel_coverage);
      CAF_REQUIRE_EQUAL(row.subdatasets.size(), before[i].subdatasets.size() + 1);
      CAF_CHECK_EQUAL(row.subdatasets.back().id, cloud_mask_name);
    }
    CAF_CHECK(clear > 0 && cloudy > 0);
    filter match;
    match.cloud_coverage = 0.25;
    const auto chosen = nodes.list(count - 1, "a", match);
    CAF_REQUIRE(chosen.has_value());
    CAF_CHECK_EQUAL(chosen->size(), clear);
    if (count > 1) check_converged(nodes, 0, 2);
    all.push_back(contents_of(found));
    shares.push_back(coverages(found));
  }
  CAF_CHECK(all[0] == all[1]);
  CAF_CHECK(shares[0] == shares[1]);
}

CAF_TEST(a mask is made once and anew when asked for or by another method) {
  test_cluster one{1};
  create(one, 1);
  store_product(one, write_product(one.files().path()));
  transform_all(one, 0, find_clouds("qa"));
  const auto first = masks(one, 0);
  const auto by_quality = coverages(rows(one, 0));
  CAF_CHECK_EQUAL(first.size(), rows(one, 0).size());
  for (const auto* method : {"qa", "auto"}) transform_all(one, 0, find_clouds(method));
  CAF_CHECK(masks(one, 0) == first);
  transform_all(one, 0, find_clouds("qa", true));
  const auto forced = masks(one, 0);
  CAF_REQUIRE_EQUAL(forced.size(), first.size());
  for (const auto& [key, when] : forced) CAF_CHECK(when > first.at(key));
  CAF_CHECK(coverages(rows(one, 0)) == by_quality);
  transform_all(one, 0, find_clouds("spectral"));
  for (const auto& [key, when] : masks(one, 0)) CAF_CHECK(when > forced.at(key));
  CAF_CHECK(coverages(rows(one, 0)) != by_quality);
}

CAF_TEST(what is found while storing is what is found later and it goes with its image) {
  test_cluster three{3};
  create(three, 2);
  const auto product = write_product(three.files().path());
  store_product(three, product, true);
  const auto while_storing = contents_of(rows(three, 1));
  const auto shares = coverages(rows(three, 1));
  for (const auto& [key, share] : shares) CAF_CHECK(share >= 0);

  auto gone = client_of(three, 0).erase("a", {});
  CAF_REQUIRE(gone.has_value());
  CAF_REQUIRE(rows(three, 1).empty());
  store_product(three, product);
  for (const auto& [key, share] : coverages(rows(three, 2))) CAF_CHECK_EQUAL(share, -1.0);
  transform_all(three, 2, find_clouds("auto"));
  CAF_CHECK(contents_of(rows(three, 0)) == while_storing);
  CAF_CHECK(coverages(rows(three, 0)) == shares);
  check_converged(three, 1, 2);
}

CAF_TEST(a node that dies in the middle leaves no half image and a rerun completes it) {
  test_cluster three{3};
  create(three, 2);
  store_product(three, write_product(three.files().path()));
  check_converged(three, 0, 2);
  auto task = three.ask<task_record>(0, three.handles(0).loader, atom::transform_v,
                                     find_clouds("spectral"));
  CAF_REQUIRE(task.has_value());
  three.kill(2);
  const auto ended = three.wait_task(0, task->id);
  CAF_REQUIRE(ended.has_value());
  CAF_MESSAGE("completed " << ended->completed << " skipped " << ended->skipped);
  three.start(2);
  CAF_REQUIRE(three.settle());
  transform_all(three, 1, find_clouds("spectral"));
  check_converged(three, 1, 2);
  for (const auto& row : rows(three, 1)) {
    CAF_CHECK(row.cloud_coverage.has_value());
    CAF_CHECK_EQUAL(row.subdatasets.back().id, cloud_mask_name);
  }
}

CAF_TEST(a model of ones own finds clouds where its bands are there and names those that are not ) {
  test_cluster one{1};
  create(one, 1);
  store_product(one, write_product(one.files().path()));
  const auto by_model = [&](const std::string& name, const std::string& band, double threshold) {
    std::ofstream{one.files() / name}
        << "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
           "max_feature_idx=1\nobjective=regression\nfeature_names="
        << band << " SR_B4\nfeature_infos=[0:1] [0:1]\ntree_sizes=200\n\nTree=0\nnum_leaves=2\n"
        << "num_cat=0\nsplit_feature=0\nsplit_gain=1\nthreshold=" << threshold
        << "\ndecision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=0.1 0.9\n"
           "leaf_weight=1 1\nleaf_count=1 1\ninternal_value=0.5\ninternal_weight=2\n"
           "internal_count=2\nis_linear=0\nshrinkage=1\n\n\nend of trees\n";
    auto request = find_clouds("model");
    request.options["model"] = one.files() / name;
    return request;
  };
  const auto sum = [&] {
    double out = 0;
    for (const auto& row : rows(one, 0)) out += row.cloud_coverage.value_or(-1);
    return out;
  };
  transform_all(one, 0, by_model("low.txt", "SR_B2", 0.05));
  const auto many = sum();
  const auto first = masks(one, 0);
  transform_all(one, 0, by_model("low.txt", "SR_B2", 0.05));
  CAF_CHECK(masks(one, 0) == first);
  // Another model takes its place though the method is the same.
  transform_all(one, 0, by_model("high.txt", "SR_B2", 0.35));
  CAF_CHECK(sum() < many);
  const auto image = client_of(one, 0).details("a", rows(one, 0).front().key);
  CAF_REQUIRE(image.has_value() && image->mask_scene);
  CAF_CHECK_EQUAL(image->mask_scene->properties.at("method"), "model");
  CAF_CHECK_EQUAL(image->mask_scene->properties.at("model"), "high.txt");
  const auto ended = transform(one, 0, by_model("other.txt", "B99", 0.5));
  CAF_CHECK(ended.state == task_state::failed);
  CAF_REQUIRE(!ended.errors.empty());
  CAF_CHECK(ended.errors.front().reason.find("B99") != std::string::npos);
}

CAF_TEST(an image without the means is skipped with the reason and a wrong request is refused) {
  test_cluster one{1};
  create(one, 1);
  auto request = sample_request("a", write_scenes(one.files().path(), 1), precision);
  request.cloud = true;
  const auto stored = one.store(0, request);
  CAF_REQUIRE(stored.has_value() && stored->state == task_state::done);
  CAF_CHECK_EQUAL(stored->skipped, 0u);
  CAF_REQUIRE_EQUAL(stored->errors.size(), 1u);
  CAF_CHECK(stored->errors.front().reason.find("clouds are not known") != std::string::npos);
  const auto ended = transform(one, 0, find_clouds("auto"));
  CAF_CHECK(ended.state == task_state::failed);
  CAF_CHECK_EQUAL(ended.skipped, rows(one, 0).size());
  for (const auto* wrong : {"sorcery", "model"})
    CAF_CHECK(
        !one.ask<task_record>(0, one.handles(0).loader, atom::transform_v, find_clouds(wrong)));
  auto missing = find_clouds("model");
  missing.options["model"] = one.files() / "nothing.txt";
  CAF_CHECK(transform(one, 0, missing).state == task_state::failed);
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE cluster.three_nodes
#include <caf/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "tests/support/cluster/image_contents.hpp"
#include "tests/support/cluster/test_cluster.hpp"

using namespace stip;
using namespace stip::test;

namespace {

std::string landsat_scene() {
  for (const auto* variable : {"STIP_LANDSAT_SCENE", "STIP_SHARED_DATA"})
    if (const auto* value = std::getenv(variable)) {
      std::filesystem::path path{value};
      if (std::filesystem::is_directory(path)) path /= "landsat/L7_ETMs.tif";
      if (std::filesystem::exists(path)) return path;
    }
  return {};
}

store_request landsat_request(const std::string& scene) {
  store_request request;
  request.album = "olinda";
  request.glob = scene;
  request.format = "generic";
  request.precision = 6;
  request.threads = 2;
  request.platform = "Landsat7";
  request.timestamp = "2000-01-01";
  return request;
}

std::vector<std::string> keys(const std::vector<image_row>& rows) {
  std::vector<std::string> out;
  for (const auto& row : rows) out.push_back(to_string(row.key));
  return out;
}

}  // namespace

CAF_TEST(three nodes hold every chip of a real scene once and where the ring says) {
  const auto scene = landsat_scene();
  if (scene.empty()) {
    CAF_MESSAGE("skipped: no Landsat scene (sbin/fetch-scene brings it)");
    return;
  }
  test_cluster three{3};
  CAF_REQUIRE(three.settle());
  auto created = three.create_album(0, "olinda", geocode_algorithm::geohash);
  if (!created) CAF_FAIL(to_string(created.error()));
  auto task = three.store(1, landsat_request(scene));
  if (!task) CAF_FAIL(to_string(task.error()));
  for (const auto& err : task->errors) CAF_MESSAGE(err.reason);
  CAF_REQUIRE(task->state == task_state::done);
  CAF_CHECK_EQUAL(task->completed, 1u);

  auto listed = three.list(0, "olinda");
  if (!listed) CAF_FAIL(to_string(listed.error()));
  CAF_CHECK(!listed->empty());
  std::map<std::string, size_t> images_of_node;
  for (const auto& row : *listed) {
    CAF_REQUIRE_EQUAL(row.nodes.size(), 1u);
    ++images_of_node[row.nodes.front()];
    auto place =
        three.ask<placement>(2, three.handles(2).ring, atom::locate_v, row.key.geocode, album{});
    CAF_REQUIRE(place.has_value());
    CAF_CHECK_EQUAL(node_name(place->nodes.front().info.id), row.nodes.front());
  }
  CAF_CHECK_EQUAL(images_of_node.size(), 3u);

  // Every node gives the same answer in the same order.
  for (size_t i = 1; i < 3; ++i) {
    auto other = three.list(i, "olinda");
    CAF_REQUIRE(other.has_value());
    CAF_CHECK(keys(*other) == keys(*listed));
  }

  // One node alone makes the same images.
  test_cluster one{1};
  CAF_REQUIRE(one.settle());
  CAF_REQUIRE(one.create_album(0, "olinda", geocode_algorithm::geohash).has_value());
  auto alone = one.store(0, landsat_request(scene));
  CAF_REQUIRE(alone.has_value());
  auto listed_alone = one.list(0, "olinda");
  CAF_REQUIRE(listed_alone.has_value());
  CAF_CHECK(contents_of(*listed_alone) == contents_of(*listed));

  // Storing the same scene again changes nothing.
  auto again = three.store(2, landsat_request(scene));
  CAF_REQUIRE(again.has_value());
  CAF_CHECK(again->state == task_state::done);
  auto relisted = three.list(0, "olinda");
  CAF_REQUIRE(relisted.has_value());
  CAF_CHECK(contents_of(*relisted) == contents_of(*listed));
}

#define CAF_SUITE cluster.faults
#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <map>
#include <set>
#include <thread>

#include "tests/support/cluster/image_contents.hpp"
#include "tests/support/cluster/sample_request.hpp"
#include "tests/support/cluster/test_cluster.hpp"
#include "tests/support/libstip/sample_scene.hpp"

using namespace stip;
using namespace stip::test;

namespace {

image_contents contents(test_cluster& nodes, size_t i) {
  auto rows = nodes.list(i, "a");
  if (!rows) CAF_FAIL(to_string(rows.error()));
  return contents_of(*rows);
}

bool holds_all(const image_contents& all, const image_contents& part) {
  return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

}  // namespace

CAF_TEST(an album is known on every node as soon as it is created) {
  test_cluster three{3};
  CAF_REQUIRE(three.settle());
  CAF_REQUIRE(three.create_album(0, "a", geocode_algorithm::quadtile).has_value());
  for (size_t i = 0; i < 3; ++i) {
    auto albums = three.ask<std::vector<album>>(i, three.handles(i).albums, atom::list_v);
    CAF_REQUIRE(albums.has_value());
    CAF_REQUIRE_EQUAL(albums->size(), 1u);
    CAF_CHECK_EQUAL(albums->front().name, "a");
  }
  CAF_CHECK(!three.create_album(2, "a", geocode_algorithm::geohash));

  // Closed on one node, it refuses queries on all, over a restart too; it still takes stores.
  auto glob = write_scenes(three.files().path(), 1);
  CAF_REQUIRE(
      three.ask<album>(1, three.handles(1).albums, atom::close_v, std::string{"a"}).has_value());
  CAF_CHECK(!three.list(2, "a"));
  three.stop(2);
  three.start(2);
  CAF_REQUIRE(three.settle());
  CAF_CHECK(!three.list(2, "a"));
  auto request = sample_request("a", glob);
  request.precision = 13;
  auto task = three.store(0, request);
  if (!task) CAF_FAIL(to_string(task.error()));
  for (const auto& err : task->errors) CAF_MESSAGE(err.reason);
  CAF_CHECK(task->state == task_state::done);
  CAF_REQUIRE(
      three.ask<album>(2, three.handles(2).albums, atom::open_v, std::string{"a"}).has_value());
  CAF_CHECK(!contents(three, 0).empty());

  CAF_REQUIRE(
      three.ask<album>(0, three.handles(0).albums, atom::remove_v, std::string{"a"}).has_value());
  for (size_t i = 0; i < 3; ++i) CAF_CHECK(!three.list(i, "a"));
  // A new album of that name is another one.
  CAF_REQUIRE(three.create_album(1, "a", geocode_algorithm::geohash).has_value());
  CAF_CHECK(contents(three, 2).empty());
}

CAF_TEST(a node that is killed during a load keeps what was acknowledged and a rerun completes it) {
  test_cluster three{3};
  CAF_REQUIRE(three.settle());
  CAF_REQUIRE(three.create_album(0, "a", geocode_algorithm::geohash).has_value());
  const auto glob = write_scenes(three.files().path(), 8);
  auto started =
      three.ask<task_record>(0, three.handles(0).loader, atom::store_v, sample_request("a", glob));
  CAF_REQUIRE(started.has_value());
  image_contents seen;
  while (seen.size() < 20) seen = contents(three, 0);
  three.kill(2);
  // What the two others hold is still told; the third is named as missing.
  find_request find;
  find.album = "a";
  auto partial = three.ask<query_answer>(0, three.handles(0).query, atom::find_v, find);
  CAF_REQUIRE(partial.has_value());
  CAF_CHECK(!partial->problems.empty());
  auto ended = three.wait_task(0, started->id);
  CAF_REQUIRE(ended.has_value());
  CAF_MESSAGE("with a node killed: " << ended->completed << " stored, " << ended->skipped
                                     << " skipped of " << ended->total);
  CAF_CHECK_EQUAL(ended->completed + ended->skipped, ended->total);
  for (const auto& err : ended->errors) CAF_CHECK(!err.reason.empty());

  three.start(2);
  CAF_REQUIRE(three.settle());
  CAF_CHECK(holds_all(contents(three, 1), seen));
  auto again = three.store(1, sample_request("a", glob));
  CAF_REQUIRE(again.has_value());
  for (const auto& err : again->errors) CAF_MESSAGE(err.reason);
  CAF_CHECK_EQUAL(again->completed, 8u);
  const auto whole = contents(three, 0);
  CAF_CHECK(holds_all(whole, seen));

  test_cluster one{1};
  CAF_REQUIRE(one.settle());
  CAF_REQUIRE(one.create_album(0, "a", geocode_algorithm::geohash).has_value());
  CAF_REQUIRE(one.store(0, sample_request("a", glob)).has_value());
  CAF_CHECK(contents(one, 0) == whole);
}

CAF_TEST(a node whose links are silent is told as missing and comes back) {
  test_cluster three{3};
  CAF_REQUIRE(three.settle());
  CAF_REQUIRE(three.create_album(0, "a", geocode_algorithm::geohash).has_value());
  const auto glob = write_scenes(three.files().path(), 2);
  CAF_REQUIRE(three.store(0, sample_request("a", glob)).has_value());
  const auto before = contents(three, 0);
  three.silence(0, 2, true);
  three.silence(1, 2, true);
  // A search asks everyone, gives what there is, and names who did not answer.
  find_request find;
  find.album = "a";
  find.limit = 1000;
  std::vector<std::string> problems;
  for (int i = 0; i < 100 && problems.empty(); ++i) {
    auto answer = three.ask<query_answer>(0, three.handles(0).query, atom::find_v, find);
    CAF_REQUIRE(answer.has_value());
    problems = answer->problems;
  }
  CAF_REQUIRE(!problems.empty());
  CAF_CHECK(problems.front().find(node_name(three.node(2).id())) != std::string::npos);
  three.restore(0, 2);
  three.restore(1, 2);
  CAF_REQUIRE(three.settle());
  CAF_CHECK(contents(three, 0) == before);
}

CAF_TEST(deleted images are gone on every node and can be stored again) {
  test_cluster two{2};
  CAF_REQUIRE(two.settle());
  CAF_REQUIRE(two.create_album(0, "a", geocode_algorithm::geohash).has_value());
  const auto glob = write_scenes(two.files().path(), 2);
  CAF_REQUIRE(two.store(0, sample_request("a", glob)).has_value());
  const auto before = contents(two, 0);
  filter match;
  match.tile = "scene0";
  auto erased = two.ask<uint64_t>(1, two.handles(1).albums, atom::erase_v, std::string{"a"}, match,
                                  version{});
  if (!erased) CAF_FAIL(to_string(erased.error()));
  CAF_CHECK(*erased > 0);
  const auto after = contents(two, 0);
  CAF_CHECK_EQUAL(after.size() + *erased, before.size());
  for (const auto& [key, content] : after) CAF_CHECK(key.find("/scene0/") == std::string::npos);
  two.stop(0);
  two.start(0);
  CAF_REQUIRE(two.settle());
  CAF_CHECK(contents(two, 0) == after);
  CAF_REQUIRE(two.store(1, sample_request("a", glob)).has_value());
  CAF_CHECK(contents(two, 1) == before);
}

CAF_TEST(a full disk refuses chips with its reason and the rest of the load goes on) {
  test_cluster one{1};
  CAF_REQUIRE(one.settle());
  CAF_REQUIRE(one.create_album(0, "a", geocode_algorithm::geohash).has_value());
  const auto glob = write_scenes(one.files().path(), 2);
  one.disk(0).limit_space(1 << 20);
  auto refused = one.store(0, sample_request("a", glob));
  CAF_REQUIRE(refused.has_value());
  CAF_CHECK(refused->skipped > 0);
  CAF_REQUIRE(!refused->errors.empty());
  CAF_MESSAGE(refused->errors.front().reason);
  one.disk(0).unlimit_space();
  auto again = one.store(0, sample_request("a", glob));
  CAF_REQUIRE(again.has_value());
  CAF_CHECK_EQUAL(again->completed, 2u);
}

CAF_TEST(a load under a small memory limit stays under it or says what it needs) {
  test_cluster one{1, [](node_settings& s) { s.memory_limit = uint64_t{8} << 20; }};
  CAF_REQUIRE(one.settle());
  CAF_REQUIRE(one.create_album(0, "a", geocode_algorithm::geohash).has_value());
  sample_scene big;
  big.width = big.height = 2048;
  big.tile = 2048;
  write_scene(one.files() / "big.tif", big);
  auto refused = one.store(0, sample_request("a", one.files() / "big.tif"));
  CAF_REQUIRE(refused.has_value());
  CAF_CHECK(refused->state == task_state::failed);
  CAF_REQUIRE(!refused->errors.empty());
  CAF_MESSAGE(refused->errors.front().reason);
  CAF_CHECK(refused->errors.front().reason.find("MiB") != std::string::npos);
}

CAF_TEST(a node that stops during a load ends soon and cleanly) {
  test_cluster two{2};
  CAF_REQUIRE(two.settle());
  CAF_REQUIRE(two.create_album(0, "a", geocode_algorithm::geohash).has_value());
  const auto glob = write_scenes(two.files().path(), 8);
  for (int round = 0; round < 3; ++round) {
    auto request = sample_request("a", glob);
    request.precision = 5 + round;
    CAF_REQUIRE(two.ask<task_record>(0, two.handles(0).loader, atom::store_v, request).has_value());
    while (contents(two, 1).size() < size_t(3 + round)) continue;
    two.node(0).stop();
    // Far below the deadlines of requests: nothing waits for an answer that cannot come.
    CAF_CHECK(two.node(0).wait(std::chrono::seconds{25}));
    two.stop(0);
    two.start(0);
    CAF_REQUIRE(two.settle());
  }
}

CAF_TEST(a task id that runs for another album is refused wherever it is asked for) {
  test_cluster two{2};
  CAF_REQUIRE(two.settle());
  CAF_REQUIRE(two.create_album(0, "a", geocode_algorithm::geohash).has_value());
  CAF_REQUIRE(two.create_album(0, "b", geocode_algorithm::geohash).has_value());
  const auto glob = write_scenes(two.files().path(), 8);
  auto request = sample_request("a", glob);
  request.task = "mine";
  auto first = two.ask<task_record>(0, two.handles(0).loader, atom::store_v, request);
  CAF_REQUIRE(first.has_value());
  auto joined = two.ask<task_record>(1, two.handles(1).loader, atom::store_v, request);
  request.album = std::string{"b"};
  auto refused = two.ask<task_record>(1, two.handles(1).loader, atom::store_v, request);
  auto ended = two.wait_task(0, "mine");
  CAF_REQUIRE(joined.has_value() && ended.has_value());
  CAF_CHECK_EQUAL(ended->total, 8u);
  if (refused.has_value())
    CAF_MESSAGE("the task had ended before the second request came");
  else
    CAF_CHECK(refused.error().code == ec::conflict);
}

#define CAF_SUITE cluster.copies
#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <set>
#include <thread>

#include "libstip/cluster/replication.hpp"
#include "tests/support/cluster/image_contents.hpp"
#include "tests/support/cluster/sample_request.hpp"
#include "tests/support/cluster/test_cluster.hpp"
#include "tests/support/libstip/sample_scene.hpp"

// Albums with several copies of each chip, while nodes come and go.

using namespace stip;
using namespace stip::test;

namespace {

constexpr int patience = 600;
constexpr std::chrono::milliseconds look_again{50};

struct fixture {
  void create(test_cluster& nodes, uint32_t copies) {
    CAF_REQUIRE(nodes.settle());
    album wanted;
    wanted.name = "a";
    wanted.replication = copies;
    auto created = nodes.ask<album>(0, nodes.handles(0).albums, atom::create_v, wanted);
    if (!created) CAF_FAIL(to_string(created.error()));
    CAF_CHECK_EQUAL(created->replication, copies);
  }

  void store(test_cluster& nodes, size_t i, const std::string& glob) {
    auto task = nodes.store(i, sample_request("a", glob));
    if (!task) CAF_FAIL(to_string(task.error()));
    for (const auto& err : task->errors) CAF_MESSAGE(err.reason);
    CAF_REQUIRE(task->state == task_state::done);
    CAF_REQUIRE_EQUAL(task->completed, task->total);
  }

  std::optional<query_answer> answer(test_cluster& nodes, size_t i, size_t limit = 1) {
    find_request find;
    find.album = "a";
    find.limit = limit;
    auto answer = nodes.ask<query_answer>(i, nodes.handles(i).query, atom::find_v, find);
    return answer ? std::optional{*answer} : std::nullopt;
  }

  /// All rows, once the answer is complete.
  std::vector<image_row> rows(test_cluster& nodes, size_t i) {
    for (int attempt = 0; attempt < patience; ++attempt) {
      if (const auto now = answer(nodes, i); now && now->problems.empty()) {
        auto all = nodes.list(i, "a");
        if (!all) CAF_FAIL(to_string(all.error()));
        return *all;
      }
      std::this_thread::sleep_for(look_again);
    }
    CAF_FAIL("the answer never becomes complete");
  }

  /// Waits until each image lies on exactly its replicas, as the nodes themselves tell it.
  void check_converged(test_cluster& nodes, size_t i, uint32_t copies) {
    album of;
    of.replication = copies;
    std::string last;
    for (int attempt = 0; attempt < patience; ++attempt) {
      last.clear();
      for (const auto& row : rows(nodes, i)) {
        auto place =
            nodes.ask<placement>(i, nodes.handles(i).ring, atom::locate_v, row.key.geocode, of);
        if (!place) CAF_FAIL(to_string(place.error()));
        std::vector<std::string> expected;
        for (const auto& m : place->nodes) expected.push_back(node_name(m.info.id));
        std::sort(expected.begin(), expected.end());
        if (expected != row.nodes) last = to_string(row.key);
      }
      if (last.empty()) return;
      std::this_thread::sleep_for(look_again);
    }
    CAF_FAIL("image " << last << " does not come to its replicas");
  }

  uint64_t counted(test_cluster& nodes, size_t i) {
    find_request find;
    find.album = "a";
    auto answer = nodes.ask<query_answer>(i, nodes.handles(i).query, atom::extents_v, find);
    if (!answer) CAF_FAIL(to_string(answer.error()));
    const auto rows = decode_extent_rows(answer->rows);
    CAF_REQUIRE(rows.has_value());
    uint64_t sum = 0;
    for (const auto& row : *rows) sum += row.count;
    return sum;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(copies_tests, fixture)

CAF_TEST(every image lies on its replicas and is listed and counted once) {
  test_cluster three{3};
  create(three, 2);
  store(three, 1, write_scenes(three.files().path(), 3));
  const auto all = rows(three, 0);
  CAF_CHECK(!all.empty());
  check_converged(three, 2, 2);
  for (size_t i = 0; i < 3; ++i) {
    CAF_CHECK_EQUAL(counted(three, i), all.size());
    CAF_CHECK(contents_of(rows(three, i)) == contents_of(all));
  }
  const auto status =
      three.ask<album_status>(0, three.handles(0).albums, atom::status_v, std::string{"a"});
  CAF_REQUIRE(status);
  CAF_CHECK_EQUAL(status->total.images, all.size());
  // Images are counted once, chips as often as they are stored.
  CAF_CHECK(status->total.chips >= 2 * all.size());
  // The same again is known everywhere.
  store(three, 2, three.files() / "scene*.tif");
  CAF_CHECK(contents_of(rows(three, 1)) == contents_of(all));
}

CAF_TEST(with a node away all is there and what is stored and deleted meanwhile reaches it later) {
  test_cluster three{3};
  create(three, 2);
  const auto glob = write_scenes(three.files().path(), 4);
  store(three, 0, three.files() / "scene[01].tif");
  const auto before = contents_of(rows(three, 0));
  three.kill(2);
  // The others know all, and take what is new: somebody stands in for the third.
  CAF_CHECK(contents_of(rows(three, 0)) == before);
  store(three, 1, glob);
  const auto meanwhile = contents_of(rows(three, 1));
  CAF_CHECK(meanwhile.size() > before.size());
  three.start(2);
  CAF_REQUIRE(three.settle());
  check_converged(three, 2, 2);
  CAF_CHECK(contents_of(rows(three, 2)) == meanwhile);
  CAF_CHECK_EQUAL(counted(three, 2), rows(three, 2).size());
}

CAF_TEST(a node that was away while images were deleted does not bring them back) {
  test_cluster three{3};
  create(three, 3);
  store(three, 0, write_scenes(three.files().path(), 2));
  check_converged(three, 0, 3);
  const auto all = rows(three, 0);
  three.kill(1);
  // Two of three copies confirm a deletion.
  filter match;
  match.tile = all.front().key.tile;
  for (int attempt = 0; attempt < patience; ++attempt) {
    const auto erased = three.ask<uint64_t>(0, three.handles(0).albums, atom::erase_v,
                                            std::string{"a"}, match, version{});
    if (erased) break;
    std::this_thread::sleep_for(look_again);
  }
  const auto left = contents_of(rows(three, 0));
  CAF_CHECK(!left.empty() && left.size() < contents_of(all).size());
  three.start(1);
  // From the first moment on nobody shows them.
  for (int i = 0; i < 50; ++i)
    if (auto now = answer(three, 0, 100'000); now) {
      const auto decoded = decode_image_rows(now->rows);
      CAF_REQUIRE(decoded.has_value());
      for (const auto& row : *decoded) CAF_REQUIRE(row.key.tile != *match.tile);
    }
  CAF_REQUIRE(three.settle());
  check_converged(three, 1, 3);
  CAF_CHECK(contents_of(rows(three, 1)) == left);
}

CAF_TEST(too few nodes refuse a store and name those that are away) {
  test_cluster two{2};
  create(two, 2);
  const auto glob = write_scenes(two.files().path(), 1);
  const auto gone = node_name(two.node(1).id());
  two.kill(1);
  // Until the other one is known to be away, chips are sent to it in vain.
  auto task = two.store(0, sample_request("a", glob));
  if (!task) CAF_FAIL(to_string(task.error()));
  CAF_CHECK(task->state == task_state::failed);
  CAF_REQUIRE_EQUAL(task->errors.size(), 1u);
  CAF_CHECK(task->errors.front().reason.find(gone) != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()

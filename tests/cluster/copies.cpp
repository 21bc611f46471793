#define CAF_SUITE cluster.copies
#include "tests/support/cluster/copies_fixture.hpp"

// Albums with several copies of each chip, while nodes come and go.

using namespace stip;
using namespace stip::test;

CAF_TEST_FIXTURE_SCOPE(copies_tests, copies_fixture)

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

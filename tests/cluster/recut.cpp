#define CAF_SUITE cluster.recut
#include "actors/client.hpp"
#include "tests/support/cluster/transform_fixture.hpp"

// Split and merge as tasks of a cluster.

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : transform_fixture {
  task_record split(test_cluster& nodes, size_t i, int32_t precision, std::string bound = {}) {
    auto request = request_of("split");
    request.precision = precision;
    if (!bound.empty()) request.options["bound"] = std::move(bound);
    request.match.source = "raw";
    return transform(nodes, i, request);
  }

  task_record merge(test_cluster& nodes, size_t i, int32_t precision, const std::string& source) {
    auto request = request_of("merge");
    request.precision = precision;
    request.match.source = source;
    return transform(nodes, i, request);
  }
};

/// Coverage and content of each image by platform, geocode, tile and time, whatever its source.
std::map<std::string, std::pair<double, std::string>> by_cell(const std::vector<image_row>& rows) {
  std::map<std::string, std::pair<double, std::string>> out;
  for (const auto& row : rows) {
    auto key = row.key;
    key.source = "any";
    out[to_string(key)] = {row.pixel_coverage, to_string(row.subdatasets.at(0).content)};
  }
  return out;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(recut_tests, fixture)

CAF_TEST(one node and five make the same images and a merge of a split gives back what was split) {
  std::vector<image_contents> all;
  for (const size_t count : {1, 5}) {
    test_cluster nodes{count};
    create(nodes, count == 1 ? 1 : 2);
    const auto glob = write_scenes(nodes.files().path(), 2);
    auto stored = nodes.store(0, sample_request("a", glob, 5));
    CAF_REQUIRE(stored.has_value() && stored->state == task_state::done);
    const auto raw = of_source(nodes, 0, "raw");
    CAF_REQUIRE(!raw.empty());

    const auto cut = split(nodes, count - 1, 6);
    CAF_CHECK(cut.state == task_state::done);
    CAF_CHECK_EQUAL(cut.skipped, 0u);
    CAF_CHECK_EQUAL(cut.completed, raw.size());
    const auto pieces = of_source(nodes, 0, "split");
    CAF_CHECK(pieces.size() > raw.size());
    for (const auto& piece : pieces) CAF_CHECK_EQUAL(piece.key.geocode.size(), 6u);

    const auto joined = merge(nodes, 0, 5, "split");
    CAF_CHECK(joined.state == task_state::done);
    CAF_CHECK_EQUAL(joined.skipped, 0u);
    CAF_CHECK_EQUAL(joined.completed, raw.size());
    const auto merged = of_source(nodes, 0, "merged");
    CAF_CHECK_EQUAL(merged.size(), raw.size());
    const auto before = by_cell(raw), after = by_cell(merged);
    for (const auto& [key, image] : before) {
      CAF_REQUIRE(after.contains(key));
      CAF_CHECK_EQUAL(after.at(key).first, image.first);
    }
    // Where no scene is left to look at, the pieces are what a store at their precision gives.
    auto finer = nodes.store(0, sample_request("a", glob, 6));
    CAF_REQUIRE(finer.has_value() && finer->state == task_state::done);
    std::vector<image_row> direct;
    for (auto& row : of_source(nodes, 0, "raw"))
      if (row.key.geocode.size() == 6) direct.push_back(std::move(row));
    CAF_CHECK(by_cell(direct) == by_cell(pieces));
    if (count > 1) check_converged(nodes, 0, 2);
    all.push_back(contents_of(rows(nodes, 0)));
  }
  CAF_CHECK(all[0] == all[1]);
}

CAF_TEST(a repeated split makes nothing anew and a bound takes only what lies within) {
  test_cluster two{2};
  create(two, 2);
  auto stored = two.store(0, sample_request("a", write_scenes(two.files().path(), 1), 5));
  CAF_REQUIRE(stored.has_value());
  const auto raw = of_source(two, 0, "raw");
  const auto bound = raw.front().key.geocode;
  CAF_CHECK(split(two, 0, 6, bound).state == task_state::done);
  const auto within = of_source(two, 1, "split");
  CAF_REQUIRE(!within.empty());
  for (const auto& row : within) CAF_CHECK(row.key.geocode.starts_with(bound));
  CAF_CHECK(split(two, 1, 6).state == task_state::done);
  const auto pieces = of_source(two, 1, "split");
  CAF_CHECK(pieces.size() > within.size());
  CAF_CHECK(split(two, 0, 6).state == task_state::done);
  const auto again = of_source(two, 1, "split");
  CAF_REQUIRE_EQUAL(again.size(), pieces.size());
  for (size_t i = 0; i < again.size(); ++i) CAF_CHECK(again[i].written == pieces[i].written);
  // Nothing is shorter than that, and nothing longer is merged into it.
  const auto nothing = split(two, 0, 5);
  CAF_CHECK(nothing.state == task_state::done);
  CAF_CHECK_EQUAL(nothing.total, 0u);
}

CAF_TEST(a split goes on without a node that dies in the middle and a rerun completes it) {
  test_cluster three{3};
  create(three, 2);
  auto stored = three.store(0, sample_request("a", write_scenes(three.files().path(), 4), 4));
  CAF_REQUIRE(stored.has_value());
  check_converged(three, 0, 2);
  transform_request request;
  request.kind = "split";
  request.album = "a";
  request.precision = 6;
  request.match.source = "raw";
  auto task = three.ask<task_record>(0, three.handles(0).loader, atom::transform_v, request);
  CAF_REQUIRE(task.has_value());
  three.kill(2);
  const auto ended = three.wait_task(0, task->id);
  CAF_REQUIRE(ended.has_value());
  CAF_MESSAGE("completed " << ended->completed << " skipped " << ended->skipped);
  // Whatever it says: no half image is listed, and a rerun makes what is missing.
  three.start(2);
  CAF_REQUIRE(three.settle());
  const auto rerun = split(three, 1, 6);
  CAF_CHECK(rerun.state == task_state::done);
  CAF_CHECK_EQUAL(rerun.skipped, 0u);
  check_converged(three, 1, 2);
  auto finer = three.store(0, sample_request("a", three.files() / "scene*.tif", 6));
  CAF_REQUIRE(finer.has_value());
  std::vector<image_row> direct;
  for (auto& row : of_source(three, 0, "raw"))
    if (row.key.geocode.size() == 6) direct.push_back(std::move(row));
  CAF_CHECK(by_cell(direct) == by_cell(of_source(three, 0, "split")));
}

CAF_TEST(what cannot be is refused before a task begins) {
  test_cluster one{1};
  create(one, 1);
  const auto refused = [&](transform_request request) {
    return !one.ask<task_record>(0, one.handles(0).loader, atom::transform_v, request);
  };
  transform_request good;
  good.kind = "split";
  good.album = "a";
  good.precision = 5;
  CAF_CHECK(!refused(good));
  auto bad = good;
  bad.kind = "stir";
  CAF_CHECK(refused(bad));
  bad = good;
  bad.album = "nobody";
  CAF_CHECK(refused(bad));
  bad = good;
  bad.precision = 13;
  CAF_CHECK(refused(bad));
  bad = good;
  bad.options["bound"] = "ailo";
  CAF_CHECK(refused(bad));
  bad = good;
  bad.kind = "merge";
  bad.options["bound"] = "u";
  CAF_CHECK(refused(bad));
  bad = good;
  bad.match.geocode = "!";
  CAF_CHECK(refused(bad));
}

CAF_TEST_FIXTURE_SCOPE_END()

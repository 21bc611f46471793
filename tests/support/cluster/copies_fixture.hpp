#pragma once

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/cluster/image_contents.hpp"
#include "tests/support/cluster/sample_request.hpp"
#include "tests/support/cluster/test_cluster.hpp"
#include "tests/support/libstip/sample_scene.hpp"

namespace stip::test {

inline constexpr int patience = 600;
inline constexpr std::chrono::milliseconds look_again{50};

/// An album `a` with copies on the nodes of a test_cluster: included behind CAF_SUITE.
struct copies_fixture {
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

}  // namespace stip::test

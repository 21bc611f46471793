#pragma once

#include <caf/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/support/cluster/copies_fixture.hpp"

namespace stip::test {

/// Tasks that make something of the stored images of album `a`: included behind CAF_SUITE.
struct transform_fixture : copies_fixture {
  static transform_request request_of(std::string kind) {
    transform_request out;
    out.kind = std::move(kind);
    out.album = "a";
    return out;
  }

  /// Runs the task from node i to its end.
  task_record transform(test_cluster& nodes, size_t i, const transform_request& request) {
    auto task = nodes.ask<task_record>(i, nodes.handles(i).loader, atom::transform_v, request);
    if (!task) CAF_FAIL(to_string(task.error()));
    auto ended = nodes.wait_task(i, task->id);
    if (!ended) CAF_FAIL(to_string(ended.error()));
    for (const auto& err : ended->errors) CAF_MESSAGE(err.reason);
    return *ended;
  }

  /// The same, of which all inputs are done.
  void transform_all(test_cluster& nodes, size_t i, const transform_request& request) {
    const auto ended = transform(nodes, i, request);
    CAF_CHECK(ended.state == task_state::done);
    CAF_CHECK_EQUAL(ended.skipped, 0u);
  }

  std::vector<image_row> of_source(test_cluster& nodes, size_t i, const std::string& source) {
    std::vector<image_row> out;
    for (auto& row : rows(nodes, i))
      if (row.key.source == source) out.push_back(std::move(row));
    return out;
  }

  static client client_of(test_cluster& nodes, size_t i) {
    return client{nodes.system(i), nodes.handles(i)};
  }
};

}  // namespace stip::test

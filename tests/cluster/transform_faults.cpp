#define CAF_SUITE cluster.transform_faults
#include <functional>

#include "actors/client.hpp"
#include "tests/support/cluster/landsat_fixture.hpp"
#include "tests/support/libstip/striped_scene.hpp"

// Every kind of transformation, interrupted in every way: nothing half is shown, and the same
// command completes it.

using namespace stip;
using namespace stip::test;

namespace {

/// Some of what a node writes still fits.
constexpr uint64_t full_disk_bytes = 4 << 10;

struct fixture : landsat_fixture {
  /// One request of each kind.
  static std::vector<transform_request> requests() {
    std::vector<transform_request> out;
    const auto add = [&](std::string kind, std::string platform,
                         std::map<std::string, std::string> options, int32_t precision = 0) {
      auto& r = out.emplace_back(request_of(std::move(kind)));
      r.match.platform = std::move(platform);
      r.match.source = "raw";
      r.options = std::move(options);
      r.precision = precision;
    };
    add("split", "P", {}, 6);
    add("merge", "P", {}, 4);
    add("fill", "P", {});
    add("coalesce", "P", {{"platform", "Q"}});
    add("align", "P", {{"size", "64"}});
    add("index", "P", {{"expression", "b1 * 2"}, {"name", "twice"}});
    add("filter", "P", {{"filter", "blur"}, {"radius", "2"}});
    add("cloud", "Landsat*", {{"method", "auto"}});
    return out;
  }

  void store_all(test_cluster& nodes) {
    const auto folder = nodes.files().path();
    for (int i = 0; i < 2; ++i)
      write_striped(nodes.files() / ("p" + std::to_string(i) + ".tif"), i, "P",
                    "2020-01-0" + std::to_string(1 + i));
    write_striped(nodes.files() / "q0.tif", 7, "Q", "2020-01-01");
    const auto store = [&](const std::string& glob, int precision) {
      const auto stored = nodes.store(0, sample_request("a", glob, precision));
      CAF_REQUIRE(stored.has_value() && stored->state == task_state::done);
    };
    store(nodes.files() / "p*.tif", 5);
    store(nodes.files() / "q*.tif", 4);
    store_product(nodes, write_product(folder));
  }

  /// What all the requests make where nothing happens.
  const image_contents& undisturbed() {
    static const auto contents = [&] {
      test_cluster one{1};
      create(one, 1);
      store_all(one);
      for (const auto& request : requests()) transform_all(one, 0, request);
      return contents_of(rows(one, 0));
    }();
    return contents;
  }

  /// Gives all the requests, interrupts them while they run, and gives them again when all is well.
  void check(const std::function<void(test_cluster&)>& prepare,
             const std::function<void(test_cluster&, const std::vector<std::string>&)>& interrupt,
             const std::function<void(test_cluster&)>& mend) {
    const auto& expected = undisturbed();
    test_cluster three{3};
    create(three, 2);
    store_all(three);
    check_converged(three, 0, 2);
    prepare(three);
    std::vector<std::string> tasks;
    for (const auto& request : requests()) {
      auto task = three.ask<task_record>(0, three.handles(0).loader, atom::transform_v, request);
      if (!task) CAF_FAIL(to_string(task.error()));
      tasks.push_back(task->id);
    }
    interrupt(three, tasks);
    for (const auto& id : tasks) {
      const auto ended = three.wait_task(0, id);
      if (!ended) CAF_FAIL(to_string(ended.error()));
      CAF_MESSAGE(ended->kind << ": completed " << ended->completed << " of " << ended->total
                              << ", skipped " << ended->skipped);
    }
    mend(three);
    // What is shown is whole: all its subdatasets, and the pixels that it must have.
    for (const auto& [key, content] : contents_of(rows(three, 0)))
      if (!expected.contains(key) || expected.at(key) != content) CAF_FAIL("wrong: " << key);
    for (const auto& request : requests()) transform_all(three, 1, request);
    check_converged(three, 1, 2);
    CAF_CHECK(contents_of(rows(three, 1)) == expected);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(transform_fault_tests, fixture)

CAF_TEST(a task that is stopped is completed by a rerun) {
  check([](test_cluster&) {},
        [](test_cluster& nodes, const std::vector<std::string>& tasks) {
          for (const auto& task : tasks)
            (void)nodes.ask<task_record>(0, nodes.handles(0).tasks, atom::stop_v, task);
        },
        [](test_cluster&) {});
}

CAF_TEST(a node that dies in the middle is no harm after a rerun) {
  check([](test_cluster&) {},
        [](test_cluster& nodes, const std::vector<std::string>&) { nodes.kill(2); },
        [&](test_cluster& nodes) {
          nodes.start(2);
          CAF_REQUIRE(nodes.settle());
          check_converged(nodes, 0, 2);
        });
}

CAF_TEST(a full disk skips inputs with the reason and a rerun completes them) {
  check([](test_cluster& nodes) { nodes.disk(1).limit_space(full_disk_bytes); },
        [](test_cluster&, const std::vector<std::string>&) {},
        [](test_cluster& nodes) { nodes.disk(1).unlimit_space(); });
}

CAF_TEST_FIXTURE_SCOPE_END()

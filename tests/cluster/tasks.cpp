#define CAF_SUITE cluster.tasks
#include <signal.h>

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <thread>

#include "actors/network.hpp"
#include "tests/support/cluster/image_contents.hpp"
#include "tests/support/cluster/sample_request.hpp"
#include "tests/support/cluster/stipd_process.hpp"
#include "tests/support/cluster/test_cluster.hpp"
#include "tests/support/libstip/sample_scene.hpp"

// Store tasks whose nodes die, freeze and come back while they run.

using namespace stip;
using namespace stip::test;

namespace {

constexpr int scenes = 16;
constexpr std::chrono::milliseconds look_again{20};

store_request request_of(const std::string& glob, const std::string& id) {
  auto request = sample_request("a", glob);
  request.threads = 1;
  request.task = id;
  return request;
}

/// Three nodes, an album with two copies, and scenes that all of them can read.
struct fixture {
  test_cluster nodes{3, [](node_settings& s) { s.task_grace = std::chrono::milliseconds{300}; }};
  std::string glob = write_scenes(nodes.files().path(), scenes);

  fixture() {
    CAF_REQUIRE(nodes.settle());
    album wanted;
    wanted.name = "a";
    wanted.replication = 2;
    CAF_REQUIRE(nodes.ask<album>(0, nodes.handles(0).albums, atom::create_v, wanted).has_value());
  }

  task_record get(size_t i, const std::string& id) {
    auto task = nodes.ask<task_record>(i, nodes.handles(i).tasks, atom::get_v, id);
    if (!task) CAF_FAIL(to_string(task.error()));
    return *task;
  }
  void begin(size_t i, const std::string& id) {
    auto task =
        nodes.ask<task_record>(i, nodes.handles(i).loader, atom::store_v, request_of(glob, id));
    if (!task) CAF_FAIL(to_string(task.error()));
    // In the middle of its work, as another node knows it; a machine may be so fast that it is done.
    const auto other = (i + 1) % nodes.size();
    while (true) {
      auto copy = nodes.ask<std::vector<task_part>>(other, nodes.handles(other).tasks, atom::here_v,
                                                    atom::get_v, id);
      CAF_REQUIRE(copy.has_value());
      if (!copy->empty() && (copy->front().task.completed >= 2 || !copy->front().running())) break;
      std::this_thread::sleep_for(look_again);
    }
  }
  task_record wait(size_t i, const std::string& id) {
    auto ended = nodes.wait_task(i, id);
    if (!ended) CAF_FAIL(to_string(ended.error()));
    for (const auto& err : ended->errors) CAF_MESSAGE(err.input << ": " << err.reason);
    return *ended;
  }
  void check_all_stored(const task_record& task) {
    CAF_CHECK(task.state == task_state::done);
    CAF_CHECK_EQUAL(task.completed, uint64_t{scenes});
    CAF_CHECK_EQUAL(task.total, uint64_t{scenes});
    CAF_CHECK_EQUAL(task.skipped, 0u);
  }
  /// The node that does the part of node i now.
  uint64_t worker(const task_record& task, size_t i) {
    for (const auto& share : task.shares)
      if (share.origin == nodes.node(i).id()) return share.node;
    return 0;
  }
  void check_images(size_t i) {
    auto rows = nodes.list(i, "a");
    for (int attempt = 0; attempt < 500 && !rows; ++attempt) {
      std::this_thread::sleep_for(look_again);
      rows = nodes.list(i, "a");
    }
    if (!rows) CAF_FAIL(to_string(rows.error()));
    test_cluster one{1};
    CAF_REQUIRE(one.settle());
    CAF_REQUIRE(one.create_album(0, "a", geocode_algorithm::geohash).has_value());
    CAF_REQUIRE(one.store(0, sample_request("a", glob)).has_value());
    auto reference = one.list(0, "a");
    if (!reference) CAF_FAIL(to_string(reference.error()));
    CAF_CHECK(contents_of(*rows) == contents_of(*reference));
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(task_tests, fixture)

CAF_TEST(another node goes on with the store of one that was killed) {
  begin(2, "mine");
  const auto lost = nodes.node(2).id();
  nodes.kill(2);
  const auto seen = get(0, "mine");
  CAF_MESSAGE("killed after " << seen.completed << " of " << seen.total << " scenes");
  const auto ended = wait(0, "mine");
  check_all_stored(ended);
  CAF_REQUIRE_EQUAL(ended.shares.size(), 1u);
  CAF_CHECK_EQUAL(ended.shares[0].origin, lost);
  if (seen.running()) CAF_CHECK(ended.shares[0].node != lost);
  check_all_stored(get(1, "mine"));
  check_images(0);
  // When it is back it knows the same.
  nodes.start(2);
  CAF_REQUIRE(nodes.settle());
  check_all_stored(get(2, "mine"));
}

CAF_TEST(a node that is started again at once goes on where it was) {
  begin(2, "mine");
  nodes.kill(2);
  nodes.start(2);
  const auto ended = wait(2, "mine");
  check_all_stored(ended);
  check_images(2);
}

CAF_TEST(a node that was cut off while another went on gives it up) {
  begin(2, "mine");
  nodes.silence(0, 2, true);
  nodes.silence(1, 2, true);
  const auto ended = wait(0, "mine");
  check_all_stored(ended);
  nodes.restore(0, 2);
  nodes.restore(1, 2);
  CAF_REQUIRE(nodes.settle());
  for (size_t i = 0; i < 3; ++i) check_all_stored(wait(i, "mine"));
  check_images(1);
}

CAF_TEST(a task that is stopped while its node is away does not begin again) {
  begin(2, "mine");
  nodes.kill(2);
  auto stopped =
      nodes.ask<task_record>(0, nodes.handles(0).tasks, atom::stop_v, std::string{"mine"});
  CAF_REQUIRE(stopped.has_value());
  CAF_CHECK(!stopped->running());
  nodes.start(2);
  // It takes no new work of that task, and says so itself.
  while (true) {
    auto own = nodes.ask<std::vector<task_part>>(2, nodes.handles(2).tasks, atom::here_v,
                                                 atom::get_v, std::string{"mine"});
    CAF_REQUIRE(own.has_value());
    if (!own->empty() && !own->front().running()) break;
    std::this_thread::sleep_for(look_again);
  }
  const auto after = get(1, "mine");
  CAF_CHECK(after.state == stopped->state);
  CAF_CHECK(after.completed < uint64_t{scenes} || after.state == task_state::done);
  // What was cleared stays away as well.
  nodes.stop(2);
  CAF_REQUIRE(nodes.ask<uint64_t>(0, nodes.handles(0).tasks, atom::clear_v).has_value());
  nodes.start(2);
  CAF_REQUIRE(nodes.settle());
  while (true) {
    auto list = nodes.ask<std::vector<task_record>>(2, nodes.handles(2).tasks, atom::list_v);
    CAF_REQUIRE(list.has_value());
    if (list->empty()) break;
    std::this_thread::sleep_for(look_again);
  }
}

CAF_TEST(files that only a lost node has are reported with it) {
  // The node's own copy of the scenes goes with it.
  const auto own = nodes.files() / "own";
  std::filesystem::create_directory(own);
  for (int i = 0; i < scenes; ++i) {
    const auto name = "/scene" + std::to_string(i) + ".tif";
    std::filesystem::copy_file(nodes.files().path() + name, own + name);
  }
  const auto all = std::exchange(glob, own + "/*.tif");
  begin(2, "mine");
  const auto lost = node_name(nodes.node(2).id());
  nodes.kill(2);
  std::filesystem::remove_all(own);
  const auto seen = get(0, "mine");
  auto ended = nodes.wait_task(0, "mine");
  CAF_REQUIRE(ended.has_value());
  CAF_CHECK(ended->state == task_state::done);
  CAF_CHECK_EQUAL(ended->completed + ended->skipped, uint64_t{scenes});
  if (seen.running()) {
    CAF_REQUIRE(!ended->errors.empty());
    CAF_MESSAGE(ended->errors[0].input << ": " << ended->errors[0].reason);
    CAF_CHECK_EQUAL(ended->errors.size(), size_t(ended->skipped));
    for (const auto& err : ended->errors) {
      CAF_CHECK(node_name(err.node) == lost);
      CAF_CHECK(err.reason.find(lost) != std::string::npos);
    }
  }
  glob = all;
}

CAF_TEST(a store on all nodes loses only what the lost node had for itself) {
  auto request = request_of(glob, "mine");
  request.all_nodes = true;
  CAF_REQUIRE(nodes.ask<task_record>(0, nodes.handles(0).loader, atom::store_v, request));
  // The node that was asked goes away; the others know what is theirs.
  nodes.kill(0);
  const auto ended = wait(1, "mine");
  CAF_CHECK(ended.state == task_state::done);
  CAF_CHECK_EQUAL(ended.shares.size(), 3u);
  CAF_CHECK_EQUAL(ended.completed + ended.skipped, ended.total);
  CAF_CHECK(ended.completed >= 2 * uint64_t{scenes});
  check_images(1);
}

CAF_TEST_FIXTURE_SCOPE_END()

namespace {

struct processes {
  scratch_directory files;
  std::vector<std::unique_ptr<stipd_process>> nodes;
  system_config config{system_config::networking::on};
  caf::actor_system system{config};

  void start(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      std::vector<std::string> options;
      if (i > 0) options.push_back("--stip.peers=127.0.0.1:" + std::to_string(nodes[0]->port()));
      nodes.push_back(
          std::make_unique<stipd_process>(files / ("node" + std::to_string(i)), options));
    }
    for (auto& n : nodes) {
      const auto c = connect(system, *n);
      while (true) {
        const auto seen = c.nodes();
        if (seen && seen->size() == count &&
            std::all_of(seen->begin(), seen->end(),
                        [](const node_status& s) { return s.node.state == member_state::up; }))
          break;
        std::this_thread::sleep_for(look_again);
      }
    }
  }
};

}  // namespace

CAF_TEST(a frozen process is replaced and does not count twice when it goes on) {
  if (stipd_binary().empty()) {
    CAF_MESSAGE("skipped: no stipd in $STIP_BIN_DIR");
    return;
  }
  processes three;
  three.start(3);
  const auto glob = write_scenes(three.files.path(), scenes);
  const auto first = connect(three.system, *three.nodes[0]);
  const auto second = connect(three.system, *three.nodes[1]);
  stip::album wanted;
  wanted.name = "a";
  wanted.replication = 2;
  CAF_REQUIRE(first.create_album(wanted).has_value());
  const auto begun = second.store(request_of(glob, "mine"));
  if (!begun) CAF_FAIL(to_string(begun.error()));
  while (true) {
    const auto now = first.get_task("mine");
    CAF_REQUIRE(now.has_value());
    if (now->completed >= 2 || !now->running()) break;
    std::this_thread::sleep_for(look_again);
  }
  ::kill(three.nodes[1]->pid(), SIGSTOP);
  // The others answer for it meanwhile.
  auto ended = first.get_task("mine");
  while (!ended || ended->running()) {
    std::this_thread::sleep_for(look_again);
    ended = first.get_task("mine");
  }
  ::kill(three.nodes[1]->pid(), SIGCONT);
  for (const auto& err : ended->errors) CAF_MESSAGE(err.input << ": " << err.reason);
  CAF_CHECK(ended->state == task_state::done);
  CAF_CHECK_EQUAL(ended->completed, uint64_t{scenes});
  const auto again = connect(three.system, *three.nodes[1]);
  while (true) {
    const auto own = again.get_task("mine");
    if (own && !own->running() && own->shares == ended->shares) break;
    std::this_thread::sleep_for(look_again);
  }
}

#define CAF_SUITE cluster.drain
#include <atomic>

#include "tests/support/cluster/copies_fixture.hpp"

// Nodes that leave for good: those that hand everything over first, and those that do not come
// back.

using namespace stip;
using namespace stip::test;

namespace {

constexpr std::chrono::seconds end_deadline{60};

struct fixture : copies_fixture {
  task_record drain(test_cluster& nodes, size_t asked, size_t whom) {
    auto task = nodes.ask<task_record>(asked, nodes.handles(asked).node, atom::drain_v,
                                       nodes.node(whom).id());
    if (!task) CAF_FAIL(to_string(task.error()));
    CAF_CHECK_EQUAL(task->kind, "drain");
    CAF_CHECK(task->running());
    return *task;
  }

  task_record wait(test_cluster& nodes, size_t i, const std::string& id) {
    auto task = nodes.wait_task(i, id);
    if (!task) CAF_FAIL(to_string(task.error()));
    for (const auto& err : task->errors) CAF_MESSAGE(err.reason);
    return *task;
  }

  /// Waits until node i sees that one in that state; "gone" when it is no member.
  void await_state(test_cluster& nodes, size_t i, uint64_t id, const std::string& wanted) {
    std::string last;
    for (int attempt = 0; attempt < patience; ++attempt) {
      auto members = nodes.ask<std::vector<member>>(i, nodes.handles(i).membership, atom::list_v);
      if (!members) CAF_FAIL(to_string(members.error()));
      last = "gone";
      for (const auto& m : *members)
        if (m.info.id == id) last = to_string(m.state);
      if (last == wanted) return;
      std::this_thread::sleep_for(look_again);
    }
    CAF_FAIL("node " << node_name(id) << " is " << last << " and never " << wanted);
  }

  std::vector<std::string> kinds(test_cluster& nodes, size_t i) {
    auto tasks = nodes.ask<std::vector<task_record>>(i, nodes.handles(i).tasks, atom::list_v);
    CAF_REQUIRE(tasks.has_value());
    std::vector<std::string> out;
    for (const auto& task : *tasks) out.push_back(task.kind);
    return out;
  }

  /// What an ended node has left on its disk.
  uint64_t chips_left(const test_cluster& nodes, size_t i) {
    auto directory = data_directory::open(nodes.directory(i), open_mode::read_only);
    if (!directory) CAF_FAIL(to_string(directory.error()));
    const auto albums = (*directory)->albums();
    CAF_REQUIRE(albums.has_value());
    uint64_t chips = 0;
    store_options options;
    options.mode = open_mode::read_only;
    for (const auto& a : *albums) {
      auto store = (*directory)->open_album(a, options);
      CAF_REQUIRE(store.has_value());
      chips += (*store)->statistics().chips;
    }
    return chips;
  }
};

void give_up_soon(node_settings& settings) {
  settings.down_after = std::chrono::seconds{2};
}

/// So that a round of repair takes its time.
void move_slowly(node_settings& settings) {
  settings.maintenance_rate = uint64_t{256} << 10;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(drain_tests, fixture)

CAF_TEST(a node that is drained during a store hands everything over and is gone) {
  test_cluster three{3};
  create(three, 2);
  write_scenes(three.files().path(), 6);
  store(three, 0, three.files() / "scene[0-2].tif");
  const auto before = contents_of(rows(three, 0));
  CAF_REQUIRE(!before.empty());
  const auto leaver = three.node(2).id();

  std::atomic<bool> done{false};
  result<task_record> stored;
  std::thread load{[&] {
    stored = three.store(1, sample_request("a", three.files() / "scene[3-5].tif"));
    done = true;
  }};
  const auto task = drain(three, 0, 2);
  // It is asked once more: the same task.
  CAF_CHECK_EQUAL(drain(three, 1, 2).id, task.id);
  size_t looks = 0;
  while (true) {
    // Everything is listed all the time, and the answer is complete.
    const auto now = three.list(looks++ % 2, "a");
    if (!now) CAF_FAIL(to_string(now.error()));
    const auto seen = contents_of(*now);
    for (const auto& [key, content] : before)
      if (!seen.contains(key)) CAF_FAIL("look " << looks << " lacks " << key);
    const auto state = three.ask<task_record>(0, three.handles(0).tasks, atom::get_v, task.id);
    CAF_REQUIRE(state.has_value());
    if (!state->running()) break;
    std::this_thread::sleep_for(look_again);
  }
  load.join();
  CAF_MESSAGE("looked " << looks << " times");
  CAF_REQUIRE(stored.has_value());
  for (const auto& err : stored->errors) CAF_MESSAGE(err.reason);
  CAF_CHECK(stored->state == task_state::done && stored->skipped == 0);
  const auto ended = wait(three, 0, task.id);
  CAF_CHECK(ended.state == task_state::done);
  CAF_CHECK(ended.completed > 0 && ended.completed == ended.total);
  CAF_CHECK(ended.bytes > 0);
  await_state(three, 0, leaver, "gone");
  await_state(three, 1, leaver, "gone");
  // It ends by itself, and has nothing left.
  CAF_CHECK(three.node(2).wait(end_deadline));
  three.stop(2);
  CAF_CHECK_EQUAL(chips_left(three, 2), 0u);
  check_converged(three, 1, 2);
  const auto after = contents_of(rows(three, 0));
  for (const auto& [key, content] : before) CAF_CHECK_EQUAL(after.at(key), content);
  CAF_CHECK(after.size() > before.size());
  // The last but one may go as well: albums then have one copy.
  const auto second = drain(three, 1, 1);
  CAF_CHECK(wait(three, 0, second.id).state == task_state::done);
  CAF_CHECK(three.node(1).wait(end_deadline));
  three.stop(1);
  CAF_CHECK(contents_of(rows(three, 0)) == after);
  // The last one may not.
  const auto last =
      three.ask<task_record>(0, three.handles(0).node, atom::drain_v, three.node(0).id());
  CAF_REQUIRE(!last);
  CAF_CHECK(last.error().code == ec::forbidden);
  // Whoever is started again is a member like any other, and is given its share.
  three.start(2);
  CAF_REQUIRE(three.settle());
  check_converged(three, 0, 2);
  CAF_CHECK(contents_of(rows(three, 2)) == after);
  CAF_CHECK(chips_left(three, 1) == 0);
}

CAF_TEST(a node that is killed while it drains goes on when it is started again) {
  test_cluster three{3, move_slowly};
  create(three, 2);
  store(three, 0, write_scenes(three.files().path(), 4));
  const auto before = contents_of(rows(three, 0));
  const auto leaver = three.node(2).id();
  const auto task = drain(three, 0, 2);
  await_state(three, 0, leaver, "leaving");
  three.kill(2);
  // The others have all that it has.
  CAF_CHECK(contents_of(rows(three, 0)) == before);
  three.start(2);
  CAF_CHECK_EQUAL(three.node(2).id(), leaver);
  const auto ended = wait(three, 0, task.id);
  CAF_CHECK(ended.state == task_state::done);
  CAF_CHECK(three.node(2).wait(end_deadline));
  three.stop(2);
  CAF_CHECK_EQUAL(chips_left(three, 2), 0u);
  await_state(three, 1, leaver, "gone");
  check_converged(three, 0, 2);
  CAF_CHECK(contents_of(rows(three, 1)) == before);
}

CAF_TEST(a drain that is stopped leaves the node as it was) {
  test_cluster three{3, move_slowly};
  create(three, 2);
  store(three, 0, write_scenes(three.files().path(), 2));
  const auto before = contents_of(rows(three, 0));
  const auto task = drain(three, 2, 2);
  await_state(three, 0, three.node(2).id(), "leaving");
  // A node that drains begins nothing new.
  const auto refused = three.store(2, sample_request("a", three.files() / "scene0.tif"));
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().why.find("drained") != std::string::npos);
  CAF_REQUIRE(three.ask<task_record>(1, three.handles(1).tasks, atom::stop_v, task.id).has_value());
  await_state(three, 0, three.node(2).id(), "up");
  await_state(three, 1, three.node(2).id(), "up");
  check_converged(three, 0, 2);
  CAF_CHECK(contents_of(rows(three, 2)) == before);
  store(three, 2, three.files() / "scene*.tif");
}

CAF_TEST(nodes that would all drain at a time do not ) {
  test_cluster two{2};
  create(two, 2);
  store(two, 0, write_scenes(two.files().path(), 1));
  const auto before = contents_of(rows(two, 0));
  drain(two, 0, 0);
  // The second one is refused, or both begin and one gives up.
  (void)two.ask<task_record>(1, two.handles(1).node, atom::drain_v, two.node(1).id());
  size_t left = 2;
  for (int attempt = 0; attempt < patience && left == 2; ++attempt)
    for (const size_t i : {0, 1})
      if (two.node(i).wait(look_again)) left = i;
  CAF_REQUIRE(left < 2);
  const size_t stays = 1 - left;
  await_state(two, stays, two.node(stays).id(), "up");
  CAF_CHECK(contents_of(rows(two, stays)) == before);
}

CAF_TEST(a node that is destroyed is removed and its copies are made anew on the others) {
  test_cluster three{3, give_up_soon};
  create(three, 2);
  store(three, 0, write_scenes(three.files().path(), 3));
  const auto before = contents_of(rows(three, 0));
  const auto lost = three.node(2).id();
  three.kill(2);
  await_state(three, 0, lost, "gone");
  await_state(three, 1, lost, "gone");
  check_converged(three, 0, 2);
  CAF_CHECK(contents_of(rows(three, 1)) == before);
  // What had to be moved was shown as a task.
  const auto seen = kinds(three, 0);
  CAF_CHECK(std::find(seen.begin(), seen.end(), "move") != seen.end());

  // Images are deleted; then the node turns up again with all that it had.
  filter match;
  match.tile = rows(three, 0).front().key.tile;
  const auto erased = three.ask<uint64_t>(0, three.handles(0).albums, atom::erase_v,
                                          std::string{"a"}, match, version{});
  CAF_REQUIRE(erased.has_value());
  const auto left = contents_of(rows(three, 0));
  CAF_REQUIRE(!left.empty() && left.size() < before.size());
  three.start(2);
  CAF_REQUIRE(three.settle());
  check_converged(three, 2, 2);
  for (size_t i = 0; i < 3; ++i) CAF_CHECK(contents_of(rows(three, i)) == left);
}

CAF_TEST(a node that was cut off and removed joins again by itself) {
  test_cluster three{3, give_up_soon};
  create(three, 2);
  store(three, 0, write_scenes(three.files().path(), 2));
  const auto before = contents_of(rows(three, 0));
  const auto apart = three.node(2).id();
  for (const size_t i : {0, 1}) three.silence(i, 2, true);
  await_state(three, 0, apart, "gone");
  await_state(three, 1, apart, "gone");
  // It sees the minority, and removes nobody.
  await_state(three, 2, three.node(0).id(), "down");
  CAF_CHECK(!answer(three, 2) || !answer(three, 2)->problems.empty());
  for (const size_t i : {0, 1}) three.silence(i, 2, false);
  for (const size_t i : {0, 1, 2})
    for (const size_t k : {0, 1, 2}) await_state(three, i, three.node(k).id(), "up");
  check_converged(three, 2, 2);
  CAF_CHECK(contents_of(rows(three, 2)) == before);
}

CAF_TEST_FIXTURE_SCOPE_END()

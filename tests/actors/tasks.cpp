#define CAF_SUITE actors.tasks
#include "actors/tasks.hpp"

#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : actor_fixture {
  fixture() {
    own.loader = fake<loader_actor>([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](atom::stop, const std::string& id) { stopped.push_back(id); }};
    });
    start({});
  }

  void start(std::vector<task_record> kept) {
    aut = keep(sys.spawn(tasks_behavior, context_ptr{context}, std::move(kept)));
    own.tasks = aut;
    set_view({});
  }

  void set_view(const std::vector<peer>& others) { tell(aut, atom::peers_v, view_of(own, others)); }

  /// A node that has these parts of tasks.
  peer working_node(uint64_t id, const std::vector<task_record>& parts) {
    auto p = other_node(id);
    p.handles.tasks = fake<tasks_actor>([parts](caf::event_based_actor*) -> caf::behavior {
      return {[parts](atom::here, atom::list) { return parts; },
              [parts](atom::here, atom::stop, const std::string&) { return !parts.empty(); },
              [](atom::here, atom::clear) { return uint64_t{3}; }};
    });
    return p;
  }

  static task_record task_of(const std::string& id, const std::string& album = "europe") {
    task_record t;
    t.id = id;
    t.kind = "store";
    t.album = album;
    return t;
  }

  result<task_record> begin_task(const std::string& id, const std::string& album = "europe") {
    return ask<task_record>(aut, atom::start_v, task_of(id, album));
  }
  result<task_record> get(const std::string& id) { return ask<task_record>(aut, atom::get_v, id); }
  void report(const std::string& id, uint64_t completed, task_state state = task_state::running) {
    auto news = task_of(id);
    news.completed = completed;
    news.bytes = completed * 100;
    news.state = state;
    tell(aut, atom::update_v, news);
  }
  std::vector<task_record> kept() {
    const auto values = context->directory->values("task");
    CAF_REQUIRE(values);
    std::vector<task_record> out;
    for (const auto& [id, bytes] : *values) out.push_back(*decode_task_record(bytes));
    return out;
  }

  std::vector<std::string> stopped;
  node_handles own;
  tasks_actor aut;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(tasks_tests, fixture)

CAF_TEST(a task runs from its start to its end) {
  const auto started = begin_task("t1");
  CAF_REQUIRE(started);
  CAF_CHECK_EQUAL(started->node, own_id);
  CAF_CHECK(started->running());
  auto news = task_of("t1");
  news.total = 5;
  tell(aut, atom::update_v, news);
  report("t1", 2);
  report("t1", 2);
  time.now_ms += 5000;
  auto now = get("t1");
  CAF_REQUIRE(now);
  CAF_CHECK_EQUAL(now->completed, 4u);
  CAF_CHECK_EQUAL(now->total, 5u);
  CAF_CHECK_EQUAL(now->bytes, 400u);
  report("t1", 1, task_state::done);
  now = get("t1");
  CAF_REQUIRE(now);
  CAF_CHECK(now->state == task_state::done);
  CAF_CHECK_EQUAL(now->ended_ms - now->started_ms, 5000);
  report("t1", 9);
  CAF_CHECK(get("t1")->completed == 5u);
}

CAF_TEST(the id of a running task joins it and only of the same album) {
  CAF_REQUIRE(begin_task("t1"));
  const auto joined = begin_task("t1");
  CAF_REQUIRE(joined);
  CAF_CHECK_EQUAL(joined->node, 0u);
  const auto other = begin_task("t1", "asia");
  CAF_REQUIRE(!other);
  CAF_CHECK_EQUAL(int(other.error().code), int(ec::conflict));
  const auto bad = begin_task("a task");
  CAF_REQUIRE(!bad);
  CAF_CHECK_EQUAL(int(bad.error().code), int(ec::invalid_argument));
  report("t1", 1, task_state::done);
  const auto again = begin_task("t1");
  CAF_REQUIRE(again);
  CAF_CHECK_EQUAL(again->node, own_id);
  CAF_CHECK_EQUAL(again->completed, 0u);
}

CAF_TEST(tasks without an id get one each) {
  const auto first = begin_task("");
  const auto second = begin_task("");
  CAF_REQUIRE(first && second);
  CAF_CHECK(!first->id.empty());
  CAF_CHECK_NOT_EQUAL(first->id, second->id);
}

CAF_TEST(a task that is stopped tells the loader and ignores late news) {
  CAF_REQUIRE(begin_task("t1"));
  report("t1", 1);
  const auto ended = ask<task_record>(aut, atom::stop_v, std::string{"t1"});
  CAF_REQUIRE(ended);
  CAF_CHECK(ended->state == task_state::stopped);
  CAF_CHECK(stopped == std::vector<std::string>{"t1"});
  report("t1", 1, task_state::done);
  CAF_CHECK(get("t1")->state == task_state::stopped);
  CAF_CHECK(get("t1")->completed == 1u);
}

CAF_TEST(a task that nobody knows is not found) {
  const auto none = get("nothing");
  CAF_REQUIRE(!none);
  CAF_CHECK_EQUAL(int(none.error().code), int(ec::not_found));
  const auto stop = ask<task_record>(aut, atom::stop_v, std::string{"nothing"});
  CAF_REQUIRE(!stop);
  CAF_CHECK_EQUAL(int(stop.error().code), int(ec::not_found));
}

CAF_TEST(the parts of a task on several nodes are shown as one) {
  CAF_REQUIRE(begin_task("t1"));
  report("t1", 2);
  auto part = task_of("t1");
  part.completed = 3;
  part.skipped = 1;
  part.total = 4;
  part.bytes = 50;
  part.started_ms = time.now_ms - 1000;
  part.state = task_state::done;
  part.ended_ms = time.now_ms;
  part.errors = {{"/in/a.tif", 2, "it is torn"}};
  auto away = other_node(3);
  away.reachable = false;
  set_view({working_node(2, {part}), away});
  const auto sum = get("t1");
  CAF_REQUIRE(sum);
  CAF_CHECK_EQUAL(sum->completed, 5u);
  CAF_CHECK_EQUAL(sum->skipped, 1u);
  CAF_CHECK_EQUAL(sum->bytes, 250u);
  CAF_CHECK_EQUAL(sum->started_ms, time.now_ms - 1000);
  CAF_CHECK_EQUAL(sum->ended_ms, 0);
  CAF_CHECK(sum->running());
  CAF_REQUIRE_EQUAL(sum->errors.size(), 1u);
  CAF_CHECK_EQUAL(sum->errors[0].node, 2u);
  const auto all = ask<std::vector<task_record>>(aut, atom::list_v);
  CAF_REQUIRE(all);
  CAF_CHECK_EQUAL(all->size(), 1u);
  CAF_CHECK(log_text().find(node_name(3)) != std::string::npos);
}

CAF_TEST(a part that found nothing does not make the task fail) {
  auto done = task_of("t1");
  done.state = task_state::done;
  done.completed = 2;
  done.ended_ms = 10;
  auto failed = task_of("t1");
  failed.state = task_state::failed;
  failed.ended_ms = 20;
  for (const auto& sum : {merge_parts(done, failed), merge_parts(failed, done)}) {
    CAF_CHECK(sum.state == task_state::done);
    CAF_CHECK_EQUAL(sum.ended_ms, 20);
  }
  CAF_CHECK(merge_parts(failed, failed).state == task_state::failed);
  auto stopped_part = done;
  stopped_part.state = task_state::stopped;
  CAF_CHECK(merge_parts(done, stopped_part).state == task_state::stopped);
  auto running = task_of("t1");
  CAF_CHECK(merge_parts(stopped_part, running).state == task_state::running);
  CAF_CHECK_EQUAL(merge_parts(stopped_part, running).ended_ms, 0);
}

CAF_TEST(the latest task is listed first) {
  for (const std::string id : {"a", "b", "c"}) {
    time.now_ms += 1000;
    CAF_REQUIRE(begin_task(id));
  }
  const auto list = ask<std::vector<task_record>>(aut, atom::list_v);
  CAF_REQUIRE(list);
  CAF_REQUIRE_EQUAL(list->size(), 3u);
  CAF_CHECK_EQUAL(list->front().id, "c");
  CAF_CHECK_EQUAL(list->back().id, "a");
}

CAF_TEST(clear forgets what has ended on every node and on the disk) {
  CAF_REQUIRE(begin_task("ended"));
  report("ended", 1, task_state::done);
  CAF_REQUIRE(begin_task("runs"));
  pass(500);
  CAF_CHECK_EQUAL(kept().size(), 2u);
  set_view({working_node(2, {})});
  const auto cleared = ask<uint64_t>(aut, atom::clear_v);
  CAF_REQUIRE(cleared);
  CAF_CHECK_EQUAL(*cleared, 4u);
  pass(500);
  CAF_REQUIRE_EQUAL(kept().size(), 1u);
  CAF_CHECK(kept()[0].id == "runs");
}

// What was cleared while a write was under way came back after a restart.
CAF_TEST(tasks that are cleared during a write do not come back) {
  CAF_REQUIRE(begin_task("ended"));
  report("ended", 1, task_state::done);
  pass(500);
  CAF_REQUIRE_EQUAL(kept().size(), 1u);
  auto jobs = std::make_shared<held_jobs>();
  context->writers = held_executor(jobs);
  CAF_REQUIRE(begin_task("runs"));
  pass(500);
  CAF_REQUIRE_EQUAL(jobs->size(), 1u);
  CAF_REQUIRE(ask<uint64_t>(aut, atom::here_v, atom::clear_v));
  pass(500);
  for (int i = 0; i < 3 && jobs->size() > 0; ++i) {
    jobs->run_one();
    pass(500);
  }
  CAF_REQUIRE_EQUAL(kept().size(), 1u);
  CAF_CHECK(kept()[0].id == "runs");
}

CAF_TEST(what ran when the node ended has failed after the restart with the reason) {
  CAF_REQUIRE(begin_task("runs"));
  CAF_REQUIRE(begin_task("ended"));
  report("ended", 3, task_state::done);
  pass(500);
  caf::anon_send_exit(caf::actor_cast<caf::actor>(aut), caf::exit_reason::user_shutdown);
  settle();
  start(kept());
  const auto was_running = get("runs");
  CAF_REQUIRE(was_running);
  CAF_CHECK(was_running->state == task_state::failed);
  CAF_REQUIRE_EQUAL(was_running->errors.size(), 1u);
  CAF_MESSAGE(was_running->errors[0].reason);
  CAF_CHECK(was_running->errors[0].reason.find("restart") != std::string::npos);
  const auto had_ended = get("ended");
  CAF_REQUIRE(had_ended);
  CAF_CHECK(had_ended->state == task_state::done);
  CAF_CHECK_EQUAL(had_ended->completed, 3u);
  pass(500);
  for (const auto& record : kept()) CAF_CHECK(!record.running());
}

CAF_TEST(a node that stops writes down what it knows first) {
  CAF_REQUIRE(begin_task("t1"));
  report("t1", 1, task_state::done);
  CAF_CHECK(kept().empty());
  CAF_REQUIRE(ask<bool>(aut, atom::put_v));
  CAF_REQUIRE_EQUAL(kept().size(), 1u);
  CAF_CHECK(kept()[0].state == task_state::done);
}

CAF_TEST_FIXTURE_SCOPE_END()

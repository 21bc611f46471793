#define CAF_SUITE actors.tasks
#include "actors/tasks.hpp"

#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : actor_fixture {
  fixture() {
    own.loader = fake<loader_actor>([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](atom::start, const task_part_ptr& part) { begun.push_back(*part); },
              [this](atom::stop, const std::string& run) { stopped.push_back(run); }};
    });
    start({});
  }

  void start(kept_tasks kept) {
    aut = keep(sys.spawn(tasks_behavior, context_ptr{context}, std::move(kept)));
    own.tasks = aut;
    set_view({});
  }

  void set_view(const std::vector<peer>& others) { tell(aut, atom::peers_v, view_of(own, others)); }

  /// A node that has these parts of tasks; it confirms copies, and keeps the letters that it got.
  peer working_node(uint64_t id, const std::vector<task_part>& parts) {
    auto p = other_node(id);
    p.handles.tasks =
        fake<tasks_actor>([this, parts, id](caf::event_based_actor* me) -> caf::behavior {
          return {[parts](atom::here, atom::list, const std::vector<uint64_t>&) { return parts; },
                  [parts](atom::here, atom::get, const std::string&) { return parts; },
                  [this, me, id](atom::exchange, uint64_t, const std::string& bytes) {
                    const auto letter = decode_task_letter(bytes);
                    CAF_REQUIRE(letter);
                    letters.push_back(*letter);
                    if (const auto* copy = std::get_if<task_letter::copy>(&letter->content);
                        copy != nullptr && confirms)
                      me->send(caf::actor_cast<caf::actor>(aut), atom::exchange_v, id,
                               encode(task_letter{task_letter::acknowledgement{
                                   copy->part.key(), copy->part.stamp(), false}}));
                  }};
        });
    return p;
  }
  /// A part that another node has begun.
  task_part part_of(const task_record& task, uint64_t node) {
    task_part out;
    out.task = task;
    out.task.node = out.owner = node;
    out.revision = 1;
    return out;
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
  kept_tasks kept() {
    const auto values = context->directory->values("task-part");
    CAF_REQUIRE(values);
    kept_tasks out;
    for (const auto& [name, bytes] : *values) out.parts.push_back(*decode_task_part(bytes));
    const auto verdicts = context->directory->values("task-verdicts");
    CAF_REQUIRE(verdicts);
    for (const auto& [name, bytes] : *verdicts) out.verdicts = *decode_task_verdicts(bytes);
    return out;
  }
  std::vector<task_record> kept_records() {
    std::vector<task_record> out;
    for (const auto& part : kept().parts) out.push_back(part.task);
    return out;
  }
  /// A task that can go on elsewhere.
  result<task_record> begin_store(const std::string& id) {
    auto wish = std::make_shared<task_wish>();
    wish->task = task_of(id);
    wish->work = "what to store";
    return ask<task_record>(aut, atom::start_v, task_wish_ptr{wish});
  }
  void restart() {
    caf::anon_send_exit(caf::actor_cast<caf::actor>(aut), caf::exit_reason::user_shutdown);
    settle();
    start(kept());
  }

  std::vector<task_part> begun;
  std::vector<std::string> stopped;
  std::vector<task_letter> letters;
  bool confirms = true;
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
  CAF_REQUIRE(begin_store("t1"));
  CAF_REQUIRE_EQUAL(begun.size(), 1u);
  CAF_CHECK(begun[0].work == "what to store");
  report("t1", 1);
  const auto ended = ask<task_record>(aut, atom::stop_v, std::string{"t1"});
  CAF_REQUIRE(ended);
  CAF_CHECK(ended->state == task_state::stopped);
  CAF_CHECK(stopped == std::vector<std::string>{to_string(begun[0].run())});
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
  const auto own_part =
      ask<std::vector<task_part>>(aut, atom::here_v, atom::get_v, std::string{"t1"});
  CAF_REQUIRE(own_part);
  auto task = task_of("t1");
  task.began = own_part->at(0).task.began;
  task.completed = 3;
  task.skipped = 1;
  task.total = 4;
  task.bytes = 50;
  task.started_ms = time.now_ms - 1000;
  task.state = task_state::done;
  task.ended_ms = time.now_ms;
  task.errors = {{"/in/a.tif", 2, "it is torn"}};
  auto away = other_node(3);
  away.reachable = false;
  set_view({working_node(2, {part_of(task, 2)}), away});
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
  CAF_REQUIRE_EQUAL(sum->shares.size(), 2u);
  CAF_CHECK(sum->shares[1] == (task_share{2, 2, task_state::done, 3, 1, 4}));
  const auto all = ask<std::vector<task_record>>(aut, atom::list_v);
  CAF_REQUIRE(all);
  CAF_CHECK_EQUAL(all->size(), 1u);
  CAF_CHECK(log_text().find(node_name(3)) != std::string::npos);
}

CAF_TEST(a node that does not answer is spoken for by those that keep its records) {
  auto of_third = part_of(task_of("t3"), 3);
  of_third.task.began = {1, 0, 3};
  auto frozen = other_node(3);
  auto owed = std::make_shared<owed_answers<std::string, std::vector<task_part>>>();
  frozen.handles.tasks = fake<tasks_actor>([owed](caf::event_based_actor* me) -> caf::behavior {
    return {runs_jobs,
            [me, owed](atom::here, atom::list, const std::vector<uint64_t>&) {
              return owed->take(me, "list");
            },
            [](atom::exchange, uint64_t, const std::string&) {}};
  });
  auto second = other_node(2);
  second.handles.tasks = fake<tasks_actor>([of_third](caf::event_based_actor*) -> caf::behavior {
    return {[of_third](atom::here, atom::list, const std::vector<uint64_t>& asked) {
              std::vector<task_part> out;
              if (std::find(asked.begin(), asked.end(), of_third.owner) == asked.end())
                out.push_back(of_third);
              return out;
            },
            [](atom::exchange, uint64_t, const std::string&) {}};
  });
  set_view({second, frozen});
  const auto list = begin<std::vector<task_record>>(aut, atom::list_v);
  settle();
  CAF_CHECK(!*list);
  pass(defaults::request_deadline + defaults::tick_interval);
  CAF_REQUIRE(*list && **list);
  CAF_REQUIRE_EQUAL((**list)->size(), 1u);
  CAF_CHECK((**list)->front().id == "t3");
  owed->owed.clear();
}

CAF_TEST(a task has begun when the disk and another node have it) {
  auto jobs = std::make_shared<held_jobs>();
  context->writers = held_executor(jobs);
  confirms = false;
  set_view({working_node(2, {})});
  auto wish = std::make_shared<task_wish>();
  wish->task = task_of("t1");
  wish->work = "what to store";
  const auto answer = begin<task_record>(aut, atom::start_v, task_wish_ptr{wish});
  settle();
  CAF_CHECK(!*answer);
  CAF_REQUIRE_EQUAL(jobs->size(), 1u);
  jobs->run_one();
  settle();
  CAF_CHECK(!*answer);
  CAF_CHECK_EQUAL(kept().parts.size(), 1u);
  const auto copies = std::count_if(letters.begin(), letters.end(), [](const task_letter& l) {
    return std::holds_alternative<task_letter::copy>(l.content);
  });
  CAF_CHECK_EQUAL(copies, 1);
  // Nobody waits for ever for a node that says nothing.
  pass(defaults::task_start_patience + defaults::task_update_interval);
  CAF_REQUIRE(*answer && **answer);
  CAF_CHECK((**answer)->running());
}

CAF_TEST(a part that another node has taken over is given up) {
  set_view({working_node(2, {})});
  CAF_REQUIRE(begin_store("t1"));
  CAF_REQUIRE_EQUAL(begun.size(), 1u);
  auto taken = begun[0];
  taken.epoch = 1;
  taken.owner = 2;
  taken.keepers = {own_id};
  tell(aut, atom::exchange_v, uint64_t{2}, encode(task_letter{task_letter::copy{taken}}));
  CAF_CHECK(stopped == std::vector<std::string>{to_string(begun[0].run())});
  // Late news of the old work.
  tell(aut, atom::update_v,
       std::make_shared<const part_news>(part_news{begun[0].run(), work_end{}}));
  CAF_CHECK(get("t1")->running());
  // What cannot be read is no harm.
  tell(aut, atom::exchange_v, uint64_t{2}, std::string{"nonsense"});
  CAF_CHECK(get("t1")->running());
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
  CAF_CHECK_EQUAL(kept().parts.size(), 2u);
  auto theirs = task_of("theirs");
  theirs.state = task_state::failed;
  theirs.began = {1, 0, 2};
  set_view({working_node(2, {part_of(theirs, 2)})});
  letters.clear();
  const auto cleared = ask<uint64_t>(aut, atom::clear_v);
  CAF_REQUIRE(cleared);
  CAF_CHECK_EQUAL(*cleared, 2u);
  CAF_REQUIRE_EQUAL(letters.size(), 1u);
  const auto* told = std::get_if<task_letter::verdicts>(&letters[0].content);
  CAF_REQUIRE(told != nullptr);
  CAF_CHECK_EQUAL(told->said.size(), 2u);
  pass(500);
  CAF_REQUIRE_EQUAL(kept().parts.size(), 1u);
  CAF_CHECK(kept().parts[0].task.id == "runs");
  CAF_CHECK_EQUAL(kept().verdicts.size(), 2u);
}

// What was cleared while a write was under way came back after a restart.
CAF_TEST(tasks that are cleared during a write do not come back) {
  CAF_REQUIRE(begin_task("ended"));
  report("ended", 1, task_state::done);
  pass(500);
  CAF_REQUIRE_EQUAL(kept().parts.size(), 1u);
  auto jobs = std::make_shared<held_jobs>();
  context->writers = held_executor(jobs);
  const auto runs = begin<task_record>(aut, atom::start_v, task_of("runs"));
  pass(500);
  CAF_REQUIRE_EQUAL(jobs->size(), 1u);
  CAF_REQUIRE(ask<uint64_t>(aut, atom::clear_v));
  pass(500);
  for (int i = 0; i < 3 && jobs->size() > 0; ++i) {
    jobs->run_one();
    pass(500);
  }
  CAF_REQUIRE_EQUAL(kept().parts.size(), 1u);
  CAF_CHECK(kept().parts[0].task.id == "runs");
}

CAF_TEST(what cannot go on has failed after the restart with the reason) {
  CAF_REQUIRE(begin_task("runs"));
  CAF_REQUIRE(begin_task("ended"));
  report("ended", 3, task_state::done);
  pass(500);
  restart();
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
  for (const auto& record : kept_records()) CAF_CHECK(!record.running());
}

CAF_TEST(what was being stored goes on after the restart) {
  CAF_REQUIRE(begin_store("t1"));
  const auto inputs =
      std::make_shared<const std::vector<std::string>>(std::vector<std::string>{"a", "b"});
  const auto run = begun.at(0).run();
  tell(aut, atom::update_v, std::make_shared<const part_news>(part_news{run, task_inputs{inputs}}));
  input_outcome done;
  done.index = 1;
  tell(aut, atom::update_v, std::make_shared<const part_news>(part_news{run, done}));
  pass(defaults::task_save_interval + defaults::task_update_interval * 2);
  restart();
  pass(500);
  CAF_REQUIRE_EQUAL(begun.size(), 2u);
  CAF_CHECK(begun[1].settled == std::vector<bool>({false, true}));
  CAF_CHECK(*begun[1].inputs == *inputs);
  CAF_CHECK(get("t1")->running());
  // A user who stops it is obeyed after the next restart too.
  CAF_REQUIRE(ask<task_record>(aut, atom::stop_v, std::string{"t1"}));
  pass(500);
  restart();
  pass(500);
  CAF_CHECK_EQUAL(begun.size(), 2u);
  CAF_CHECK(get("t1")->state == task_state::stopped);
}

CAF_TEST(a node that stops writes down what it knows first) {
  CAF_REQUIRE(begin_task("t1"));
  report("t1", 1, task_state::done);
  CAF_CHECK(kept_records().at(0).running());
  CAF_REQUIRE(ask<bool>(aut, atom::put_v));
  CAF_REQUIRE_EQUAL(kept_records().size(), 1u);
  CAF_CHECK(kept_records()[0].state == task_state::done);
}

CAF_TEST_FIXTURE_SCOPE_END()

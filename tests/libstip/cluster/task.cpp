#define CAF_SUITE cluster.task
#include "libstip/cluster/task.hpp"

#include <caf/test/unit_test.hpp>
#include <random>
#include <set>

using namespace stip;

namespace {

task_record wish(const std::string& id = {}, const std::string& kind = "store",
                 const std::string& album = "a") {
  task_record out;
  out.id = id;
  out.kind = kind;
  out.album = album;
  return out;
}

struct fixture {
  task_book book{0xabc};

  std::string start(int64_t now, const task_record& wanted = wish()) {
    const auto out = book.start(now, wanted);
    if (!out) CAF_FAIL("not started: " << to_string(out.error()));
    return out->task.id;
  }
  ec refusal(const task_record& wanted) {
    const auto out = book.start(0, wanted);
    return out ? ec::none : out.error().code;
  }
  std::string state(const std::string& id) {
    const auto* task = book.find(id);
    return task == nullptr ? "unknown" : std::string(to_string(task->state));
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(task_tests, fixture)

CAF_TEST(a task with one stored input is done and tells what it skipped) {
  const auto id = start(100);
  CAF_CHECK(book.set_total(id, 3));
  CAF_CHECK(book.input_done(id, 1000));
  CAF_CHECK(book.input_skipped(id, {"b.tif", 7, "no time in it"}));
  CAF_CHECK(book.progress(id, 500));
  CAF_CHECK(book.input_done(id));
  CAF_CHECK_EQUAL(state(id), "running");
  CAF_CHECK(book.finish(1100, id));
  const auto* task = book.find(id);
  CAF_REQUIRE(task != nullptr);
  CAF_CHECK_EQUAL(state(id), "done");
  CAF_CHECK_EQUAL(task->completed, 2u);
  CAF_CHECK_EQUAL(task->skipped, 1u);
  CAF_CHECK_EQUAL(task->total, 3u);
  CAF_CHECK_EQUAL(task->bytes, 1500u);
  CAF_CHECK_EQUAL(task->started_ms, 100);
  CAF_CHECK_EQUAL(task->ended_ms, 1100);
  CAF_CHECK_EQUAL(task->node, 0xabcu);
  CAF_CHECK(task->errors == std::vector<task_error>({{"b.tif", 7, "no time in it"}}));
  CAF_CHECK_EQUAL(bytes_per_second(*task, 99'999), 1500.0);
}

CAF_TEST(a task that stored nothing has failed) {
  const auto skipped = start(0);
  book.input_skipped(skipped, {"a", 1, "broken"});
  book.finish(1, skipped);
  CAF_CHECK_EQUAL(state(skipped), "failed");
  const auto empty = start(0);
  book.finish(1, empty);
  CAF_CHECK_EQUAL(state(empty), "failed");
  CAF_CHECK_EQUAL(book.find(empty)->errors.at(0).reason, "no input was found");
  const auto unfinished = start(0);
  book.set_total(unfinished, 5);
  book.finish(1, unfinished, no_input::is_success);
  CAF_CHECK_EQUAL(state(unfinished), "failed");
  const auto idle = start(0);
  book.finish(1, idle, no_input::is_success);
  CAF_CHECK_EQUAL(state(idle), "done");
  CAF_CHECK(book.find(idle)->errors.empty());
  const auto aborted = start(0);
  book.input_done(aborted);
  book.abort(1, aborted, {"", 0, "the album was deleted"});
  CAF_CHECK_EQUAL(state(aborted), "failed");
}

CAF_TEST(a task that is stopped or ended takes no more progress) {
  const auto id = start(0);
  const auto stopped = book.stop(5, id);
  CAF_REQUIRE(stopped.has_value());
  CAF_CHECK(stopped->state == task_state::stopped);
  const auto before = *book.find(id);
  CAF_CHECK(!book.input_done(id));
  CAF_CHECK(!book.input_skipped(id, {}));
  CAF_CHECK(!book.set_total(id, 9));
  CAF_CHECK(!book.progress(id, 9));
  CAF_CHECK(!book.finish(9, id));
  CAF_CHECK(!book.abort(9, id, {}));
  CAF_CHECK(!book.update(9, before));
  CAF_CHECK(book.stop(9, id).has_value());
  CAF_CHECK(*book.find(id) == before);
  CAF_CHECK_EQUAL(book.running(), 0u);
  CAF_CHECK(!book.input_done("unknown"));
  CAF_CHECK(book.stop(9, "unknown").error().code == ec::not_found);
}

CAF_TEST(the id of a running task joins it and that of an ended one begins anew) {
  auto first = book.start(0, wish("mine"));
  CAF_REQUIRE(first.has_value());
  CAF_CHECK(!first->joined);
  book.input_done("mine");
  auto second = book.start(5, wish("mine"));
  CAF_REQUIRE(second.has_value());
  CAF_CHECK(second->joined);
  CAF_CHECK_EQUAL(second->task.completed, 1u);
  CAF_CHECK_EQUAL(second->task.started_ms, 0);
  CAF_CHECK(refusal(wish("mine", "split")) == ec::conflict);
  CAF_CHECK(refusal(wish("mine", "store", "b")) == ec::conflict);
  book.finish(6, "mine");
  auto third = book.start(7, wish("mine", "split"));
  CAF_REQUIRE(third.has_value());
  CAF_CHECK(!third->joined);
  CAF_CHECK_EQUAL(third->task.completed, 0u);
  CAF_CHECK_EQUAL(book.running(), 1u);
  CAF_CHECK_EQUAL(book.list().size(), 1u);
}

CAF_TEST(only the wish counts at the start and not its counters) {
  auto wanted = wish("x");
  wanted.total = 7;
  wanted.completed = 5;
  wanted.state = task_state::done;
  wanted.ended_ms = 9;
  wanted.node = 1;
  wanted.errors = {{"a", 1, "b"}};
  wanted.began = {1, 2, 3};
  const auto out = book.start(50, wanted);
  CAF_REQUIRE(out.has_value());
  auto expected = wish("x");
  expected.total = 7;
  expected.started_ms = 50;
  expected.node = 0xabc;
  expected.began = {1, 2, 3};
  CAF_CHECK(out->task == expected);
}

CAF_TEST(ids that users choose are checked) {
  const auto longest = std::string(64, 'x');
  for (const auto& id : {std::string("A-z_0.9"), longest}) CAF_CHECK(check_task_id(id).has_value());
  for (const auto& id : {std::string(), longest + "x", std::string("a b"), std::string("a/b"),
                         std::string("ä"), std::string("a\0b", 3), std::string("a\n")})
    CAF_CHECK(!check_task_id(id).has_value());
  CAF_CHECK(refusal(wish("a b")) == ec::invalid_argument);
}

CAF_TEST(generated ids are short printable and unique over nodes and restarts) {
  std::set<std::string> ids;
  for (uint64_t node = 1; node <= 5; ++node)
    for (int64_t begin : {0, 1}) {
      task_book other(node);
      for (int i = 0; i < 500; ++i) {
        const auto out = other.start(begin, wish());
        CAF_REQUIRE(out.has_value());
        CAF_REQUIRE(check_task_id(out->task.id).has_value());
        CAF_REQUIRE(out->task.id.size() <= 12 && out->task.id.starts_with("t-"));
        CAF_REQUIRE(ids.insert(out->task.id).second);
      }
    }
}

CAF_TEST(reports of workers add up) {
  const auto id = start(0);
  task_record news;
  news.id = id;
  news.completed = 2;
  news.skipped = 1;
  news.bytes = 10;
  news.total = 9;
  news.errors = {{"a", 1, "bad"}};
  news.dropped_errors = 4;
  CAF_CHECK(book.update(1, news));
  CAF_CHECK(book.update(2, news));
  const auto* task = book.find(id);
  CAF_CHECK_EQUAL(task->completed, 4u);
  CAF_CHECK_EQUAL(task->skipped, 2u);
  CAF_CHECK_EQUAL(task->total, 9u);
  CAF_CHECK_EQUAL(task->errors.size(), 2u);
  CAF_CHECK_EQUAL(task->dropped_errors, 8u);
  task_record end;
  end.id = id;
  end.state = task_state::done;
  CAF_CHECK(book.update(3, end));
  CAF_CHECK_EQUAL(state(id), "done");
  CAF_CHECK_EQUAL(book.find(id)->ended_ms, 3);
  // Done without anything stored is a failure, whoever says it.
  end.id = start(0);
  CAF_CHECK(book.update(3, end));
  CAF_CHECK_EQUAL(state(end.id), "failed");
  end.id = start(0);
  end.state = task_state::failed;
  end.completed = 1;
  CAF_CHECK(book.update(3, end));
  CAF_CHECK_EQUAL(state(end.id), "failed");
}

CAF_TEST(counters do not wrap and the total covers what is through) {
  const auto id = start(0);
  book.input_done(id);
  book.input_done(id);
  CAF_CHECK_EQUAL(book.find(id)->total, 2u);
  book.set_total(id, 1);
  CAF_CHECK_EQUAL(book.find(id)->total, 2u);
  task_record news;
  news.id = id;
  news.completed = news.skipped = news.bytes = UINT64_MAX;
  book.update(0, news);
  book.progress(id, 5);
  CAF_CHECK_EQUAL(book.find(id)->completed, UINT64_MAX);
  CAF_CHECK_EQUAL(book.find(id)->total, UINT64_MAX);
  CAF_CHECK_EQUAL(book.find(id)->bytes, UINT64_MAX);
}

CAF_TEST(errors are bounded in number and length and the others counted) {
  const auto id = start(0);
  const std::string reason = std::string(defaults::max_task_text_bytes - 1, 'r') + "ä";
  for (size_t i = 0; i < defaults::max_task_errors + 5; ++i)
    book.input_skipped(id, {"in", i, reason});
  const auto* task = book.find(id);
  CAF_CHECK_EQUAL(task->errors.size(), defaults::max_task_errors);
  CAF_CHECK_EQUAL(task->dropped_errors, 5u);
  CAF_CHECK_EQUAL(task->skipped, defaults::max_task_errors + 5);
  CAF_CHECK_EQUAL(task->errors[0].reason.size(), defaults::max_task_text_bytes - 1);
  const auto back = decode_task_record(encode(*task));
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(*back == *task);
}

CAF_TEST(running tasks are bounded) {
  task_book two(1, 10, 2);
  CAF_REQUIRE(two.start(0, wish("a")).has_value());
  CAF_REQUIRE(two.start(0, wish("b")).has_value());
  const auto third = two.start(0, wish("c"));
  CAF_REQUIRE(!third.has_value());
  CAF_CHECK(third.error().code == ec::limit_exceeded);
  const auto joined = two.start(0, wish("a"));
  CAF_CHECK(joined.has_value());
  two.finish(1, "a");
  CAF_CHECK(two.start(2, wish("c")).has_value());
}

CAF_TEST(the history is bounded and forgets what ended first) {
  task_book three(1, 3);
  for (int i = 0; i < 6; ++i) {
    const auto id = std::string(1, 't') + std::to_string(i);
    CAF_REQUIRE(three.start(i, wish(id)).has_value());
    if (i > 0) three.finish(10 + i, id);
  }
  CAF_CHECK(three.find("t0") != nullptr);
  CAF_CHECK(three.find("t2") == nullptr);
  CAF_CHECK(three.find("t3") != nullptr);
  CAF_CHECK(three.take_forgotten() == std::vector<std::string>({"t1", "t2"}));
  CAF_CHECK(three.take_forgotten().empty());
  CAF_CHECK_EQUAL(three.clear(), 3u);
  CAF_CHECK_EQUAL(three.list().size(), 1u);
  CAF_REQUIRE(three.start(99, wish("t4")).has_value());
  CAF_CHECK(three.take_forgotten() == std::vector<std::string>({"t3", "t5"}));
}

CAF_TEST(a book without a history still tells how a task was stopped) {
  task_book none(1, 0);
  CAF_REQUIRE(none.start(0, wish("a")).has_value());
  const auto stopped = none.stop(1, "a");
  CAF_REQUIRE(stopped.has_value());
  CAF_CHECK(stopped->state == task_state::stopped);
  CAF_CHECK(none.find("a") == nullptr);
}

CAF_TEST(the latest task is listed first) {
  start(10, wish("a"));
  start(30, wish("b"));
  start(20, wish("c"));
  const auto all = book.list();
  CAF_REQUIRE_EQUAL(all.size(), 3u);
  CAF_CHECK_EQUAL(all[0].id, "b");
  CAF_CHECK_EQUAL(all[1].id, "c");
  CAF_CHECK_EQUAL(all[2].id, "a");
}

CAF_TEST(a task that ran when the node was restarted has failed) {
  auto ran = wish("ran");
  ran.started_ms = 5;
  ran.completed = 3;
  for (size_t i = 0; i < defaults::max_task_errors; ++i) add_error(ran, {"in", 0, "bad"});
  auto ended = wish("ended");
  ended.state = task_state::done;
  ended.ended_ms = 7;
  book.restore(100, ran);
  book.restore(100, ended);
  CAF_CHECK_EQUAL(state("ran"), "failed");
  const auto* task = book.find("ran");
  CAF_CHECK_EQUAL(task->ended_ms, 100);
  CAF_CHECK_EQUAL(task->completed, 3u);
  CAF_CHECK_EQUAL(task->errors.back().reason, "the node was restarted");
  CAF_CHECK_EQUAL(task->errors.size(), defaults::max_task_errors);
  CAF_CHECK_EQUAL(task->dropped_errors, 1u);
  CAF_CHECK(*book.find("ended") == ended);
  CAF_CHECK_EQUAL(book.running(), 0u);
}

CAF_TEST(rate and time left) {
  auto task = wish("x");
  task.started_ms = 1000;
  task.total = 10;
  CAF_CHECK_EQUAL(bytes_per_second(task, 1000), 0.0);
  CAF_CHECK_EQUAL(bytes_per_second(task, 500), 0.0);
  CAF_CHECK(!time_left_ms(task, 5000).has_value());
  task.completed = 1;
  task.skipped = 1;
  task.bytes = 8000;
  CAF_CHECK_EQUAL(bytes_per_second(task, 5000), 2000.0);
  CAF_CHECK(time_left_ms(task, 5000) == 16'000);
  task.total = UINT64_MAX;
  CAF_CHECK(!time_left_ms(task, INT64_MAX).has_value());
  task.state = task_state::done;
  task.ended_ms = 2000;
  CAF_CHECK_EQUAL(bytes_per_second(task, 5000), 8000.0);
  CAF_CHECK(!time_left_ms(task, 5000).has_value());
}

CAF_TEST(records that are cut off or changed are refused or harmless) {
  auto task = wish("x");
  task.errors = {{"a", 1, "b"}, {"", 0, ""}};
  task.state = task_state::stopped;
  task.began = {5, 6, 7};
  const auto bytes = encode(task);
  const auto back = decode_task_record(bytes);
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(*back == task);
  for (size_t n = 0; n < bytes.size(); ++n) CAF_REQUIRE(!decode_task_record(bytes.substr(0, n)));
  CAF_CHECK(!decode_task_record(bytes + "x"));
  std::mt19937_64 rng(1);
  for (int i = 0; i < 20'000; ++i) {
    auto broken = bytes;
    for (auto flips = 1 + rng() % 3; flips > 0; --flips)
      broken[rng() % broken.size()] = static_cast<char>(rng());
    if (const auto read = decode_task_record(broken)) CAF_REQUIRE(encode(*read) == broken);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()

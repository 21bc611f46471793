#define CAF_SUITE cluster.task
#include "libstip/cluster/task.hpp"

#include <caf/test/unit_test.hpp>
#include <random>

using namespace stip;

namespace {

task_record wish(const std::string& id) {
  task_record out;
  out.id = id;
  out.kind = "store";
  out.album = "a";
  return out;
}

}  // namespace

CAF_TEST(ids that users choose are checked) {
  const auto longest = std::string(64, 'x');
  for (const auto& id : {std::string("A-z_0.9"), longest}) CAF_CHECK(check_task_id(id).has_value());
  for (const auto& id : {std::string(), longest + "x", std::string("a b"), std::string("a/b"),
                         std::string("ä"), std::string("a\0b", 3), std::string("a\n")})
    CAF_CHECK(!check_task_id(id).has_value());
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

CAF_TEST(errors are bounded in number and length and the others counted) {
  auto task = wish("x");
  const std::string reason = std::string(defaults::max_task_text_bytes - 1, 'r') + "ä";
  for (size_t i = 0; i < defaults::max_task_errors + 5; ++i) add_error(task, {"in", i, reason});
  CAF_CHECK_EQUAL(task.errors.size(), defaults::max_task_errors);
  CAF_CHECK_EQUAL(task.dropped_errors, 5u);
  CAF_CHECK_EQUAL(task.errors[0].reason.size(), defaults::max_task_text_bytes - 1);
  const auto back = decode_task_record(encode(task));
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(*back == task);
}

CAF_TEST(counters do not wrap and the total covers what is through) {
  auto task = wish("x");
  add(task.completed, UINT64_MAX);
  add(task.completed, 5);
  add(task.skipped, 1);
  keep_total(task);
  CAF_CHECK_EQUAL(task.completed, UINT64_MAX);
  CAF_CHECK_EQUAL(task.total, UINT64_MAX);
}

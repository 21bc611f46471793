#define CAF_SUITE cluster.task_verdicts
#include "libstip/cluster/task_verdicts.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <random>

using namespace stip;

namespace {

constexpr int64_t now = 1'700'000'000'000;
constexpr auto stopped = task_verdict::kind::stopped;
constexpr auto cleared = task_verdict::kind::cleared;

task_verdict verdict(const std::string& id, int64_t began, task_verdict::kind what = stopped,
                     int64_t at_ms = now) {
  return {id, {began, 0, 1}, what, at_ms};
}

}  // namespace

CAF_TEST(a verdict holds for what began until then) {
  task_verdicts known;
  CAF_CHECK(known.learn(verdict("t", 5), now));
  CAF_CHECK(!known.learn(verdict("t", 5), now));
  CAF_CHECK(known.on("t", {5, 0, 1}) != nullptr);
  CAF_CHECK(known.on("t", {4, 0, 1}) != nullptr);
  CAF_CHECK(known.on("t", {6, 0, 1}) == nullptr);
  CAF_CHECK(known.on("other", {1, 0, 1}) == nullptr);
  // To clear is the stronger word, and a later beginning counts more than both.
  CAF_CHECK(known.learn(verdict("t", 5, cleared), now));
  CAF_CHECK(!known.learn(verdict("t", 5, stopped, now + 1), now));
  CAF_CHECK(known.on("t", {5, 0, 1})->what == cleared);
  CAF_CHECK(known.learn(verdict("t", 7), now));
  CAF_CHECK(!known.learn(verdict("t", 6, cleared), now));
}

CAF_TEST(verdicts are forgotten after their time and beyond their number) {
  task_verdicts three{3};
  const auto age = defaults::task_verdict_age.count();
  CAF_CHECK(!three.learn(verdict("old", 1, stopped, now - age - 1), now));
  for (int i = 0; i < 5; ++i)
    CAF_CHECK(three.learn(verdict("t" + std::to_string(i), 1, stopped, now + i), now));
  CAF_CHECK_EQUAL(three.all().size(), 3u);
  CAF_CHECK(three.on("t1", {1, 0, 1}) == nullptr);
  CAF_CHECK(!three.learn(verdict("t1", 1, stopped, now + 1), now));
  three.expire(now + age + 3);
  CAF_CHECK_EQUAL(three.all().size(), 2u);
  three.expire(now + 2 * age);
  CAF_CHECK(three.all().empty());
  CAF_CHECK_EQUAL(three.fingerprint(), 0u);
}

CAF_TEST(two nodes that learn the same in any order are equal) {
  std::mt19937_64 rng(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<task_verdict> said;
    for (int i = 0; i < 12; ++i)
      said.push_back(verdict("t" + std::to_string(rng() % 4), int64_t(rng() % 3),
                             rng() % 2 == 0 ? stopped : cleared, now + int64_t(rng() % 3)));
    task_verdicts a, b;
    for (const auto& v : said) a.learn(v, now);
    std::shuffle(said.begin(), said.end(), rng);
    for (const auto& v : said) b.learn(v, now);
    CAF_REQUIRE(a.all() == b.all());
    CAF_REQUIRE_EQUAL(a.fingerprint(), b.fingerprint());
    const auto back = decode_task_verdicts(encode(a.all()));
    CAF_REQUIRE(back.has_value());
    CAF_REQUIRE(*back == a.all());
  }
}

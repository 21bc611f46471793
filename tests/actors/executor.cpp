#define CAF_SUITE actors.executor
#include "actors/executor.hpp"

#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

job make_job(std::function<void()> work) {
  return std::make_shared<std::function<void()>>(std::move(work));
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(executor_tests, actor_fixture)

// The refusal was never sent, and whoever had asked waited for the whole deadline.
CAF_TEST(a job beyond the bound of the queue is refused at once) {
  // Without a worker every job waits.
  const auto pool = keep(spawn_executor(sys, 0, 2));
  const auto first = begin<bool>(pool, atom::run_v, make_job([] {}));
  const auto second = begin<bool>(pool, atom::run_v, make_job([] {}));
  const auto third = ask<bool>(pool, atom::run_v, make_job([] {}));
  CAF_REQUIRE(!third);
  CAF_CHECK_EQUAL(int(third.error().code), int(ec::limit_exceeded));
  CAF_CHECK(!first->has_value());
  CAF_CHECK(!second->has_value());
}

CAF_TEST(what blocking work returns or throws reaches whoever asked for it) {
  std::vector<result<int>> outcomes;
  const auto pool = context->writers;
  keep(sys.spawn([&outcomes, pool](caf::event_based_actor* me) {
    const std::chrono::milliseconds deadline{1000};
    auto keep_outcome = [&outcomes](result<int> outcome) {
      outcomes.push_back(std::move(outcome));
    };
    run_blocking(
        me, pool, deadline, []() -> result<int> { return 7; }, keep_outcome);
    run_blocking(
        me, pool, deadline,
        []() -> result<int> { return fail(ec::io_error, "read", "the cable is out"); },
        keep_outcome);
    run_blocking(
        me, pool, deadline, []() -> result<int> { throw std::runtime_error{"thrown"}; },
        keep_outcome);
  }));
  settle();
  CAF_REQUIRE_EQUAL(outcomes.size(), 3u);
  CAF_CHECK_EQUAL(outcomes[0].value(), 7);
  CAF_CHECK_EQUAL(int(outcomes[1].error().code), int(ec::io_error));
  CAF_CHECK_EQUAL(int(outcomes[2].error().code), int(ec::internal));
  CAF_CHECK_EQUAL(outcomes[2].error().why, "thrown");
}

CAF_TEST(work that is not done in time is told as a missed deadline) {
  auto jobs = std::make_shared<held_jobs>();
  const auto pool = held_executor(jobs);
  std::vector<result<int>> outcomes;
  keep(sys.spawn([&outcomes, pool](caf::event_based_actor* me) {
    run_blocking(
        me, pool, std::chrono::milliseconds{1000}, []() -> result<int> { return 7; },
        [&outcomes](result<int> outcome) { outcomes.push_back(std::move(outcome)); });
  }));
  pass(900);
  CAF_CHECK(outcomes.empty());
  pass(200);
  CAF_REQUIRE_EQUAL(outcomes.size(), 1u);
  CAF_CHECK_EQUAL(int(outcomes[0].error().code), int(ec::timeout));
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE actors.ask
#include "actors/ask.hpp"

#include "actors/executor.hpp"
#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr std::chrono::hours deadline{1};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(ask_tests, actor_fixture)

// Timeouts of an hour would otherwise outlive a million answers.
CAF_TEST(an answer leaves no timeout behind) {
  const auto before = sched.clock().schedule().size();
  auto jobs = std::make_shared<held_jobs>();
  const auto pool = held_executor(jobs);
  int answers = 0;
  keep(sys.spawn([&answers, pool](caf::event_based_actor* me) {
    run_blocking(
        me, pool, deadline, []() -> result<int> { return 1; },
        [&answers](const result<int>&) { ++answers; });
  }));
  settle();
  CAF_CHECK_EQUAL(sched.clock().schedule().size(), before + 1);
  jobs->run_one();
  settle();
  CAF_CHECK_EQUAL(answers, 1);
  CAF_CHECK_EQUAL(sched.clock().schedule().size(), before);
}

CAF_TEST(an error leaves no timeout behind) {
  const auto before = sched.clock().schedule().size();
  const auto refusing =
      fake<executor_actor>([](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; });
  std::optional<caf::error> told;
  keep(sys.spawn([&told, refusing](caf::event_based_actor* me) {
    stip::ask(me, refusing, deadline, atom::run_v, std::make_shared<std::function<void()>>())
        .then([](bool) {}, [&told](caf::error& err) { told = err; });
  }));
  settle();
  CAF_CHECK(told.has_value());
  CAF_CHECK_EQUAL(sched.clock().schedule().size(), before);
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE core.time
#include "libstip/core/time.hpp"

#include <caf/test/unit_test.hpp>
#include <random>

#include "libstip/core/clock.hpp"

using namespace stip;

namespace {

epoch_seconds parsed(const char* text) {
  auto time = parse_time(text);
  if (!time) CAF_FAIL("not a time: " << text);
  return *time;
}

struct fake_clock final : clock {
  int64_t now = 1000;
  int64_t wall_ms() const override { return now; }
  int64_t steady_ms() const override { return now; }
};

}  // namespace

CAF_TEST(times are read in every form that users write) {
  const epoch_seconds t = 1594749731;
  CAF_CHECK_EQUAL(parsed("1594749731"), t);
  CAF_CHECK_EQUAL(parsed("2020-07-14T18:02:11Z"), t);
  CAF_CHECK_EQUAL(parsed("2020-07-14 18:02:11"), t);
  CAF_CHECK_EQUAL(parsed("20200714T180211Z"), t);
  CAF_CHECK_EQUAL(parsed("2020-07-14T20:02:11.250+02:00"), t);
  CAF_CHECK_EQUAL(parsed("20200714"), parsed("2020-07-14T00:00:00Z"));
  CAF_CHECK_EQUAL(parsed("2020-07"), parsed("2020-07-01"));
  CAF_CHECK_EQUAL(parsed("2020"), parsed("2020-01-01"));
  CAF_CHECK_EQUAL(parsed("-86400"), parsed("1969-12-31"));
}

CAF_TEST(what is no time is refused) {
  for (auto text :
       {"", "x", "2020-13-01", "2020-02-30", "2020-07-14T25:00", "2020-07-14T18:02:11Zx",
        "20200714T", "99999999999999999", "2020-", "0000-01-01", "2020-07-14T18:02:11."})
    CAF_CHECK(!parse_time(text));
}

CAF_TEST(printing and reading are inverse over all years) {
  std::mt19937_64 random{7};
  std::uniform_int_distribution<epoch_seconds> times{parsed("0001-01-01"), parsed("9999-12-31")};
  for (int i = 0; i < 10'000; ++i) {
    const auto t = times(random);
    const auto iso = parse_time(to_iso8601(t));
    const auto compact = parse_time(to_compact(t));
    CAF_REQUIRE(iso && compact);
    CAF_REQUIRE(*iso == t && *compact == t);
  }
}

CAF_TEST(versions grow though the wall clock goes back) {
  fake_clock time;
  version_clock versions{3, time};
  const auto first = versions.next();
  time.now = 10;
  const auto second = versions.next();
  CAF_CHECK(second > first);
  CAF_CHECK(versions.observe({1500, 9, 8}).has_value());
  CAF_CHECK(versions.next() > (version{1500, 9, 8}));
}

CAF_TEST(a version from the far future is refused) {
  fake_clock time;
  version_clock versions{3, time};
  CAF_CHECK(!versions.observe({time.now + 10'001, 0, 8}));
  CAF_CHECK(versions.next() < (version{time.now + 1, 0, 0}));
}

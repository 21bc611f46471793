#define CAF_SUITE store.kill

#include <sys/wait.h>
#include <unistd.h>

#include <caf/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <thread>

#include "libstip/store/data_directory.hpp"
#include "tests/support/libstip/environment.hpp"
#include "tests/support/libstip/sample_chips.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

// A process that stores is killed again and again; what it said to be stored is there.

using namespace stip;
using namespace stip::test;

namespace {

constexpr uint64_t seed = 20200714;
constexpr int default_rounds = 20;
/// A killed process gets at most so long to work.
constexpr int most_life_ms = 150;

album the_album() {
  album a;
  a.uid = {1, 2};
  a.name = "killed";
  return a;
}

/// Goes on with the workload after the first `done` commits, and writes a byte for each that is
/// acknowledged. Never returns.
[[noreturn]] void store_until_killed(const std::string& path, size_t done, int pipe) {
  workload work{seed};
  for (size_t i = 0; i < done; ++i) work.next();
  const auto directory = data_directory::open(path, open_mode::read_write);
  if (!directory) ::_exit(1);
  const auto s = (*directory)->open_album(the_album(), {});
  if (!s) ::_exit(2);
  while (true) {
    if (!store(**s, work.next())) ::_exit(3);
    if (::write(pipe, "+", 1) != 1) ::_exit(4);
  }
}

size_t read_all(int pipe) {
  size_t total = 0;
  char bytes[256];
  while (true) {
    const auto got = ::read(pipe, bytes, sizeof bytes);
    if (got <= 0) return total;
    total += static_cast<size_t>(got);
  }
}

}  // namespace

CAF_TEST(a killed store has what it acknowledged and at most one commit more) {
  const int rounds = from_environment("STIP_KILL_ROUNDS", default_rounds);
  const scratch_directory scratch;
  const auto path = scratch / "data";
  std::mt19937_64 random{seed};
  workload work{seed};
  store_twin twin;
  size_t done = 0;
  for (int round = 0; round < rounds; ++round) {
    int ends[2];
    CAF_REQUIRE(::pipe(ends) == 0);
    const auto child = ::fork();
    CAF_REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      store_until_killed(path, done, ends[1]);
    }
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % (most_life_ms * 1000)));
    ::kill(child, SIGKILL);
    int status = 0;
    CAF_REQUIRE(::waitpid(child, &status, 0) == child);
    CAF_REQUIRE(WIFSIGNALED(status));
    const auto acknowledged = read_all(ends[0]);
    ::close(ends[0]);
    for (size_t i = 0; i < acknowledged; ++i) twin.apply(work.next());
    done += acknowledged;

    const auto directory = data_directory::open(path, open_mode::read_write);
    if (!directory) CAF_FAIL(to_string(directory.error()));
    const auto s = (*directory)->open_album(the_album(), {});
    if (!s) CAF_FAIL(to_string(s.error()));
    const auto difference = twin.difference(**s);
    if (!difference) continue;
    // The commit that was under way has come through.
    twin.apply(work.next());
    ++done;
    const auto still = twin.difference(**s).value_or("");
    CAF_REQUIRE_EQUAL(still, "");
  }
  CAF_MESSAGE("seed " << seed << ": " << rounds << " rounds, " << done << " commits");
  CAF_CHECK(done > 0);
}

#define CAF_SUITE cluster.membership
#include <signal.h>

#include <caf/scoped_actor.hpp>
#include <caf/test/unit_test.hpp>
#include <map>
#include <thread>

#include "actors/errors.hpp"
#include "actors/network.hpp"
#include "tests/support/cluster/stipd_process.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int dial_timeout_ms = 10'000;
/// Far above what is promised: a busy machine decides nothing here.
constexpr std::chrono::seconds patience{60};
constexpr milliseconds look_again{20};

/// The membership of a node in another process.
class watched_node {
 public:
  watched_node(caf::actor_system& system, const stipd_process& process) : system_(&system) {
    connect(system, process);
    auto handles = dial(system, "127.0.0.1", process.port(), dial_timeout_ms);
    if (!handles) CAF_FAIL(to_string(handles.error()));
    handles_ = std::move(*handles);
  }

  uint64_t id() const { return handles_.info.id; }

  /// How it sees that one; "unknown" when it does not, or does not answer.
  std::string state(uint64_t of) const {
    std::string out = "unknown";
    caf::scoped_actor self{*system_};
    self->request(handles_.membership, milliseconds{dial_timeout_ms}, atom::list_v)
        .receive(
            [&](const std::vector<member>& members) {
              for (const auto& m : members)
                if (m.info.id == of) out = to_string(m.state);
            },
            [](const caf::error&) {});
    return out;
  }

 private:
  caf::actor_system* system_;
  node_handles handles_;
};

std::string seed(const stipd_process& process) {
  return "--stip.peers=[\"127.0.0.1:" + std::to_string(process.port()) + "\"]";
}

/// Milliseconds until it holds; ends the test when it does not for long.
template <class Condition>
int64_t wait_for(const char* what, Condition holds) {
  const auto began = steady_clock::now();
  while (!holds()) {
    if (steady_clock::now() - began > patience) CAF_FAIL("not within a minute: " << what);
    std::this_thread::sleep_for(look_again);
  }
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - began).count();
}

}  // namespace

CAF_TEST(real nodes notice who dies freezes thaws and joins through one seed) {
  if (stipd_binary().empty()) {
    CAF_MESSAGE("skipped: no stipd in $STIP_BIN_DIR");
    return;
  }
  const scratch_directory files;
  system_config config{system_config::networking::on};
  caf::actor_system system{config};
  stipd_process first{files / "a"};
  stipd_process second{files / "b", {seed(first)}};
  stipd_process third{files / "c", {seed(first)}};
  const watched_node a{system, first}, b{system, second};
  const auto third_id = watched_node{system, third}.id();
  wait_for("three nodes see each other up", [&] {
    return a.state(b.id()) == "up" && a.state(third_id) == "up" && b.state(a.id()) == "up" &&
           b.state(third_id) == "up";
  });

  CAF_CHECK_EQUAL(third.end(SIGKILL), -SIGKILL);
  CAF_MESSAGE("kill -9: not up anywhere after " << wait_for("the killed node is not up", [&] {
                return a.state(third_id) != "up" && b.state(third_id) != "up";
              }) << " ms");
  CAF_MESSAGE("and down after another " << wait_for("the killed node is down", [&] {
                return a.state(third_id) == "down" && b.state(third_id) == "down";
              }) << " ms");

  // A fourth knows one of the others only, and is known to all.
  stipd_process fourth{files / "d", {seed(second)}};
  const watched_node d{system, fourth};
  CAF_MESSAGE(
      "a fourth with one seed: up everywhere after " << wait_for("the fourth is known", [&] {
        return a.state(d.id()) == "up" && b.state(d.id()) == "up" && d.state(a.id()) == "up" &&
               d.state(b.id()) == "up";
      }) << " ms");
  CAF_CHECK_EQUAL(d.state(third_id), "down");

  ::kill(second.pid(), SIGSTOP);
  CAF_MESSAGE("SIGSTOP: not up anywhere after " << wait_for("the frozen node is not up", [&] {
                return a.state(b.id()) != "up" && d.state(b.id()) != "up";
              }) << " ms");
  // Longer than CAF keeps a silent connection.
  wait_for("the frozen node is down", [&] { return a.state(b.id()) == "down"; });
  std::this_thread::sleep_for(defaults::connection_timeout);
  ::kill(second.pid(), SIGCONT);
  CAF_MESSAGE("SIGCONT: up everywhere after " << wait_for("the thawed node is up", [&] {
                return a.state(b.id()) == "up" && d.state(b.id()) == "up";
              }) << " ms");
  // Its connection to this test has ended meanwhile.
  const watched_node thawed{system, second};
  wait_for("it sees the others",
           [&] { return thawed.state(a.id()) == "up" && thawed.state(d.id()) == "up"; });

  // Started again, the killed node is the same member.
  stipd_process again{files / "c", {seed(first)}};
  wait_for("the killed node is back",
           [&] { return a.state(third_id) == "up" && d.state(third_id) == "up"; });
  CAF_CHECK_EQUAL(again.end(SIGTERM), 0);
  CAF_MESSAGE("stopped: not up anywhere after " << wait_for("the stopped node is not up", [&] {
                return a.state(third_id) != "up" && d.state(third_id) != "up";
              }) << " ms");
}

#include "tests/support/cluster/test_network.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace stip::test {

namespace {

constexpr auto subnet = "10.77.0.";
constexpr size_t first_host = 2;
/// Where links end: the switch of everybody, and that of those who are set apart.
constexpr auto home = "br0";
constexpr auto away = "br1";

bool run(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

std::string link(size_t host) {
  return "v" + std::to_string(host);
}

/// A descriptor of a new network namespace with one end of a new link in it; -1: it failed.
int make_host(size_t host) {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) return -1;
  const auto keeper = ::fork();
  if (keeper == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char done = ::unshare(CLONE_NEWNET) == 0 ? 1 : 0;
    if (::write(ready[1], &done, 1) == 1) ::pause();
    ::_exit(0);
  }
  ::close(ready[1]);
  char done = 0;
  const bool alive = keeper > 0 && ::read(ready[0], &done, 1) == 1 && done == 1;
  ::close(ready[0]);
  const auto pid = std::to_string(keeper);
  int space = -1;
  if (alive && run("ip link add " + link(host) + " type veth peer name eth0 netns " + pid))
    space = ::open(("/proc/" + pid + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
  if (keeper > 0) {
    ::kill(keeper, SIGKILL);
    ::waitpid(keeper, nullptr, 0);
  }
  return space;
}

tl::unexpected<error> refused(const std::string& what) {
  return fail(ec::unsupported, "make a network of namespaces", what + " was refused",
              "run as root, with iproute2 installed");
}

}  // namespace

std::string test_network::address(size_t host) {
  return subnet + std::to_string(first_host + host);
}

bool test_network::run_on(size_t host, const std::string& words) const {
  return run("nsenter --net=/proc/" + std::to_string(::getpid()) + "/fd/" +
             std::to_string(namespaces_[host]) + " ip " + words);
}

result<std::unique_ptr<test_network>> test_network::make(size_t hosts) {
  if (::unshare(CLONE_NEWNET) != 0) return refused("a network namespace");
  const std::string own = std::string{" addr add "} + subnet + "1/24 dev " + home;
  if (!run("ip link set lo up") || !run(std::string{"ip link add "} + home + " type bridge") ||
      !run(std::string{"ip link add "} + away + " type bridge") || !run("ip" + own) ||
      !run(std::string{"ip link set up "} + home) || !run(std::string{"ip link set up "} + away))
    return refused("a bridge");
  std::unique_ptr<test_network> made{new test_network};
  for (size_t i = 0; i < hosts; ++i) {
    const auto space = make_host(i);
    if (space < 0) return refused("a link");
    made->namespaces_.push_back(space);
    if (!run("ip link set " + link(i) + " master " + home + " up") ||
        !made->run_on(i, "link set lo up") ||
        !made->run_on(i, "addr add " + address(i) + "/24 dev eth0") ||
        !made->run_on(i, "link set eth0 up"))
      return refused("an address");
  }
  return made;
}

test_network::~test_network() {
  for (const int space : namespaces_) ::close(space);
}

void test_network::enter(size_t host) const {
  if (::setns(namespaces_[host], CLONE_NEWNET) != 0) ::_exit(126);
}

void test_network::unplug(size_t host) {
  run("ip link set " + link(host) + " nomaster");
}

void test_network::part(const std::vector<size_t>& hosts) {
  for (const auto host : hosts) run("ip link set " + link(host) + " master " + away);
}

void test_network::drop(size_t from, size_t to) {
  // A neighbour that nobody is: an address route would tell the sender at once.
  run_on(from, "neigh replace " + address(to) + " lladdr 02:00:00:00:00:01 nud permanent dev eth0");
  dropped_.emplace_back(from, to);
}

void test_network::heal() {
  for (size_t i = 0; i < hosts(); ++i) run("ip link set " + link(i) + " master " + home);
  for (const auto& [from, to] : std::exchange(dropped_, {}))
    run_on(from, "neigh del " + address(to) + " dev eth0");
}

result<void> test_network::mount_disk(const std::string& directory, size_t bytes) {
  // Else the mount would be seen outside of the test.
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", directory.c_str(), "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) !=
          0)
    return refused("a mount");
  return {};
}

}  // namespace stip::test

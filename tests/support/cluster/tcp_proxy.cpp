#include "tests/support/cluster/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace stip::test {

namespace {

constexpr int poll_interval_ms = 20;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

}  // namespace

tcp_proxy::tcp_proxy() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0)
    std::abort();
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { run(); }};
}

tcp_proxy::~tcp_proxy() {
  ending_ = true;
  [[maybe_unused]] const auto n = ::write(wake_[1], "x", 1);
  thread_.join();
  cut();
  for (const int fd : {listener_, wake_[0], wake_[1]}) ::close(fd);
}

void tcp_proxy::cut() {
  // The relay's thread holds the mutex while it passes bytes on, so nothing passes after this.
  const std::lock_guard guard{mutex_};
  cut_ = true;
  for (const auto& p : pairs_) {
    ::close(p.caller);
    ::close(p.node);
  }
  pairs_.clear();
}

void tcp_proxy::restore() {
  cut_ = false;
  silent_ = false;
}

void tcp_proxy::accept_one() {
  const int caller = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (caller < 0) return;
  const int node = cut_ || target_ == 0 ? -1 : ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(target_);
  if (node < 0 || ::connect(node, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (node >= 0) ::close(node);
    ::close(caller);
    return;
  }
  const int on = 1;
  for (const int fd : {caller, node}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  pairs_.push_back({caller, node});
}

bool tcp_proxy::pass(int from, int to) {
  std::array<char, 65'536> buffer;
  const auto n = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n == 0) return false;
  if (n < 0) return true;
  for (ssize_t done = 0; done < n;) {
    const auto m = ::send(to, buffer.data() + done, static_cast<size_t>(n - done), MSG_NOSIGNAL);
    if (m <= 0) return false;
    done += m;
  }
  return true;
}

void tcp_proxy::run() {
  while (!ending_) {
    std::vector<pollfd> wait{{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    {
      const std::lock_guard guard{mutex_};
      if (!silent_)
        for (const auto& p : pairs_) {
          wait.push_back({p.caller, POLLIN, 0});
          wait.push_back({p.node, POLLIN, 0});
        }
    }
    ::poll(wait.data(), wait.size(), poll_interval_ms);
    const std::lock_guard guard{mutex_};
    if (wait[1].revents != 0) accept_one();
    if (silent_) continue;
    std::erase_if(pairs_, [&](const pair& p) {
      // Only what was polled: a pair that came meanwhile waits for the next round.
      bool readable = false;
      for (const auto& w : wait) readable |= w.revents != 0 && (w.fd == p.caller || w.fd == p.node);
      if (!readable || (pass(p.caller, p.node) && pass(p.node, p.caller))) return false;
      ::close(p.caller);
      ::close(p.node);
      return true;
    });
  }
}

}  // namespace stip::test

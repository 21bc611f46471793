#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace stip::test {

/// A relay on loopback between a caller and a node: cut, it ends every connection and takes no new
/// one; silent, it keeps them and passes nothing on, as a network that drops packets does.
class tcp_proxy {
 public:
  tcp_proxy();
  ~tcp_proxy();
  tcp_proxy(const tcp_proxy&) = delete;
  tcp_proxy& operator=(const tcp_proxy&) = delete;

  /// Where callers connect; the port never changes.
  uint16_t port() const { return port_; }
  /// Where connections are passed on to; 0: nowhere, callers are turned away.
  void set_target(uint16_t port) { target_ = port; }
  /// When this returns every connection is closed, and new ones are refused until restore().
  void cut();
  void silence(bool on) { silent_ = on; }
  void restore();

 private:
  struct pair {
    int caller = -1;
    int node = -1;
  };

  void run();
  void accept_one();
  bool pass(int from, int to);

  int listener_ = -1;
  int wake_[2] = {-1, -1};
  uint16_t port_ = 0;
  std::atomic<uint16_t> target_{0};
  std::atomic<bool> cut_{false};
  std::atomic<bool> silent_{false};
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::vector<pair> pairs_;
  std::thread thread_;
};

}  // namespace stip::test

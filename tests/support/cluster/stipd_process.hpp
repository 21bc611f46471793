#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "actors/client.hpp"

namespace stip::test {

/// A real stipd in a process of its own, on an ephemeral port of loopback. Ended by its id.
class stipd_process {
 public:
  /// Starts $STIP_BIN_DIR/stipd on the directory and waits until it listens. Ends the test program
  /// with what stipd printed when it does not. `before` runs in the new process, and may only do
  /// what is safe after a fork.
  explicit stipd_process(const std::string& directory, std::vector<std::string> options = {},
                         const std::function<void()>& before = {});
  /// kill -9, if it still runs.
  ~stipd_process();
  stipd_process(const stipd_process&) = delete;
  stipd_process& operator=(const stipd_process&) = delete;

  uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }

  /// Sends the signal and waits for the end; the exit status, or minus the signal.
  int end(int signal);

  /// Anonymous memory now, in bytes (RssAnon of /proc/PID/status).
  uint64_t anonymous_bytes() const;

 private:
  pid_t pid_ = -1;
  uint16_t port_ = 0;
};

/// A client of the node. Ends the test program when it does not answer for long.
client connect(caf::actor_system& system, const stipd_process& process);

/// Where stipd is; empty: there is none, and the test should say that it is skipped.
std::string stipd_binary();

}  // namespace stip::test

#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdint>
#include <string>

#include "actors/protocol.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// An actor system's configuration with stip's messages, errors and network settings; what stipd,
/// stip and the tests start from. Publishing and connecting stand in this file alone: TLS comes
/// here.
class system_config : public caf::actor_system_config {
 public:
  enum class networking : bool { off, on };
  explicit system_config(networking net);
};

/// Opens `port` (0: any free one) on `host` for the node; returns the port. Errors: io_error.
result<uint16_t> publish(caf::actor_system& system, const node_actor& node, const std::string& host,
                         uint16_t port);

/// "host:port" in its parts. Errors: invalid_argument.
result<std::pair<std::string, uint16_t>> split_address(const std::string& address);

/// Does something listen there? A TCP connection that is closed at once, within the deadline.
/// CAF's own dial may hang for minutes on a host that drops packets, and every other dial behind
/// it. Blocks. Errors: unavailable.
result<void> probe_address(const std::string& host, uint16_t port, int timeout_ms);

/// Connects to the node at that address and asks for its handles, blocking, within the deadline.
/// Errors: unavailable (nothing listens), incompatible, timeout.
result<node_handles> dial(caf::actor_system& system, const std::string& host, uint16_t port,
                          int timeout_ms);

}  // namespace stip

#include "actors/network.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "actors/errors.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

system_config::system_config(networking net) {
  add_message_types<caf::id_block::stip_messages>();
  add_message_types<caf::id_block::stip_atoms>();
  add_message_types<caf::id_block::stip_actors>();
  add_error_category(caf::atom("stip"), render_error);
  // Idle workers of the stealing scheduler poll: a fifth of the processor during a load, and up to
  // ten milliseconds until a message from outside is seen. Those of the sharing one sleep until
  // there is work.
  set("scheduler.policy", caf::atom("sharing"));
  // Both sides of a connection must beat alike: a peer without heartbeats looks dead.
  set("middleman.heartbeat-interval", caf::timespan{defaults::heartbeat_interval});
  set("middleman.connection-timeout", caf::timespan{defaults::connection_timeout});
  // One that both sides have is enough: a cluster is upgraded node by node.
  const auto identifier = [](uint32_t version) { return "stip/" + std::to_string(version); };
  set("middleman.app-identifiers",
      std::vector<std::string>{identifier(protocol_version), identifier(protocol_version - 1)});
  if (net == networking::on) load<caf::io::middleman>();
}

result<uint16_t> publish(caf::actor_system& system, const node_actor& node, const std::string& host,
                         uint16_t port) {
  auto bound = system.middleman().publish(node, port, host.c_str(), true);
  if (!bound)
    return fail(ec::io_error, "listen on " + host + ":" + std::to_string(port),
                "the port cannot be opened", "choose another port, or stop what holds it");
  return *bound;
}

result<std::pair<std::string, uint16_t>> split_address(const std::string& address) {
  const auto colon = address.rfind(':');
  uint16_t port = 0;
  const auto* end = address.data() + address.size();
  const bool parsed =
      colon != std::string::npos && colon > 0 &&
      std::from_chars(address.data() + colon + 1, end, port) == std::from_chars_result{end, {}};
  if (!parsed || port == 0)
    return fail(ec::invalid_argument, "read address '" + address + "'", "it is not HOST:PORT",
                "write it like 10.0.0.2:15606");
  return std::pair{address.substr(0, colon), port};
}

result<void> probe_address(const std::string& host, uint16_t port, int timeout_ms) {
  const auto what = "connect to " + host + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found))
    return fail(ec::unavailable, what, ::gai_strerror(code), "check the host's name");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses{found, &::freeaddrinfo};
  int last = ECONNREFUSED;
  for (const auto* a = addresses.get(); a != nullptr; a = a->ai_next) {
    const int fd =
        ::socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0) {
      last = errno;
      continue;
    }
    last = 0;
    if (::connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
      last = errno;
      if (last == EINPROGRESS) {
        pollfd wait{fd, POLLOUT, 0};
        if (::poll(&wait, 1, timeout_ms) == 1) {
          socklen_t size = sizeof last;
          ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &last, &size);
        } else {
          last = ETIMEDOUT;
        }
      }
    }
    ::close(fd);
    if (last == 0) return {};
  }
  return fail(ec::unavailable, what, std::strerror(last), "start a node there (stipd)");
}

result<node_handles> dial(caf::actor_system& system, const std::string& host, uint16_t port,
                          int timeout_ms) {
  STIP_TRY(probe_address(host, port, timeout_ms));
  const auto what = "connect to node " + host + ":" + std::to_string(port);
  const auto deadline = std::chrono::milliseconds{timeout_ms};
  caf::scoped_actor self{system};
  result<node_handles> out = fail(ec::timeout, what, "no answer");
  caf::strong_actor_ptr node;
  // A handshake that straddles a heartbeat fails with connection_timeout though the peer is well
  // (CAF 0.17.6 never notes when a connecting peer was last seen): try again.
  for (int attempt = 0; attempt < defaults::dial_attempts && !node; ++attempt)
    self->request(system.middleman().actor_handle(), deadline, caf::connect_atom::value, host, port)
        .receive(
            [&](const caf::node_id&, caf::strong_actor_ptr& ptr, const std::set<std::string>&) {
              node = std::move(ptr);
              if (!node)
                out = fail(ec::incompatible, what, "what listens there is no stip node",
                           "check the port (-p)");
            },
            [&](caf::error& err) { out = fail(from_caf(err, what)); });
  if (!node) return out;
  self->request(caf::actor_cast<node_actor>(node), deadline, atom::get_v)
      .receive([&](node_handles& handles) { out = std::move(handles); },
               [&](caf::error& err) { out = fail(from_caf(err, what)); });
  return out;
}

}  // namespace stip

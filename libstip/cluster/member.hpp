#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip {

/// The version of the messages between nodes; n and n-1 speak to each other.
inline constexpr uint32_t protocol_version = 3;

/// The first version whose nodes gossip; earlier ones are asked by hello alone.
inline constexpr uint32_t min_gossip_protocol = 3;

/// How a node sees another (CLI: `node list`). A draining node is up and owns nothing any more: it
/// answers until it has handed over what it holds. Users see it as leaving, like one that stops.
enum class member_state : uint8_t { joining = 0, up, suspect, down, leaving, draining };
std::string_view to_string(member_state state);

/// What a node says of itself.
struct member_info {
  /// Persistent id of the node, and how often it has been started or has described itself anew.
  uint64_t id = 0;
  uint64_t incarnation = 0;
  std::string cluster;
  /// Where it can be dialled.
  std::string host;
  uint16_t port = 0;
  /// Its places on the ring, sorted. None: it hands everything over, then leaves (drains).
  std::vector<uint64_t> tokens;
  std::string rack;
  /// stip's version and the version of its messages.
  std::string software;
  uint32_t protocol = protocol_version;

  bool operator==(const member_info&) const = default;
  std::string address() const { return host + ":" + std::to_string(port); }
};

/// A member with its state as the asked node sees it.
struct member {
  member_info info;
  member_state state = member_state::joining;

  bool operator==(const member&) const = default;
};

/// A node id as users see it: 16 hexadecimal digits.
std::string node_name(uint64_t id);
result<uint64_t> parse_node_name(std::string_view text);

/// Tokens that are derived from the id travel as their number. Errors: malformed; the form of
/// earlier releases is read too.
std::string encode(const member_info& info);
result<member_info> decode_member_info(std::string_view bytes);

}  // namespace stip

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libstip/cluster/member.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// A peer as it is kept from one run of the node to the next.
struct known_peer {
  /// Where it answered.
  std::string address;
  /// That address stood in the configuration (else the peer had introduced itself).
  bool configured = false;
  member_info info;

  bool operator==(const known_peer&) const = default;
};

std::string encode(const std::vector<known_peer>& peers);
/// Errors: malformed.
result<std::vector<known_peer>> decode_known_peers(std::string_view bytes);

}  // namespace stip

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libstip/cluster/gossip_fact.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// What a node keeps of the cluster from one run to the next.
struct gossip_memory {
  struct known {
    /// encode(member_info).
    std::string description;
    bool removed = false;

    bool operator==(const known&) const = default;
  };

  /// The cluster was complete once: every address of the configuration had answered, or another
  /// member said so.
  bool formed = false;
  /// The others.
  std::vector<known> members;

  bool operator==(const gossip_memory&) const = default;
};

std::string encode(const gossip_memory& memory);
/// Errors: malformed; descriptions are not looked into. The form of protocol 2 (a list of peers) is
/// read too.
result<gossip_memory> decode_gossip_memory(std::string_view bytes);

}  // namespace stip

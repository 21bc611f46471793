#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip {

/// A node as the ring sees it.
struct ring_node {
  uint64_t id = 0;
  std::string rack;
  std::vector<uint64_t> tokens;

  bool operator==(const ring_node&) const = default;
};

/// Where a DHT key lies on the ring: XXH3-64 of its bytes.
uint64_t ring_token(std::string_view dht_key);

/// `count` tokens derived from a node id, the same on every machine.
std::vector<uint64_t> derive_tokens(uint64_t node_id, size_t count);

/// The token ring: who owns which token. Immutable; `version` tells rings apart.
class ring {
 public:
  ring() = default;
  /// Errors: conflict when two nodes have the same token.
  static result<ring> make(std::vector<ring_node> nodes, uint64_t version);

  uint64_t version() const { return version_; }
  const std::vector<ring_node>& nodes() const { return nodes_; }

  /// The first `count` distinct nodes clockwise from the token (a node owns the tokens from after
  /// its predecessor's up to and including its own), on distinct racks as far as there are enough.
  /// The first is the owner. Fewer when the ring has fewer nodes.
  std::vector<uint64_t> replicas(uint64_t token, size_t count) const;

  /// Share of the token space, 0..1, that the node owns.
  double share(uint64_t node_id) const;

 private:
  std::vector<ring_node> nodes_;
  uint64_t version_ = 0;
  struct point {
    uint64_t token;
    uint32_t node;
  };
  std::vector<point> points_;
};

}  // namespace stip

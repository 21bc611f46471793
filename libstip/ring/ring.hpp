#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip {

/// A node as the ring sees it. Nodes that name no rack stand on one rack together.
struct ring_node {
  uint64_t id = 0;
  std::string rack;
  std::vector<uint64_t> tokens;

  bool operator==(const ring_node&) const = default;
};

/// Where a DHT key lies on the ring: XXH3-64 of its bytes.
uint64_t ring_token(std::string_view dht_key);

/// `count` distinct tokens derived from a node id, sorted, the same on every machine: XXH3-64 of
/// the id and 0, 1, ... as little-endian 64-bit words. Fewer tokens are a subset of more.
std::vector<uint64_t> derive_tokens(uint64_t node_id, size_t count);

/// The token ring: who owns which token. Immutable; `version` tells rings apart.
class ring {
 public:
  ring() = default;
  /// Errors: conflict when two nodes have the same token or id. A node without tokens owns nothing.
  static result<ring> make(std::vector<ring_node> nodes, uint64_t version);

  uint64_t version() const { return version_; }
  /// Sorted by id, each with its tokens sorted and distinct.
  const std::vector<ring_node>& nodes() const { return nodes_; }

  /// The first `count` distinct nodes clockwise from the token (a node owns the tokens from after
  /// its predecessor's up to and including its own), on distinct racks as far as there are enough.
  /// The first is the owner. Where there are fewer racks than copies, the nodes that the racks
  /// passed over follow in ring order. Fewer when the ring has fewer nodes.
  std::vector<uint64_t> replicas(uint64_t token, size_t count) const;

  /// Nodes that have tokens.
  size_t owners() const { return owner_count_; }

  /// The rack of a node; the empty one for an unknown node.
  std::string_view rack_of(uint64_t node_id) const;

  /// Share of the token space, 0..1, that the node owns; 0 for an unknown node.
  double share(uint64_t node_id) const;

 private:
  const ring_node* find(uint64_t node_id) const;

  std::vector<ring_node> nodes_;
  uint64_t version_ = 0;
  struct point {
    uint64_t token;
    uint32_t node;
  };
  /// Sorted by token.
  std::vector<point> points_;
  /// For each of nodes_: the number of its rack, and its share.
  std::vector<uint32_t> racks_;
  std::vector<double> shares_;
  /// Racks and nodes that have a token at all: what a walk can find at most.
  size_t rack_count_ = 0;
  size_t owner_count_ = 0;
};

}  // namespace stip

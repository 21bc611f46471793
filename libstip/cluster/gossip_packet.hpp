#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/cluster/gossip_fact.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// A fact as it travels; without its description where the receiver probably has it.
struct gossip_fact {
  fact_key key;
  std::string_view description;

  bool operator==(const gossip_fact&) const = default;
};

/// Bytes that a fact takes in a packet at most.
size_t wire_bytes(const gossip_fact& fact);

/// What nodes send each other to know who is in the cluster. Texts point into the bytes from which
/// the packet was read.
struct gossip_packet {
  enum class kind : uint8_t {
    /// Do you live? -> ack of the same number. `facts` are news; so they are in ack, ask and news.
    ping = 1,
    /// `about` lives.
    ack,
    /// Ping `about` for me, and tell me with this number if it answers.
    ask,
    news,
    /// Is your view this `view`? -> same or digest.
    sync,
    same,
    /// `keys` of the whole view, sorted by id -> facts that are newer, and want.
    digest,
    /// The facts of these `ids` with their descriptions -> facts.
    want,
    facts,
  };

  kind what = kind::ping;
  /// The sender: hash64 of its cluster's name, its protocol, the fact of itself, where it can be
  /// dialled, and whether its cluster is complete (membership's `missing` is empty).
  uint64_t cluster = 0;
  uint32_t protocol = protocol_version;
  fact_key sender;
  std::string_view address;
  bool formed = false;
  /// For whom this is; 0: for whoever answers at the address.
  uint64_t target = 0;
  uint64_t number = 0;
  uint64_t about = 0;
  uint64_t view = 0;
  std::vector<gossip_fact> facts;
  std::vector<fact_key> keys;
  std::vector<uint64_t> ids;

  bool operator==(const gossip_packet&) const = default;
};

std::string encode(const gossip_packet& packet);
/// Errors: malformed. Descriptions are not looked into.
result<gossip_packet> decode_gossip_packet(std::string_view bytes);

}  // namespace stip

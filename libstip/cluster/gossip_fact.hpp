#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libstip/cluster/member.hpp"

namespace stip {

/// What is said of a node. `waiting` is up, but an address of its configuration has never answered;
/// `removed` is for ever, unless it is started again.
enum class fact_state : uint8_t { joining = 0, waiting, up, suspect, leaving, down, removed };

/// What is said of one node, without its description.
struct fact_key {
  uint64_t id = 0;
  /// How often it has been started (or has described itself anew), and how often it has protested
  /// against what was said of it since (or changed its own state): only the node itself raises
  /// these.
  uint64_t incarnation = 0;
  uint32_t refutation = 0;
  fact_state state = fact_state::joining;
  /// description_hash of what it says of itself.
  uint32_t description = 0;

  bool operator==(const fact_key&) const = default;
};

/// Whether `a` is the newer fact of the two about one node: by start, then removal, then (two nodes
/// with one id and start: copies of a directory) the smaller description, then refutation, then
/// state. A strict order: all nodes that know the same facts agree.
bool supersedes(const fact_key& a, const fact_key& b);

/// A number that differs for every fact, to compare whole views by their sum.
uint64_t fingerprint(const fact_key& key);

/// The state as users see it. A removed node has none: it is shown as down until it is forgotten.
member_state shown(fact_state state);
member_state shown(fact_state state, const member_info& info);

/// It may answer: it is asked, and news are sent to it.
inline bool is_live(fact_state state) {
  return state <= fact_state::leaving;
}

uint32_t description_hash(std::string_view encoded);

/// What a node says of itself, decoded and as it travels.
struct member_description {
  member_info info;
  std::string encoded;
  uint32_t hash = 0;
  std::string address;
  /// The tokens are derived from the id: no other node's are the same.
  bool derived_tokens = false;
};
using description_ptr = std::shared_ptr<const member_description>;

description_ptr describe(const member_info& info);
/// Errors: malformed.
result<description_ptr> describe(std::string_view encoded);

/// Error: incompatible, when the peer belongs to another cluster or its protocol is more than one
/// version away.
result<void> check_compatible(const member_info& self, const member_info& peer);

/// "node ID at HOST:PORT", for messages.
std::string title(const member_info& peer);

}  // namespace stip

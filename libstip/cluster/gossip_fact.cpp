#include "libstip/cluster/gossip_fact.hpp"

#include <algorithm>
#include <tuple>

#include "libstip/core/hash.hpp"
#include "libstip/ring/ring.hpp"

namespace stip {

namespace {

/// The last step of splitmix64 (Steele et al. 2014): every bit of the result depends on all bits.
constexpr uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

member_info normalized(member_info info) {
  std::sort(info.tokens.begin(), info.tokens.end());
  info.tokens.erase(std::unique(info.tokens.begin(), info.tokens.end()), info.tokens.end());
  return info;
}

description_ptr complete(member_info info, std::string encoded) {
  auto out = std::make_shared<member_description>();
  out->address = info.address();
  out->derived_tokens = info.tokens == derive_tokens(info.id, info.tokens.size());
  out->hash = description_hash(encoded);
  out->info = std::move(info);
  out->encoded = std::move(encoded);
  return out;
}

}  // namespace

bool supersedes(const fact_key& a, const fact_key& b) {
  if (a.incarnation != b.incarnation) return a.incarnation > b.incarnation;
  const bool a_removed = a.state == fact_state::removed;
  const bool b_removed = b.state == fact_state::removed;
  if (a_removed != b_removed) return a_removed;
  if (a.description != b.description) return a.description < b.description;
  return std::tie(a.refutation, a.state) > std::tie(b.refutation, b.state);
}

uint64_t fingerprint(const fact_key& key) {
  auto sum = mix(key.id);
  sum = mix(sum + key.incarnation);
  sum = mix(sum + key.refutation + (uint64_t(key.description) << 32));
  return mix(sum + uint64_t(key.state));
}

member_state shown(fact_state state) {
  switch (state) {
    case fact_state::joining:
      return member_state::joining;
    case fact_state::waiting:
    case fact_state::up:
      return member_state::up;
    case fact_state::suspect:
      return member_state::suspect;
    case fact_state::leaving:
      return member_state::leaving;
    case fact_state::down:
    case fact_state::removed:
      break;
  }
  return member_state::down;
}

member_state shown(fact_state state, const member_info& info) {
  const auto seen = shown(state);
  return seen == member_state::up && info.tokens.empty() ? member_state::draining : seen;
}

uint32_t description_hash(std::string_view encoded) {
  return static_cast<uint32_t>(hash64(encoded));
}

description_ptr describe(const member_info& info) {
  auto normal = normalized(info);
  auto encoded = encode(normal);
  return complete(std::move(normal), std::move(encoded));
}

result<description_ptr> describe(std::string_view encoded) {
  STIP_ASSIGN(auto info, decode_member_info(encoded));
  return complete(std::move(info), std::string{encoded});
}

result<void> check_compatible(const member_info& self, const member_info& peer) {
  const auto what = "accept " + title(peer);
  if (peer.cluster != self.cluster)
    return fail(
        ec::incompatible, what,
        "it belongs to the cluster '" + peer.cluster + "', this node to '" + self.cluster + "'",
        "give both the same cluster name, or take the address out of the peers");
  const auto newer = std::max(peer.protocol, self.protocol);
  const auto older = std::min(peer.protocol, self.protocol);
  if (newer - older > 1)
    return fail(ec::incompatible, what,
                "it speaks protocol " + std::to_string(peer.protocol) + " (stip " + peer.software +
                    "), this node protocol " + std::to_string(self.protocol) + " (stip " +
                    self.software + ")",
                "upgrade node by node, one protocol version at a time");
  return {};
}

std::string title(const member_info& peer) {
  return "node " + node_name(peer.id) + " at " + peer.address();
}

}  // namespace stip

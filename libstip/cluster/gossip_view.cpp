#include "libstip/cluster/gossip_view.hpp"

#include <algorithm>
#include <optional>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

/// The first token that both have; tokens are sorted.
std::optional<uint64_t> shared_token(const std::vector<uint64_t>& a,
                                     const std::vector<uint64_t>& b) {
  auto x = a.begin();
  auto y = b.begin();
  while (x != a.end() && y != b.end()) {
    if (*x == *y) return *x;
    *x < *y ? ++x : ++y;
  }
  return {};
}

}  // namespace

gossip_view::gossip_view(description_ptr self) : self_(self->info.id) {
  const fact_key key{self_, self->info.incarnation, 0, fact_state::joining, self->hash};
  put({key, std::move(self)});
}

const gossip_view::record* gossip_view::find(uint64_t id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? nullptr : found->second;
}

const gossip_view::record* gossip_view::at_address(const std::string& address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : find(found->second);
}

std::vector<uint64_t> gossip_view::all_at(const std::string& address) const {
  std::vector<uint64_t> out;
  const auto [first, last] = by_address_.equal_range(address);
  for (auto at = first; at != last; ++at) out.push_back(at->second);
  return out;
}

result<gossip_view::outcome> gossip_view::learn(const gossip_fact& fact) {
  const auto* known = find(fact.key.id);
  if (fact.key.id == self_ || (known != nullptr && !supersedes(fact.key, known->key)))
    return outcome::stale;
  if (known != nullptr && known->key.description == fact.key.description) {
    set(fact.key);
    return outcome::learned;
  }
  const auto print = stip::fingerprint(fact.key);
  if (refused_.contains(print)) return outcome::stale;
  if (fact.description.empty()) return outcome::wanted;
  auto refuse = [&](error why) {
    if (refused_.size() >= defaults::max_members) refused_.clear();
    refused_.insert(print);
    return fail(std::move(why));
  };
  auto description = describe(fact.description);
  if (!description) return refuse(std::move(description).error());
  const auto& info = (*description)->info;
  if (info.id != fact.key.id || info.incarnation != fact.key.incarnation ||
      (*description)->hash != fact.key.description)
    return refuse({ec::malformed, "read gossip", "a description is not that of its node", ""});
  // A removed node is kept to be told of, not to take part.
  if (fact.key.state != fact_state::removed)
    if (auto ok = check(**description); !ok) return refuse(std::move(ok).error());
  if (known == nullptr && records_.size() >= defaults::max_members) forget_removed();
  if (known == nullptr && records_.size() >= defaults::max_members)
    return refuse(make_room(info).error());
  put({fact.key, std::move(*description)});
  return outcome::learned;
}

void gossip_view::set(const fact_key& key) {
  put({key, find(key.id)->description});
}

void gossip_view::put(record next) {
  auto [at, added] = records_.try_emplace(next.key.id);
  if (added)
    index_[next.key.id] = &at->second;
  else
    account(at->second, false);
  // Who was refused for the sake of a removed node may come now.
  if (next.key.state == fact_state::removed) refused_.clear();
  const bool same = at->second.description == next.description;
  at->second.key = next.key;
  if (!same) at->second.description = std::move(next.description);
  account(at->second, true);
}

void gossip_view::account(const record& r, bool in) {
  const auto print = stip::fingerprint(r.key);
  fingerprint_ += in ? print : -print;
  const size_t one = in ? 1 : size_t(-1);
  if (is_live(r.key.state)) live_ += one;
  if (r.key.state == fact_state::removed) {
    removed_ += one;
    return;
  }
  const auto& description = *r.description;
  if (in) {
    by_address_.emplace(description.address, r.key.id);
    if (!description.derived_tokens) explicit_tokens_.insert(r.key.id);
    return;
  }
  explicit_tokens_.erase(r.key.id);
  const auto [first, last] = by_address_.equal_range(description.address);
  for (auto at = first; at != last; ++at)
    if (at->second == r.key.id) {
      by_address_.erase(at);
      return;
    }
}

void gossip_view::forget_removed() {
  if (removed_ == 0) return;
  const auto at = std::find_if(records_.begin(), records_.end(), [](const auto& entry) {
    return entry.second.key.state == fact_state::removed;
  });
  account(at->second, false);
  index_.erase(at->first);
  records_.erase(at);
}

result<void> gossip_view::check(const member_description& peer) const {
  STIP_TRY(check_compatible(self().description->info, peer.info));
  STIP_TRY(check_identity(peer.info));
  if (peer.info.id == self_) return {};
  STIP_TRY(check_address(peer.info));
  STIP_TRY(check_tokens(peer));
  if (find(peer.info.id) == nullptr && removed_ == 0) STIP_TRY(make_room(peer.info));
  return {};
}

result<void> gossip_view::check_identity(const member_info& peer) const {
  const auto what = "accept " + title(peer);
  if (peer.id == 0)
    return fail(ec::invalid_argument, what, "it has no id", "start it with a data directory");
  if (peer.tokens.size() > defaults::max_tokens_per_node)
    return fail(ec::limit_exceeded, what,
                "it has " + std::to_string(peer.tokens.size()) + " tokens, more than " +
                    std::to_string(defaults::max_tokens_per_node),
                "configure fewer tokens");
  const auto* known = find(peer.id);
  if (known == nullptr) return {};
  const auto& info = known->description->info;
  const bool other_start = peer.id != self_ && info.incarnation != peer.incarnation;
  if (other_start) return {};
  if (info.incarnation != peer.incarnation || info.host != peer.host || info.port != peer.port ||
      info.tokens != peer.tokens)
    return fail(ec::conflict, what, "it has the same id as the node at " + info.address(),
                "give each node a data directory of its own; do not copy one");
  return {};
}

result<void> gossip_view::check_address(const member_info& peer) const {
  const auto what = "accept " + title(peer);
  if (peer.host.empty() || peer.port == 0)
    return fail(ec::invalid_argument, what, "it does not say where it can be reached",
                "set its host and port");
  if (peer.address() == self().description->address)
    return fail(ec::conflict, what, "this node has that address itself",
                "set `host` to the address under which the others reach it");
  return {};
}

result<void> gossip_view::check_tokens(const member_description& peer) const {
  const auto against = [&](const record& r) -> result<void> {
    const auto& other = *r.description;
    // Who comes with the address of another takes its place, once it has answered there.
    if (r.key.id == peer.info.id || r.key.state == fact_state::removed ||
        other.address == peer.address)
      return {};
    const auto token = shared_token(peer.info.tokens, other.info.tokens);
    if (!token) return {};
    return fail(ec::conflict, "accept " + title(peer.info),
                "it has the token " + std::to_string(*token) + ", which " + title(other.info) +
                    " has already",
                "configure another token for one of them");
  };
  if (peer.derived_tokens) {
    for (const auto id : explicit_tokens_) STIP_TRY(against(records_.at(id)));
    return {};
  }
  for (const auto& [id, r] : records_) STIP_TRY(against(r));
  return {};
}

result<void> gossip_view::make_room(const member_info& peer) const {
  if (records_.size() < defaults::max_members) return {};
  return fail(ec::limit_exceeded, "accept " + title(peer),
              "the cluster has " + std::to_string(defaults::max_members) + " members",
              "stop nodes that are not needed");
}

}  // namespace stip

#include "libstip/cluster/static_membership.hpp"

#include <algorithm>
#include <set>

namespace stip {

namespace {

std::string title(const member_info& peer) {
  return "node " + node_name(peer.id) + " at " + peer.address();
}

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

member_info normalized(member_info info) {
  std::sort(info.tokens.begin(), info.tokens.end());
  info.tokens.erase(std::unique(info.tokens.begin(), info.tokens.end()), info.tokens.end());
  return info;
}

}  // namespace

static_membership::static_membership(member_info self, const std::vector<std::string>& peers,
                                     const static_membership_options& options,
                                     const std::vector<known_peer>& known)
    : self_(normalized(std::move(self))), options_(options) {
  options_.probe_interval_ms = std::max<int64_t>(options_.probe_interval_ms, 1);
  options_.probe_timeout_ms = std::max<int64_t>(options_.probe_timeout_ms, 1);
  options_.max_probe_interval_ms =
      std::max(options_.max_probe_interval_ms, options_.probe_interval_ms);
  options_.suspect_after = std::max(options_.suspect_after, 1);
  options_.down_after = std::max(options_.down_after, options_.suspect_after);
  for (const auto& address : peers) {
    auto& at = places_[address];
    at.configured = true;
    at.own = address == self_.address();
  }
  for (const auto& peer : known) {
    const auto info = normalized(peer.info);
    const auto listed = places_.find(peer.address);
    const bool stays = listed != places_.end() ? !listed->second.own : !peer.configured;
    if (!stays || peer.address == self_.address() || peers_.size() + 1 >= defaults::max_members ||
        info.id == self_.id)
      continue;
    // What an earlier run knew yields to what this node is now.
    if (!check_compatible(info) || !check_tokens(info, 0)) continue;
    const auto [record, added] = peers_.try_emplace(info.id);
    if (!added && record->second.info.incarnation > info.incarnation) continue;
    record->second.info = info;
    record->second.reported = {info, member_state::joining};
    auto& at = places_[peer.address];
    at.id = info.id;
    at.met = true;
  }
  // An address that two known peers claimed leaves one of them without a place.
  std::erase_if(peers_, [this](const auto& entry) { return places_of(entry.first) == 0; });
}

result<void> static_membership::check_identity(const member_info& peer) const {
  const auto what = "accept " + title(peer);
  if (peer.id == 0)
    return fail(ec::invalid_argument, what, "it has no id", "start it with a data directory");
  if (peer.tokens.size() > defaults::max_tokens_per_node)
    return fail(ec::limit_exceeded, what,
                "it has " + std::to_string(peer.tokens.size()) + " tokens, more than " +
                    std::to_string(defaults::max_tokens_per_node),
                "configure fewer tokens");
  const auto copied = [&](const member_info& other) {
    return fail(ec::conflict, what, "it has the same id as the node at " + other.address(),
                "give each node a data directory of its own; do not copy one");
  };
  if (peer.id == self_.id) {
    if (peer.incarnation != self_.incarnation || peer.host != self_.host || peer.port != self_.port)
      return copied(self_);
    return {};
  }
  const auto known = peers_.find(peer.id);
  if (known == peers_.end() || known->second.info.incarnation != peer.incarnation) return {};
  const auto& info = known->second.info;
  if (info.host != peer.host || info.port != peer.port || info.tokens != peer.tokens)
    return copied(info);
  return {};
}

result<void> static_membership::check_compatible(const member_info& peer) const {
  const auto what = "accept " + title(peer);
  if (peer.cluster != self_.cluster)
    return fail(
        ec::incompatible, what,
        "it belongs to the cluster '" + peer.cluster + "', this node to '" + self_.cluster + "'",
        "give both the same cluster name, or take the address out of the peers");
  const auto newer = std::max(peer.protocol, self_.protocol);
  const auto older = std::min(peer.protocol, self_.protocol);
  if (newer - older > 1)
    return fail(ec::incompatible, what,
                "it speaks protocol " + std::to_string(peer.protocol) + " (stip " + peer.software +
                    "), this node protocol " + std::to_string(self_.protocol) + " (stip " +
                    self_.software + ")",
                "upgrade node by node, one protocol version at a time");
  return {};
}

result<void> static_membership::check_tokens(const member_info& peer, uint64_t replaced) const {
  const auto against = [&](const member_info& other) -> result<void> {
    const auto token = shared_token(peer.tokens, other.tokens);
    if (!token) return {};
    return fail(
        ec::conflict, "accept " + title(peer),
        "it has the token " + std::to_string(*token) + ", which " + title(other) + " has already",
        "configure another token for one of them");
  };
  STIP_TRY(against(self_));
  for (const auto& [id, other] : peers_)
    if (id != peer.id && id != replaced) STIP_TRY(against(other.info));
  return {};
}

size_t static_membership::places_of(uint64_t id) const {
  return static_cast<size_t>(std::count_if(
      places_.begin(), places_.end(), [id](const auto& entry) { return entry.second.id == id; }));
}

member_state static_membership::state_of(const peer_record& peer) const {
  // A node that answers at one of its addresses lives.
  auto misses = options_.down_after;
  for (const auto& [address, at] : places_)
    if (at.id == peer.info.id) misses = std::min(misses, at.misses);
  if (misses >= options_.down_after) return member_state::down;
  if (peer.leaving_since_ms) return misses > 0 ? member_state::down : member_state::leaving;
  if (!peer.answered) return member_state::joining;
  return misses >= options_.suspect_after ? member_state::suspect : member_state::up;
}

void static_membership::report(uint64_t id, effects& out) {
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  auto& peer = found->second;
  member now{peer.info, state_of(peer)};
  if (now == peer.reported) return;
  peer.reported = now;
  out.push_back(changed{std::move(now)});
}

int64_t static_membership::gap_ms(int misses) const {
  auto gap = options_.probe_interval_ms;
  for (int i = options_.down_after; i <= misses && gap < options_.max_probe_interval_ms; ++i)
    gap *= 2;
  return std::min(gap, options_.max_probe_interval_ms);
}

void static_membership::miss(int64_t now_ms, place& at, error why, effects& out) {
  at.waiting = false;
  // Saturates where nothing changes any more.
  if (at.misses < INT32_MAX) ++at.misses;
  at.due_ms = std::max(now_ms, *at.sent_ms + gap_ms(at.misses));
  at.problem = std::move(why);
  report(at.id, out);
}

void static_membership::refuse(int64_t now_ms, place& at, error why, effects& out) {
  if (at.waiting)
    miss(now_ms, at, std::move(why), out);
  else
    at.problem = std::move(why);
}

/// The node `id` (0: this node itself) is now the one behind a place.
void static_membership::settle(place& at, uint64_t id, effects& out) {
  const auto former = std::exchange(at.id, id);
  if (former == id || former == 0 || places_of(former) > 0) {
    if (former != id) report(former, out);
    return;
  }
  const auto gone = peers_.find(former);
  if (gone == peers_.end()) return;
  if (gone->second.reported.state != member_state::down)
    out.push_back(changed{{gone->second.info, member_state::down}});
  peers_.erase(gone);
}

void static_membership::send_if_due(int64_t now_ms, const std::string& address, place& at,
                                    effects& out) {
  if (at.own || at.waiting || at.due_ms > now_ms) return;
  at.waiting = true;
  at.sent_ms = now_ms;
  at.deadline_ms = now_ms + options_.probe_timeout_ms;
  out.push_back(probe{address, at.deadline_ms});
}

void static_membership::retire(uint64_t id, const std::string& but) {
  for (auto& [address, at] : places_)
    if (!at.configured && at.id == id && address != but) at.id = 0;
}

void static_membership::hurry(int64_t now_ms, uint64_t id, effects& out) {
  for (auto& [address, at] : places_) {
    if (at.id != id) continue;
    if (at.sent_ms) at.due_ms = std::min(at.due_ms, *at.sent_ms + options_.probe_interval_ms);
    send_if_due(now_ms, address, at, out);
  }
}

std::vector<membership::effect> static_membership::tick(int64_t now_ms) {
  effects out;
  for (auto& [address, at] : places_) {
    if (at.own) continue;
    if (at.waiting && now_ms >= at.deadline_ms)
      miss(now_ms, at,
           {ec::timeout, "probe " + address,
            "no answer within " + std::to_string(options_.probe_timeout_ms) + " ms",
            "look whether stipd runs there and whether the network lets it through"},
           out);
    // Nobody's place is kept only as long as a probe to it might come too soon after the last.
    if (at.id != 0 || at.configured) send_if_due(now_ms, address, at, out);
  }
  std::erase_if(places_, [now_ms](const auto& entry) {
    const auto& at = entry.second;
    return at.id == 0 && !at.configured && !at.waiting && at.due_ms <= now_ms;
  });
  return out;
}

std::vector<membership::effect> static_membership::hello_answered(int64_t now_ms,
                                                                  const std::string& address,
                                                                  const member_info& answer) {
  effects out;
  const auto found = places_.find(address);
  if (found == places_.end() || found->second.own) return out;
  auto& at = found->second;
  if (!at.sent_ms || now_ms > at.deadline_ms) return out;
  const auto peer = normalized(answer);

  const auto known = peers_.find(peer.id);
  if (known != peers_.end() && peer.incarnation < known->second.info.incarnation) {
    at.problem = {ec::conflict, "probe " + address,
                  "node " + node_name(peer.id) + " answers as start " +
                      std::to_string(peer.incarnation) + ", but start " +
                      std::to_string(known->second.info.incarnation) + " is known",
                  "was its data directory restored from an older copy? Give it a new one"};
    return out;
  }
  if (auto ok = check_identity(peer); !ok) {
    refuse(now_ms, at, ok.error(), out);
    return out;
  }
  if (peer.id == self_.id) {
    at.own = true;
    at.waiting = false;
    at.problem.reset();
    settle(at, 0, out);
    return out;
  }
  const auto replaced = at.id != peer.id && places_of(at.id) == 1 ? at.id : 0;
  auto acceptable = check_compatible(peer);
  if (acceptable) acceptable = check_tokens(peer, replaced);
  if (acceptable && known == peers_.end() && peers_.size() + 1 >= defaults::max_members &&
      replaced == 0)
    acceptable = fail(ec::limit_exceeded, "accept " + title(peer),
                      "the cluster has " + std::to_string(defaults::max_members) + " members");
  if (!acceptable) {
    refuse(now_ms, at, acceptable.error(), out);
    return out;
  }

  settle(at, peer.id, out);
  auto& record = peers_[peer.id];
  const bool restarted = peer.incarnation != record.info.incarnation;
  const bool stayed =
      record.leaving_since_ms && now_ms - *record.leaving_since_ms > options_.leaving_grace_ms;
  if (restarted || stayed) record.leaving_since_ms.reset();
  record.info = peer;
  record.answered = true;
  at.met = true;
  at.waiting = false;
  at.misses = 0;
  at.problem.reset();
  at.due_ms = std::max(now_ms, *at.sent_ms + options_.probe_interval_ms);
  // One address of the configuration is enough; a second name of the node needs no probes.
  if (at.configured) retire(peer.id, address);
  report(peer.id, out);
  return out;
}

std::vector<membership::effect> static_membership::hello_failed(int64_t now_ms,
                                                                const std::string& address,
                                                                const error& why) {
  effects out;
  const auto found = places_.find(address);
  if (found != places_.end() && found->second.waiting) miss(now_ms, found->second, why, out);
  return out;
}

result<std::vector<membership::effect>> static_membership::hello_received(
    int64_t now_ms, const member_info& caller) {
  effects out;
  const auto peer = normalized(caller);
  STIP_TRY(check_compatible(peer));
  STIP_TRY(check_identity(peer));
  if (peer.id == self_.id) return out;

  const auto known = peers_.find(peer.id);
  if (known != peers_.end() && peer.incarnation <= known->second.info.incarnation) {
    // It lives; whether we can reach it only a probe tells.
    const auto state = known->second.reported.state;
    if (peer.incarnation == known->second.info.incarnation &&
        (state == member_state::down || state == member_state::joining))
      hurry(now_ms, peer.id, out);
    return out;
  }

  if (!options_.learn_callers) {
    if (known != peers_.end()) hurry(now_ms, peer.id, out);
    return out;
  }

  const auto address = peer.address();
  const auto what = "accept " + title(peer);
  if (peer.host.empty() || peer.port == 0)
    return fail(ec::invalid_argument, what, "it does not say where it can be reached",
                "set its ip-address and port");
  const auto there = places_.find(address);
  const bool taken = there != places_.end() && there->second.id != 0 && there->second.id != peer.id;
  if (address == self_.address() || (there != places_.end() && there->second.own))
    return fail(ec::conflict, what, "this node has that address itself",
                "set the ip-address under which the others reach it");
  STIP_TRY(check_tokens(peer, taken && places_of(there->second.id) == 1 ? there->second.id : 0));
  if (taken) {
    // A claim alone takes nobody's place: who answers there next is who is there.
    hurry(now_ms, there->second.id, out);
    return out;
  }
  if (known == peers_.end() && peers_.size() + 1 >= defaults::max_members)
    return fail(ec::limit_exceeded, what,
                "the cluster has " + std::to_string(defaults::max_members) + " members",
                "stop nodes that are not needed");

  peers_[peer.id].info = peer;
  peers_[peer.id].answered = false;
  peers_[peer.id].leaving_since_ms.reset();
  // It may have moved: what it introduced earlier is no place of it any more.
  retire(peer.id, address);
  places_[address].id = peer.id;
  for (auto& [name, at] : places_)
    if (at.id == peer.id) at.misses = 0;
  report(peer.id, out);
  hurry(now_ms, peer.id, out);
  return out;
}

std::vector<membership::effect> static_membership::left(int64_t now_ms, uint64_t id) {
  effects out;
  if (id == self_.id) {
    if (!std::exchange(self_leaving_, true)) out.push_back(changed{{self_, member_state::leaving}});
    return out;
  }
  const auto found = peers_.find(id);
  if (found == peers_.end() || found->second.leaving_since_ms ||
      found->second.reported.state == member_state::down)
    return out;
  found->second.leaving_since_ms = now_ms;
  for (auto& [address, at] : places_)
    if (at.id == id) at.misses = 0;
  report(id, out);
  return out;
}

std::vector<member> static_membership::members() const {
  std::vector<member> out;
  out.push_back({self_, self_leaving_ ? member_state::leaving : member_state::up});
  for (const auto& [id, peer] : peers_) out.push_back(peer.reported);
  std::sort(out.begin(), out.end(),
            [](const member& a, const member& b) { return a.info.id < b.info.id; });
  return out;
}

std::vector<std::string> static_membership::missing() const {
  std::vector<std::string> out;
  for (const auto& [address, at] : places_)
    if (at.configured && !at.own && !at.met) out.push_back(address);
  return out;
}

std::vector<std::pair<std::string, error>> static_membership::problems() const {
  std::vector<std::pair<std::string, error>> out;
  for (const auto& [address, at] : places_)
    if (at.problem) out.emplace_back(address, *at.problem);
  return out;
}

std::vector<known_peer> static_membership::known() const {
  std::vector<known_peer> out;
  for (const auto& [address, at] : places_) {
    const auto peer = peers_.find(at.id);
    if (peer != peers_.end()) out.push_back({address, at.configured, peer->second.info});
  }
  return out;
}

}  // namespace stip

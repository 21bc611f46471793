// The packets of gossip_membership: news, and the comparison of whole views.

#include <algorithm>
#include <cmath>

#include "libstip/cluster/gossip_membership.hpp"
#include "libstip/core/hash.hpp"

namespace stip {

namespace {

/// A packet with less room than this takes no more news.
constexpr size_t least_fact_bytes = 64;

/// News that did not fit into a packet until it is left as it is.
constexpr int max_misfits = 4;

}  // namespace

gossip_packet gossip_membership::packet(kind what, uint64_t target) const {
  gossip_packet p;
  const auto& own = view_.self();
  p.what = what;
  p.cluster = hash64(own.description->info.cluster);
  p.protocol = own.description->info.protocol;
  p.sender = own.key;
  p.address = own.description->address;
  p.formed = formed_;
  p.target = target;
  return p;
}

void gossip_membership::post(const std::string& address, const gossip_packet& p) {
  out_.push_back(send{address, p.target, encode(p)});
}

uint32_t gossip_membership::repeats() const {
  // After c (ln n + 1) of them each, all but one in (e n)^c nodes have heard it, whoever they are.
  const auto n = double(std::max<size_t>(view_.live(), 1));
  return uint32_t(std::ceil(defaults::gossip_repeats * (std::log(n) + 1)));
}

void gossip_membership::post_with_news(const std::string& address, gossip_packet p) {
  size_t room = defaults::gossip_news_bytes;
  auto add = [&](const gossip_fact& fact) {
    const auto bytes = wire_bytes(fact);
    if (bytes > room) return false;
    room -= bytes;
    p.facts.push_back(fact);
    return true;
  };
  // Who is taken for dead should hear it first, to protest.
  const auto* target = view_.find(p.target);
  if (target != nullptr && target->key.state >= fact_state::suspect) add({target->key, {}});
  int misfits = 0;
  news_.pass_on(
      repeats(),
      [&](uint64_t id) {
        const auto* known = view_.find(id);
        if (known == nullptr) return true;
        const auto& r = *known;
        // Of what is said of a known node, the key is enough; a description that fills a packet
        // is asked for by those who lack it.
        const bool whole = r.key.state <= fact_state::up &&
                           r.description->encoded.size() < defaults::gossip_news_bytes / 2;
        const bool fits = add({r.key, whole ? std::string_view{r.description->encoded} : ""});
        misfits += !fits;
        return fits;
      },
      [&] { return room < least_fact_bytes || misfits >= max_misfits; });
  post(address, p);
}

std::string gossip_membership::reply_address(const gossip_packet& from) const {
  const auto* known = view_.find(from.sender.id);
  if (known != nullptr && known->key.description == from.sender.description)
    return known->description->address;
  return std::string{from.address};
}

gossip_membership::effects gossip_membership::received(int64_t now_ms, std::string_view bytes) {
  begin(now_ms);
  const auto decoded = decode_gossip_packet(bytes);
  if (!decoded) {
    blame("packets", decoded.error());
    return finish();
  }
  const auto& p = *decoded;
  const auto& own = self();
  const auto newer = std::max(p.protocol, own.protocol);
  if (p.cluster != hash64(own.cluster) || newer - std::min(p.protocol, own.protocol) > 1) {
    blame(std::string{p.address},
          {ec::incompatible, "take a packet of node " + node_name(p.sender.id),
           "it is of another cluster or another protocol", "look into `peers` there and here"});
    return finish();
  }
  if (p.sender.id == view_.self_id()) {
    accused(p.sender);
    return finish();
  }
  if (!std::exchange(heard_, true) && formed_ && !compared_) own_changed();
  meet(p);
  switch (p.what) {
    case kind::ping: {
      auto answer = packet(kind::ack, p.sender.id);
      answer.number = p.number;
      answer.about = view_.self_id();
      post_with_news(reply_address(p), std::move(answer));
      break;
    }
    case kind::ack:
      answered(p);
      break;
    case kind::ask:
      ask_for(p);
      break;
    case kind::sync:
      if (p.view != view_.fingerprint()) {
        auto answer = packet(kind::digest, p.sender.id);
        for (const auto& [id, r] : view_.records()) answer.keys.push_back(r.key);
        post(reply_address(p), answer);
      } else {
        post(reply_address(p), packet(kind::same, p.sender.id));
      }
      break;
    case kind::same:
      compared(p.formed);
      break;
    case kind::digest:
      compare(p);
      break;
    case kind::want: {
      auto ids = p.ids;
      std::sort(ids.begin(), ids.end());
      ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
      send_facts(reply_address(p), p.sender.id, ids);
      break;
    }
    case kind::news:
    case kind::facts:
      break;
  }
  take_facts(p);
  return finish();
}

/// The sender says itself how it is.
void gossip_membership::meet(const gossip_packet& from) {
  const auto& key = from.sender;
  const auto learned = view_.learn({key, {}});
  if (learned && *learned == gossip_view::outcome::learned) note(key.id, spread::yes);
  if (!learned || *learned != gossip_view::outcome::wanted) return;
  auto [asked, first] = asked_ms_.try_emplace(key.id, now_ms_);
  if (!first && now_ms_ - asked->second < options_.probe_timeout_ms) return;
  asked->second = now_ms_;
  want(std::string{from.address}, key.id, {key.id});
  if (asked_ms_.size() > defaults::max_members) asked_ms_.clear();
}

void gossip_membership::take_facts(const gossip_packet& from) {
  std::vector<uint64_t> wanted;
  bool awaited = false;
  bool news = false;
  for (const auto& fact : from.facts) {
    if (fact.key.id == view_.self_id()) {
      accused(fact.key);
      continue;
    }
    awaited = wanted_.erase(fact.key.id) > 0 || awaited;
    const auto* before = view_.find(fact.key.id);
    const bool was_known = before != nullptr;
    const auto learned = view_.learn(fact);
    if (!learned) {
      blame("node " + node_name(fact.key.id), learned.error());
    } else if (*learned == gossip_view::outcome::wanted) {
      wanted.push_back(fact.key.id);
    } else if (*learned == gossip_view::outcome::learned) {
      news = true;
      // Whom a whole view brings need not be told of again: views are compared everywhere.
      const bool tell = from.what != kind::facts || was_known || fact.key.id == from.sender.id;
      note(fact.key.id, tell ? spread::yes : spread::no);
    }
  }
  if (!wanted.empty()) want(reply_address(from), from.sender.id, wanted);
  if (from.what != kind::facts) return;
  if (awaited && wanted_.empty()) compared(from.formed);
  // It, or others, may know more by now.
  if (news) next_sync_ms_ = std::min(next_sync_ms_, now_ms_ + options_.resync_interval_ms);
}

void gossip_membership::want(const std::string& address, uint64_t target,
                             const std::vector<uint64_t>& ids) {
  auto p = packet(kind::want, target);
  p.ids = ids;
  post(address, p);
}

void gossip_membership::sync(const std::string& address, uint64_t target) {
  auto p = packet(kind::sync, target);
  p.view = view_.fingerprint();
  post(address, p);
}

void gossip_membership::compare(const gossip_packet& from) {
  std::vector<uint64_t> wanted;
  std::vector<uint64_t> newer;
  std::vector<uint64_t> changes;
  // Both are sorted by id.
  auto mine = view_.records().begin();
  const auto end = view_.records().end();
  for (const auto& key : from.keys) {
    for (; mine != end && mine->first < key.id; ++mine) newer.push_back(mine->first);
    const bool known = mine != end && mine->first == key.id;
    const auto* own = known ? &mine->second.key : nullptr;
    if (known) ++mine;
    if (own != nullptr && *own == key) continue;
    if (own != nullptr && supersedes(*own, key)) newer.push_back(key.id);
    if (key.id == view_.self_id()) {
      accused(key);
      continue;
    }
    const auto learned = view_.learn({key, {}});
    if (learned && *learned == gossip_view::outcome::wanted) wanted.push_back(key.id);
    if (learned && *learned == gossip_view::outcome::learned) changes.push_back(key.id);
  }
  for (; mine != end; ++mine) newer.push_back(mine->first);
  for (const auto id : changes) note(id, spread::yes);
  const auto address = reply_address(from);
  if (!newer.empty()) send_facts(address, from.sender.id, newer);
  wanted_ = {wanted.begin(), wanted.end()};
  if (wanted.empty())
    compared(from.formed);
  else
    want(address, from.sender.id, wanted);
}

void gossip_membership::send_facts(const std::string& address, uint64_t target,
                                   const std::vector<uint64_t>& ids) {
  auto p = packet(kind::facts, target);
  size_t bytes = 0;
  for (const auto id : ids) {
    const auto* r = view_.find(id);
    if (r == nullptr) continue;
    const gossip_fact fact{r->key, r->description->encoded};
    if (bytes > 0 && bytes + wire_bytes(fact) > defaults::gossip_facts_bytes) {
      post(address, p);
      p.facts.clear();
      bytes = 0;
    }
    bytes += wire_bytes(fact);
    p.facts.push_back(fact);
  }
  if (!p.facts.empty()) post(address, p);
}

void gossip_membership::own_changed() {
  out_.push_back(changed{{self(), shown(view_.self().key.state, self())}});
}

/// This node knows all that the other one knows.
void gossip_membership::compared(bool formed) {
  const bool first = !std::exchange(compared_, true);
  const bool forms = formed && !formed_;
  formed_ |= formed;
  if (forms || (first && formed_)) own_changed();
  try_to_be_up();
  try_form();
}

void gossip_membership::spread_news() {
  if (news_.empty()) return;
  for (const auto id : some(options_.fanout, 0)) {
    if (news_.empty()) return;
    post_with_news(view_.find(id)->description->address, packet(kind::news, id));
  }
}

void gossip_membership::sync_with_one() {
  for (const auto id : some(1, 0)) sync(view_.find(id)->description->address, id);
}

}  // namespace stip

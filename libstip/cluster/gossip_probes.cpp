// Whom gossip_membership asks whether it lives, and what follows from silence.

#include <algorithm>
#include <cmath>

#include "libstip/cluster/gossip_membership.hpp"

namespace stip {

int64_t gossip_membership::suspicion_ms() const {
  const auto factor = std::max(1.0, std::log10(double(view_.live())));
  return int64_t(double(options_.suspicion_timeout_ms) * factor);
}

std::vector<uint64_t> gossip_membership::some(size_t count, uint64_t but) {
  std::vector<uint64_t> out;
  if (rotation_.empty()) return out;
  const auto fits = [&](uint64_t id) {
    return id != but && is_live(view_.find(id)->key.state) &&
           std::find(out.begin(), out.end(), id) == out.end();
  };
  for (size_t attempt = 0; attempt < 4 * count && out.size() < count; ++attempt) {
    const auto id = rotation_[random_below(rotation_.size())];
    if (fits(id)) out.push_back(id);
  }
  // Few are left, or many are down: look at each.
  const auto first = out.size() < count ? random_below(rotation_.size()) : 0;
  for (size_t i = 0; i < rotation_.size() && out.size() < count; ++i) {
    const auto id = rotation_[(first + i) % rotation_.size()];
    if (fits(id)) out.push_back(id);
  }
  return out;
}

bool gossip_membership::is_probed(uint64_t id) const {
  return std::any_of(probes_.begin(), probes_.end(),
                     [id](const auto& p) { return p.second.id == id; });
}

void gossip_membership::probe_turn() {
  probe_next();
  // Besides the random turn, every node has one that asks it every time.
  auto follower = view_.records().upper_bound(view_.self_id());
  for (size_t i = 0; i + 1 < view_.records().size(); ++i, ++follower) {
    if (follower == view_.records().end()) follower = view_.records().begin();
    if (!is_live(follower->second.key.state)) continue;
    ask_whether_lives(follower->first);
    break;
  }
  probe_absent();
  try_seeds();
  std::erase_if(relays_, [this](const auto& r) { return r.second.until_ms <= now_ms_; });
  try_to_be_up();
  try_form();
}

void gossip_membership::probe_next() {
  for (size_t i = 0; i < rotation_.size(); ++i) {
    if (rotation_at_ >= rotation_.size()) {
      rotation_at_ = 0;
      for (size_t k = rotation_.size(); k > 1; --k)
        std::swap(rotation_[k - 1], rotation_[random_below(k)]);
    }
    const auto id = rotation_[rotation_at_++];
    if (!is_live(view_.find(id)->key.state)) continue;
    ask_whether_lives(id);
    return;
  }
}

/// One of those that are down and due, the one that has waited longest.
void gossip_membership::probe_absent() {
  auto next = absences_.end();
  for (auto at = absences_.begin(); at != absences_.end(); ++at)
    if (at->second.due_ms <= now_ms_ &&
        (next == absences_.end() || at->second.due_ms < next->second.due_ms))
      next = at;
  if (next == absences_.end()) return;
  const bool removed = view_.find(next->first)->key.state == fact_state::removed;
  if (removed && !may_return(next->first)) return (void)absences_.erase(next);
  auto& a = next->second;
  a.gap_ms = removed ? options_.removed_interval_ms
                     : std::min(a.gap_ms * 2, options_.max_absent_interval_ms);
  a.due_ms = now_ms_ + a.gap_ms;
  auto p = packet(kind::ping, next->first);
  p.about = next->first;
  post_with_news(view_.find(next->first)->description->address, std::move(p));
}

void gossip_membership::try_seeds() {
  const bool lonely = view_.live() <= 1;
  for (auto& s : seeds_) {
    if (s.own || s.due_ms > now_ms_) continue;
    if (s.tried && !lonely && seed_known(s)) continue;
    s.tried = true;
    s.gap_ms = std::min(s.gap_ms * 2, options_.max_absent_interval_ms);
    s.due_ms = now_ms_ + s.gap_ms;
    sync(s.address, 0);
  }
}

void gossip_membership::ask_whether_lives(uint64_t id) {
  if (is_probed(id)) return;
  const auto number = ++last_number_;
  const auto direct = now_ms_ + options_.probe_timeout_ms;
  probes_[number] = {id, direct, direct + options_.indirect_timeout_ms, false};
  auto p = packet(kind::ping, id);
  p.number = number;
  p.about = id;
  post_with_news(view_.find(id)->description->address, std::move(p));
}

/// It has not answered in time: once more, and through others.
void gossip_membership::ask_others(uint64_t number, probe& p) {
  p.helped = true;
  p.until_ms = now_ms_ + options_.indirect_timeout_ms;
  auto again = packet(kind::ping, p.id);
  again.number = number;
  again.about = p.id;
  post_with_news(view_.find(p.id)->description->address, std::move(again));
  for (const auto helper : some(options_.helpers, p.id)) {
    auto ask = packet(kind::ask, helper);
    ask.number = number;
    ask.about = p.id;
    post_with_news(view_.find(helper)->description->address, std::move(ask));
  }
}

void gossip_membership::check_probes() {
  std::vector<uint64_t> failed;
  for (auto& [number, p] : probes_) {
    if (!p.helped && now_ms_ >= p.direct_until_ms) ask_others(number, p);
    if (p.helped && now_ms_ >= p.until_ms) failed.push_back(number);
  }
  for (const auto number : failed) {
    const auto id = probes_.at(number).id;
    probes_.erase(number);
    const auto state = view_.find(id)->key.state;
    if (state == fact_state::leaving)
      decide(id, fact_state::down);
    else if (state <= fact_state::up)
      decide(id, fact_state::suspect);
  }
}

void gossip_membership::check_suspicions() {
  std::vector<uint64_t> over;
  for (const auto& [id, until] : suspicions_)
    if (now_ms_ >= until) over.push_back(id);
  for (const auto id : over) decide(id, fact_state::down);
}

void gossip_membership::ask_for(const gossip_packet& from) {
  const auto* target = view_.find(from.about);
  if (target == nullptr || from.about == view_.self_id() ||
      target->key.state == fact_state::removed || relays_.size() >= defaults::max_members)
    return;
  const auto number = ++last_number_;
  relays_[number] = {from.sender.id, reply_address(from), from.number,
                     now_ms_ + options_.probe_timeout_ms + options_.indirect_timeout_ms};
  auto p = packet(kind::ping, from.about);
  p.number = number;
  p.about = from.about;
  post_with_news(target->description->address, std::move(p));
}

void gossip_membership::answered(const gossip_packet& from) {
  const auto probed = probes_.find(from.number);
  if (probed != probes_.end() && probed->second.id == from.about) {
    probes_.erase(probed);
    return;
  }
  const auto relayed = relays_.find(from.number);
  if (relayed == relays_.end() || from.sender.id != from.about) return;
  auto p = packet(kind::ack, relayed->second.asker);
  p.number = relayed->second.number;
  p.about = from.about;
  post_with_news(relayed->second.address, std::move(p));
  relays_.erase(relayed);
}

gossip_membership::effects gossip_membership::send_failed(int64_t now_ms,
                                                          const std::string& address,
                                                          const error& why) {
  begin(now_ms);
  const auto* there = view_.at_address(address);
  const bool configured = std::any_of(seeds_.begin(), seeds_.end(),
                                      [&](const seed& s) { return s.address == address; });
  if (there != nullptr || configured) blame(address, why);
  if (there == nullptr) return finish();
  for (auto& [number, p] : probes_)
    if (p.id == there->key.id && !p.helped) ask_others(number, p);
  return finish();
}

gossip_membership::effects gossip_membership::link_lost(int64_t now_ms, uint64_t id) {
  begin(now_ms);
  const auto* known = view_.find(id);
  if (known != nullptr && id != view_.self_id() && is_live(known->key.state)) ask_whether_lives(id);
  return finish();
}

}  // namespace stip

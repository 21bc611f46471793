#include "libstip/cluster/gossip_membership.hpp"

#include <algorithm>

namespace stip {

gossip_membership::gossip_membership(const member_info& self, const std::vector<std::string>& seeds,
                                     const gossip_options& options, uint64_t random_seed,
                                     const gossip_memory& memory)
    : options_(options), view_(describe(self)), random_(random_seed) {
  options_.probe_interval_ms = std::max<int64_t>(options_.probe_interval_ms, 1);
  options_.gossip_interval_ms = std::max<int64_t>(options_.gossip_interval_ms, 1);
  options_.min_absent_interval_ms = std::max<int64_t>(options_.min_absent_interval_ms, 1);
  for (const auto& address : std::set<std::string>(seeds.begin(), seeds.end()))
    seeds_.push_back({address, address == this->self().address(), false, false, 0,
                      options_.min_absent_interval_ms});
  for (const auto& m : memory.members) {
    const auto info = decode_member_info(m.description);
    if (!info) continue;
    // Written anew: an earlier release may have had another form.
    const auto description = describe(*info);
    const fact_key key{info->id, info->incarnation, 0,
                       m.removed ? fact_state::removed : fact_state::joining, description->hash};
    // What an earlier run knew yields to what this node is now.
    if (auto learned = view_.learn({key, description->encoded});
        learned && *learned == gossip_view::outcome::learned)
      note(key.id, spread::no);
  }
  formed_ = memory.formed;
  try_form();
  if (alone() && view_.live() == 1) set_own(fact_state::up);
  out_.clear();
}

void gossip_membership::begin(int64_t now_ms) {
  if (!begun_) {
    begun_ = true;
    now_ms_ = begun_ms_ = now_ms;
    // Nodes that are started together do not speak all at once.
    next_probe_ms_ = now_ms;
    next_gossip_ms_ = now_ms + int64_t(random_below(size_t(options_.gossip_interval_ms)));
    next_sync_ms_ = now_ms;
    for (auto& [id, a] : absences_) a.due_ms = a.since_ms = now_ms;
    for (auto& [id, until] : suspicions_) until += now_ms;
    return;
  }
  now_ms = std::max(now_ms, now_ms_);
  const auto held_up = now_ms - std::max(now_ms_, std::min(due_ms(), now_ms));
  now_ms_ = now_ms;
  if (held_up <= options_.probe_interval_ms) return;
  // This node did not run. What it has not heard meanwhile says nothing of the others.
  for (auto& [number, p] : probes_) {
    p.direct_until_ms += held_up;
    p.until_ms += held_up;
  }
  for (auto& [id, until] : suspicions_) until += held_up;
  for (auto& [id, a] : absences_) a.since_ms += held_up;
  if (majority_since_ms_ != never) majority_since_ms_ += held_up;
  given_up_ms_ += held_up;
}

int64_t gossip_membership::due_ms() const {
  if (!begun_) return 0;
  auto due = std::min(next_probe_ms_, next_sync_ms_);
  if (!news_.empty() && view_.live() > 1) due = std::min(due, next_gossip_ms_);
  for (const auto& [number, p] : probes_)
    due = std::min(due, p.helped ? p.until_ms : p.direct_until_ms);
  for (const auto& [id, until] : suspicions_) due = std::min(due, until);
  return due;
}

gossip_membership::effects gossip_membership::tick(int64_t now_ms) {
  begin(now_ms);
  check_suspicions();
  check_probes();
  remove_absent();
  if (now_ms_ >= next_probe_ms_) {
    probe_turn();
    // The first gap is random, so that the turns of nodes started together drift apart.
    const auto gap = next_probe_ms_ == begun_ms_
                         ? 1 + int64_t(random_below(size_t(options_.probe_interval_ms)))
                         : options_.probe_interval_ms;
    next_probe_ms_ = now_ms_ + gap;
  }
  if (now_ms_ >= next_gossip_ms_) {
    spread_news();
    next_gossip_ms_ = now_ms_ + options_.gossip_interval_ms;
  }
  if (now_ms_ >= next_sync_ms_) {
    next_sync_ms_ = now_ms_ + (compared_ ? options_.sync_interval_ms : options_.resync_interval_ms);
    sync_with_one();
  }
  return finish();
}

// -- what is known ------------------------------------------------------------

void gossip_membership::set_own(fact_state state) {
  auto key = view_.self().key;
  if (key.refutation < UINT32_MAX) ++key.refutation;
  key.state = state;
  view_.set(key);
  note(key.id, spread::yes);
}

void gossip_membership::note(uint64_t id, spread how) {
  const auto& r = *view_.find(id);
  if (how == spread::yes) news_.add(id);
  const auto& info = r.description->info;
  out_.push_back(changed{{info, shown(r.key.state, info)}});
  if (id == view_.self_id()) return;

  if (r.key.state == fact_state::suspect)
    suspicions_[id] = now_ms_ + suspicion_ms();
  else
    suspicions_.erase(id);
  const bool was_absent = absences_.contains(id);
  watch(id);
  if (r.key.state == fact_state::removed) {
    std::erase_if(probes_, [id](const auto& p) { return p.second.id == id; });
    if (in_rotation_.erase(id) == 0) return;
    const auto at = std::find(rotation_.begin(), rotation_.end(), id);
    if (at - rotation_.begin() < ptrdiff_t(rotation_at_)) --rotation_at_;
    rotation_.erase(at);
  } else if (in_rotation_.insert(id).second) {
    rotation_.insert(rotation_.begin() + ptrdiff_t(random_below(rotation_.size() + 1)), id);
  }
  if (!formed_) try_form();
  // Who was away may know others that were away with it.
  if (was_absent && is_live(r.key.state)) sync(r.description->address, id);
}

void gossip_membership::decide(uint64_t id, fact_state state) {
  auto key = view_.find(id)->key;
  key.state = state;
  view_.set(key);
  note(id, spread::yes);
}

void gossip_membership::accused(const fact_key& key) {
  const auto& own = view_.self();
  const auto what = "be node " + node_name(own.key.id);
  if (key.incarnation > own.key.incarnation)
    return blame(
        "this node",
        {ec::conflict, what,
         "the cluster knows start " + std::to_string(key.incarnation) + " of it, this is start " +
             std::to_string(own.key.incarnation),
         "was its data directory copied, or restored from an older copy? Give it a new one"});
  if (!supersedes(key, own.key)) return;
  if (key.state == fact_state::removed) {
    blame("this node", {ec::conflict, what, "the cluster has removed it", "it joins again"});
    if (now_ms_ < next_return_ms_) return;
    return_gap_ms_ = std::clamp(return_gap_ms_ * 2, options_.min_return_interval_ms,
                                options_.max_return_interval_ms);
    next_return_ms_ = now_ms_ + return_gap_ms_;
    out_.push_back(come_back{});
    return;
  }
  if (key.description != own.key.description)
    return blame("this node", {ec::conflict, what, "another node runs with the same id",
                               "give each node a data directory of its own; do not copy one"});
  auto protest = own.key;
  protest.refutation = key.refutation;
  view_.set(protest);
  set_own(own.key.state);
}

/// For a node of protocol 2, which does not know what is said of it.
void gossip_membership::refute_for(const fact_key& key) {
  auto next = key;
  if (next.refutation < UINT32_MAX) ++next.refutation;
  next.state = fact_state::up;
  view_.set(next);
  note(key.id, spread::yes);
}

bool gossip_membership::seed_known(const seed& s) const {
  return s.own || s.met || view_.at_address(s.address) != nullptr;
}

bool gossip_membership::seeds_known() const {
  return std::all_of(seeds_.begin(), seeds_.end(), [this](const seed& s) { return seed_known(s); });
}

bool gossip_membership::alone() const {
  return std::all_of(seeds_.begin(), seeds_.end(), [](const seed& s) { return s.own; });
}

/// The cluster is complete when no member waits for an address of its configuration any more.
void gossip_membership::try_form() {
  if (formed_ || !seeds_known() || (!alone() && !compared_)) return;
  for (const auto& [id, r] : view_.records())
    if (id != view_.self_id() && r.key.state < fact_state::up) return;
  formed_ = true;
  out_.push_back(changed{{self(), shown(view_.self().key.state, self())}});
}

void gossip_membership::try_to_be_up() {
  const auto state = view_.self().key.state;
  const bool patient = !compared_ && now_ms_ - begun_ms_ < options_.join_patience_ms;
  if (state >= fact_state::up || patient) return;
  const auto next = formed_ || seeds_known() ? fact_state::up : fact_state::waiting;
  if (next != state) set_own(next);
}

void gossip_membership::met(const std::string& address) {
  problems_.erase(address);
  for (auto& s : seeds_)
    if (s.address == address) s.met = true;
  try_to_be_up();
  try_form();
}

void gossip_membership::blame(const std::string& key, error why) {
  if (problems_.size() >= defaults::max_membership_problems && !problems_.contains(key))
    problems_.erase(problems_.begin());
  problems_[key] = std::move(why);
}

// -- greetings ----------------------------------------------------------------

result<gossip_membership::effects> gossip_membership::hello_received(int64_t now_ms,
                                                                     const member_info& peer) {
  begin(now_ms);
  const auto description = describe(peer);
  STIP_TRY(view_.check(*description));
  if (peer.id == view_.self_id()) return finish();
  const auto* known = view_.find(peer.id);
  if (known != nullptr && known->key.incarnation > peer.incarnation) return finish();
  if (known == nullptr || known->key.incarnation < peer.incarnation)
    want(description->address, peer.id, {peer.id});
  else if (known->key.state >= fact_state::suspect)
    ask_whether_lives(peer.id);
  return finish();
}

result<gossip_membership::effects> gossip_membership::hello_answered(int64_t now_ms,
                                                                     const std::string& address,
                                                                     const member_info& peer) {
  begin(now_ms);
  const auto description = describe(peer);
  const auto id = peer.id;
  auto refuse = [&](error why) {
    blame(address, why);
    return fail(std::move(why));
  };
  const auto* known = view_.find(id);
  if (id != view_.self_id() && known != nullptr && peer.incarnation < known->key.incarnation)
    return refuse({ec::conflict, "speak to " + address,
                   "node " + node_name(id) + " answers as start " +
                       std::to_string(peer.incarnation) + ", but start " +
                       std::to_string(known->key.incarnation) + " is known",
                   "was its data directory restored from an older copy? Give it a new one"});
  if (auto ok = view_.check(*description); !ok) return refuse(std::move(ok).error());
  if (id == view_.self_id()) {
    for (auto& s : seeds_) s.own = s.own || s.address == address;
    met(address);
    return finish();
  }

  // One process listens at an address: who was there before has been replaced. Gossip may have
  // told of the new one already.
  if (description->address == address)
    for (const auto before : view_.all_at(address))
      if (before != id) decide(before, fact_state::removed);

  const bool speaks_gossip = peer.protocol >= min_gossip_protocol;
  const fact_key key{id, peer.incarnation, 0, speaks_gossip ? fact_state::joining : fact_state::up,
                     description->hash};
  auto learned = view_.learn({key, description->encoded});
  if (!learned) return refuse(std::move(learned).error());
  if (*learned == gossip_view::outcome::learned) note(id, spread::yes);
  if (!speaks_gossip) {
    // Its answer is all that it can say.
    const auto now = view_.find(id)->key;
    if (now.state != fact_state::up && now.state != fact_state::leaving) refute_for(now);
    std::erase_if(probes_, [id](const auto& p) { return p.second.id == id; });
    compared(false);
  }
  met(address);
  return finish();
}

// -- leaving ------------------------------------------------------------------

gossip_membership::effects gossip_membership::leave(int64_t now_ms) {
  begin(now_ms);
  if (std::exchange(leaving_, true)) return finish();
  set_own(fact_state::leaving);
  tell_some();
  return finish();
}

void gossip_membership::tell_some() {
  for (const auto id : some(defaults::leave_fanout, 0))
    post_with_news(view_.find(id)->description->address, packet(kind::news, id));
}

gossip_membership::effects gossip_membership::redescribe(int64_t now_ms, const member_info& next) {
  begin(now_ms);
  const auto& own = view_.self().key;
  if (next.id != own.id || next.incarnation <= own.incarnation) return finish();
  auto description = describe(next);
  const fact_key key{own.id, next.incarnation, 0, own.state, description->hash};
  view_.set(key, std::move(description));
  problems_.erase("this node");
  note(key.id, spread::yes);
  tell_some();
  return finish();
}

gossip_membership::effects gossip_membership::depart(int64_t now_ms) {
  begin(now_ms);
  leaving_ = true;
  if (view_.self().key.state != fact_state::removed) set_own(fact_state::removed);
  tell_some();
  return finish();
}

gossip_membership::effects gossip_membership::left(int64_t now_ms, uint64_t id) {
  begin(now_ms);
  const auto* known = view_.find(id);
  if (known == nullptr || id == view_.self_id() || !is_live(known->key.state) ||
      known->key.state == fact_state::leaving)
    return finish();
  decide(id, fact_state::leaving);
  return finish();
}

gossip_membership::effects gossip_membership::remove(int64_t now_ms, uint64_t id) {
  begin(now_ms);
  const auto* known = view_.find(id);
  if (known != nullptr && id != view_.self_id() && known->key.state != fact_state::removed)
    decide(id, fact_state::removed);
  return finish();
}

// -- views --------------------------------------------------------------------

std::vector<member> gossip_membership::members() const {
  std::vector<member> out;
  for (const auto& [id, r] : view_.records())
    if (r.key.state != fact_state::removed || id == view_.self_id())
      out.push_back({r.description->info, shown(r.key.state, r.description->info)});
  return out;
}

std::vector<std::string> gossip_membership::missing() const {
  std::vector<std::string> out;
  if (knows_members()) return out;
  // It may have heard that a member was removed, and not who came for it.
  if (formed_)
    for (const auto& [id, r] : view_.records())
      if (id != view_.self_id() && r.key.state != fact_state::removed)
        out.push_back(r.description->address);
  if (formed_) return out;
  for (const auto& s : seeds_)
    if (!seed_known(s)) out.push_back(s.address);
  if (!out.empty()) return out;
  // All have answered, but none has told yet whom else it knows.
  for (const auto& s : seeds_)
    if (!s.own) out.push_back(s.address);
  return out;
}

gossip_memory gossip_membership::remembered() const {
  gossip_memory out;
  // With half of what has changed, the next run could not tell either.
  out.formed = knows_members();
  for (const auto& [id, r] : view_.records())
    if (id != view_.self_id())
      out.members.push_back({r.description->encoded, r.key.state == fact_state::removed});
  return out;
}

}  // namespace stip

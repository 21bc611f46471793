// Members that are down: how long, when they are asked again, and when they are given up.

#include <algorithm>

#include "libstip/cluster/gossip_membership.hpp"

namespace stip {

/// The state of another node has changed: is it to be asked now and then whether it lives?
void gossip_membership::watch(uint64_t id) {
  const auto state = view_.find(id)->key.state;
  if (state == fact_state::down) {
    const auto gap = options_.min_absent_interval_ms;
    absences_.try_emplace(id, absence{now_ms_ + gap, gap, now_ms_});
  } else if (state == fact_state::removed && may_return(id)) {
    const auto gap = options_.removed_interval_ms;
    absences_[id] = {now_ms_ + gap, gap, now_ms_};
  } else {
    absences_.erase(id);
  }
}

/// A removed node may live beyond a partition and have removed this one too. One that has drained,
/// or whose place another has taken, does not come back by itself.
bool gossip_membership::may_return(uint64_t id) const {
  const auto& description = *view_.find(id)->description;
  return !description.info.tokens.empty() && view_.at_address(description.address) == nullptr;
}

/// More than half of the members are up: at most one part of a cluster that is cut can say so.
bool gossip_membership::sees_majority() const {
  if (!formed_) return false;
  size_t members = 0;
  size_t there = 0;
  for (const auto& [id, r] : view_.records()) {
    const auto state = r.key.state;
    members += state != fact_state::removed;
    there +=
        id == view_.self_id() || state == fact_state::up || state == fact_state::waiting ? 1 : 0;
  }
  return 2 * there > members;
}

int64_t gossip_membership::removal_ms(int64_t since_ms) const {
  if (options_.down_after_ms <= 0 || majority_since_ms_ == never) return never;
  // Who is cut off itself sees the others go one by one, and must know so before it gives up any.
  const auto whole_round = int64_t(view_.live()) * options_.probe_interval_ms + suspicion_ms();
  return std::max({since_ms, majority_since_ms_, given_up_ms_}) +
         std::max(options_.down_after_ms, whole_round);
}

/// A member that this node has seen down for long, while it saw a majority all the time and few
/// others down, is removed. Others come to the same, or learn it as news.
void gossip_membership::remove_absent() {
  if (options_.down_after_ms <= 0) return;
  // As long as nobody is away, nothing depends on it.
  if (absences_.empty() || leaving_ || !sees_majority())
    majority_since_ms_ = never;
  else if (majority_since_ms_ == never)
    majority_since_ms_ = now_ms_;
  size_t down = 0;
  std::vector<uint64_t> over;
  for (const auto& [id, a] : absences_) {
    if (view_.find(id)->key.state != fact_state::down) continue;
    ++down;
    if (now_ms_ >= removal_ms(a.since_ms)) over.push_back(id);
  }
  if (down > options_.most_given_up) {
    given_up_ms_ = now_ms_;
    return;
  }
  for (const auto id : over) decide(id, fact_state::removed);
  // The others make the missing copies before the next is given up.
  if (!over.empty()) given_up_ms_ = now_ms_;
}

std::optional<int64_t> gossip_membership::down_since_ms(uint64_t id) const {
  const auto found = absences_.find(id);
  if (found == absences_.end() || view_.find(id)->key.state != fact_state::down) return {};
  return found->second.since_ms;
}

}  // namespace stip

#include <algorithm>
#include <utility>

#include "libstip/cluster/member.hpp"
#include "libstip/cluster/task_ledger.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/core/packed.hpp"

// Who keeps copies of a part, and who goes on with it when its owner is lost.

namespace stip {

namespace {

/// Each part ranks the nodes in an order of its own (rendezvous hashing).
uint64_t rank(const part_key& key, uint64_t node) {
  packed_writer out;
  out.text(key.id).u64(key.origin).u64(node);
  return hash64(out.bytes());
}

bool contains(const std::vector<uint64_t>& nodes, uint64_t node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

}  // namespace

// -- members --------------------------------------------------------------------------

void task_ledger::see(task_moment now, const std::vector<task_node>& members) {
  bool changed = members_ == 0;
  std::set<uint64_t> there;
  for (const auto& m : members) {
    there.insert(m.id);
    auto [at, fresh] = nodes_.try_emplace(m.id);
    auto& known = at->second;
    const auto before = known.seen;
    known.seen = m.seen;
    if (m.seen == node_presence::lost && (fresh || before != m.seen))
      known.lost_since_ms = now.steady_ms;
    const bool live = m.seen == node_presence::live;
    const bool was_live = !fresh && before == node_presence::live;
    changed |= live != was_live;
    if (!live || was_live || m.id == node_) continue;
    send(m.id, {task_letter::verdicts{
                   task_letter::verdicts::step::compare, verdicts_.fingerprint(), {}}});
    // It may not have heard that its part is done here.
    for (auto& [key, h] : parts_)
      if (key.origin == m.id && h.part.owner == node_) h.serves = true;
  }
  for (auto& [id, known] : nodes_) {
    if (there.contains(id) || known.seen == node_presence::lost) continue;
    changed |= known.seen == node_presence::live;
    known = {node_presence::lost, now.steady_ms};
  }
  members_ = members.size();
  if (changed) ++view_;
}

node_presence task_ledger::presence(uint64_t node) const {
  if (node == node_) return node_presence::live;
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? node_presence::lost : found->second.seen;
}

std::vector<uint64_t> task_ledger::live_others() const {
  std::vector<uint64_t> out;
  for (const auto& [id, known] : nodes_)
    if (id != node_ && known.seen == node_presence::live) out.push_back(id);
  return out;
}

// -- copies ---------------------------------------------------------------------------

std::vector<uint64_t> task_ledger::addressees_of(const task_part& part) const {
  std::set<uint64_t> all{part.keepers.begin(), part.keepers.end()};
  all.insert(part.owner);
  all.insert(part.task.node);
  all.erase(node_);
  std::erase_if(all, [this](uint64_t node) { return presence(node) != node_presence::live; });
  return {all.begin(), all.end()};
}

void task_ledger::choose_keepers(held& h) {
  // A node that has just started does not know the others yet.
  if (members_ == 0) return;
  h.keepers_of_view = view_;
  std::vector<std::pair<uint64_t, uint64_t>> ranked;
  for (const auto node : live_others()) ranked.emplace_back(rank(h.part.key(), node), node);
  const auto most = std::min(ranked.size(), defaults::task_copies);
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(most), ranked.end());
  std::vector<uint64_t> keepers;
  for (size_t i = 0; i < most; ++i) keepers.push_back(ranked[i].second);
  if (keepers == h.part.keepers) return;
  h.part.keepers = std::move(keepers);
  touch(h, false);
}

void task_ledger::serve(task_moment now, held& h) {
  if (!h.serves || members_ == 0) return;
  const bool working_here = h.part.running() && h.part.owner == node_;
  if (working_here && h.keepers_of_view != view_) choose_keepers(h);
  const auto stamp = h.part.stamp();
  const auto rest =
      defaults::task_update_interval.count() *
      static_cast<int64_t>(1 + h.part.task.errors.size() / defaults::task_errors_an_interval);
  bool all_know = true;
  for (const auto node : addressees_of(h.part)) {
    auto& a = h.addressees[node];
    if (a.known == stamp) continue;
    all_know = false;
    const auto since = now.steady_ms - a.sent_ms;
    if (a.in_flight && since < defaults::task_copy_patience.count()) continue;
    // Progress may wait a little for more of it.
    const bool progress =
        !h.hurries && working_here && a.known.epoch == stamp.epoch && a.known.revision > 0;
    if (progress && since < rest) continue;
    a.in_flight = true;
    a.sent_ms = now.steady_ms;
    send(node, {task_letter::copy{h.part}},
         a.knows_inputs == h.part.inputs_hash ? carry::no_inputs : carry::everything);
  }
  if (all_know) h.hurries = false;
  // Who keeps an old record will ask.
  if (all_know && !h.part.running()) h.serves = false;
}

// -- going on -------------------------------------------------------------------------

void task_ledger::tick(task_moment now) {
  forget_ended(true, options_.max_ended);
  // Of others as many as there are copies of each.
  forget_ended(false, options_.max_ended * defaults::task_copies);
  const auto before = verdicts_.fingerprint();
  verdicts_.expire(now.wall_ms);
  verdicts_unsaved_ |= before != verdicts_.fingerprint();
  // Before it knows the cluster a node decides nothing.
  if (members_ == 0) return;
  compare_verdicts(now);
  std::vector<part_key> due;
  for (const auto& [key, h] : parts_)
    if (h.serves || h.part.running()) due.push_back(key);
  for (const auto& key : due)
    if (auto* h = find_held(key)) attend(now, *h);
}

void task_ledger::attend(task_moment now, held& h) {
  serve(now, h);
  if (!h.part.running()) return;
  if (h.part.owner == node_) {
    if (h.now == phase::idle && h.part.movable()) begin_asking(now, h);
    if (h.now == phase::asking) ask(now, h);
    return;
  }
  const auto [owner, fresh] = nodes_.try_emplace(h.part.owner);
  if (fresh) owner->second.lost_since_ms = now.steady_ms;
  if (owner->second.seen != node_presence::lost) {
    h.now = phase::idle;
    const bool old = now.steady_ms - h.heard_ms >= defaults::task_refresh_interval.count();
    if (!old || owner->second.seen != node_presence::live) return;
    h.heard_ms = now.steady_ms;
    send(h.part.owner, {task_letter::question{h.part.key(), h.part.stamp()}});
    return;
  }
  if (h.now != phase::asking && is_my_turn(now, h)) begin_asking(now, h);
  if (h.now == phase::asking) ask(now, h);
}

bool task_ledger::is_my_turn(task_moment now, const held& h) const {
  // A node that sees few of the others is itself the one that is lost.
  if ((live_others().size() + 1) * 2 < members_) return false;
  std::vector<uint64_t> order{h.part.task.node};
  order.insert(order.end(), h.part.keepers.begin(), h.part.keepers.end());
  std::erase_if(order, [&](uint64_t node) { return presence(node) != node_presence::live; });
  std::stable_partition(order.begin(), order.end(),
                        [&](uint64_t node) { return !contains(h.part.tried, node); });
  const auto place = std::find(order.begin(), order.end(), node_) - order.begin();
  const auto wait = options_.grace + place * defaults::task_takeover_step;
  return now.steady_ms - nodes_.at(h.part.owner).lost_since_ms >= wait.count();
}

void task_ledger::begin_asking(task_moment now, held& h) {
  h.now = phase::asking;
  h.answered.clear();
  h.asking_since_ms = now.steady_ms;
  h.asked_ms = now.steady_ms - defaults::task_question_interval.count();
}

void task_ledger::ask(task_moment now, held& h) {
  std::vector<uint64_t> open;
  bool all = true;
  for (const auto& [id, known] : nodes_) {
    if (id == node_ || known.seen == node_presence::lost || h.answered.contains(id)) continue;
    all = false;
    if (known.seen == node_presence::live) open.push_back(id);
  }
  if (all || now.steady_ms - h.asking_since_ms >= defaults::task_question_patience.count())
    return go_on(now, h);
  if (now.steady_ms - h.asked_ms < defaults::task_question_interval.count()) return;
  h.asked_ms = now.steady_ms;
  for (const auto node : open) send(node, {task_letter::question{h.part.key(), h.part.stamp()}});
}

/// Makes the part this node's own, in an epoch of its own.
void task_ledger::go_on(task_moment now, held& h) {
  auto& part = h.part;
  auto& task = part.task;
  const auto before = std::exchange(part.owner, node_);
  ++part.epoch;
  part.revision = 1;
  h.now = phase::idle;
  h.serves = h.unsaved = h.urgent = true;
  h.addressees.clear();
  choose_keepers(h);
  if (!part.movable()) {
    add_last_error(task, {"", before,
                          before == node_ ? "the node was restarted"
                                          : "node " + node_name(before) + " that did it is gone"});
    return end(now, h, task_state::failed);
  }
  if (!part.listed) {
    if (part.own_files && task.node != node_) return conclude(now, h);
    task.completed = task.skipped = task.total = task.bytes = task.dropped_errors = 0;
    task.errors.clear();
  } else if (std::find(part.settled.begin(), part.settled.end(), false) == part.settled.end()) {
    return finish(now, h);
  }
  serve(now, h);
  work_on(h);
}

void task_ledger::work_on(held& h) {
  h.now = phase::working;
  if (h.part.movable()) effects_.push_back(begin_task_work{h.part});
}

void task_ledger::leave_off(held& h) {
  if (h.now == phase::working) effects_.push_back(end_task_work{h.part.run()});
  h.now = phase::idle;
}

void task_ledger::compare_verdicts(task_moment now) {
  if (now.steady_ms - compared_ms_ < defaults::task_verdict_interval.count()) return;
  compared_ms_ = now.steady_ms;
  const auto others = live_others();
  if (others.empty()) return;
  const auto next = std::upper_bound(others.begin(), others.end(), compared_with_);
  compared_with_ = next == others.end() ? others.front() : *next;
  send(compared_with_,
       {task_letter::verdicts{task_letter::verdicts::step::compare, verdicts_.fingerprint(), {}}});
}

}  // namespace stip

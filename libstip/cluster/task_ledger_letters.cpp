#include <algorithm>
#include <utility>

#include "libstip/cluster/member.hpp"
#include "libstip/cluster/task_ledger.hpp"

// What a ledger says to others, and makes of what they say.

namespace stip {

void task_ledger::send(uint64_t to, task_letter letter, carry what) {
  effects_.push_back(send_task_letter{to, encode(letter, what)});
}

void task_ledger::acknowledge(uint64_t to, const held& h) {
  send(to, {task_letter::acknowledgement{h.part.key(), h.part.stamp(), false}});
}

void task_ledger::received(task_moment now, uint64_t from, const task_letter& letter) {
  if (from == node_) return;
  std::visit([&](const auto& content) { take(now, from, content); }, letter.content);
}

void task_ledger::take(task_moment now, uint64_t from, const task_letter::copy& l) {
  auto part = l.part;
  const auto key = part.key();
  const auto stamp = part.stamp();
  if (const auto* v = verdicts_.on(key.id, stamp.began);
      v != nullptr && v->what == task_verdict::kind::cleared) {
    send(from, {task_letter::verdicts{task_letter::verdicts::step::yours, 0, {*v}}});
    return;
  }
  auto* h = find_held(key);
  if (h != nullptr && !supersedes(part, h->part)) {
    if (part.stamp() == h->part.stamp()) h->heard_ms = now.steady_ms;
    if (supersedes(h->part, part))
      send(from, {task_letter::copy{h->part}});
    else
      acknowledge(from, *h);
    return;
  }
  if (!part.whole()) {
    const bool same = h != nullptr && h->part.inputs && h->part.inputs_hash == part.inputs_hash &&
                      h->part.settled.size() == part.settled.size();
    if (!same) return send(from, {task_letter::acknowledgement{key, {}, true}});
    part.inputs = h->part.inputs;
  }
  // Those who keep copies of what this node has done learn of it from nobody else.
  if (h != nullptr && h->part.owner == node_ && part.owner != node_)
    for (const auto node : addressees_of(h->part))
      if (node != from && node != part.owner) send(node, {task_letter::copy{part}});
  // Who keeps no copy any more forgets it, when somebody else is there who does.
  const auto is_live = [&](uint64_t node) {
    return node != node_ && presence(node) == node_presence::live;
  };
  const bool concerned =
      part.owner == node_ || key.origin == node_ ||
      std::find(part.keepers.begin(), part.keepers.end(), node_) != part.keepers.end();
  if (!concerned &&
      (is_live(part.owner) || std::any_of(part.keepers.begin(), part.keepers.end(), is_live))) {
    if (h != nullptr) {
      leave_off(*h);
      forget(parts_.find(key));
    }
    return send(from, {task_letter::acknowledgement{key, stamp, false}});
  }
  forget_older(key.id, stamp.began);
  h = find_held(key);
  if (h == nullptr) {
    if (!make_room()) return;
    h = &place(now, key);
  }
  adopt(now, *h, std::move(part));
  if (const auto* v = verdicts_.on(key.id, stamp.began)) apply(now, *v);
  if (h = find_held(key); h != nullptr)
    send(from, {task_letter::acknowledgement{key, stamp, false}});
}

void task_ledger::adopt(task_moment now, held& h, task_part part) {
  const bool news = part.epoch != h.part.epoch || part.running() != h.part.running() ||
                    part.listed != h.part.listed || h.part.task.id.empty();
  h.heard_ms = now.steady_ms;
  h.unsaved = true;
  h.urgent |= news;
  if (part.owner != node_) {
    const bool works = h.now == phase::working && h.part.running();
    if (works && !h.part.movable()) {
      // Nobody else can do it, and this node still does.
      h.part.epoch = part.epoch + 1;
      h.addressees.clear();
      touch(h, true);
      return serve(now, h);
    }
    leave_off(h);
    h.part = std::move(part);
    h.serves = false;
    h.addressees.clear();
    return;
  }
  const bool asks = h.now == phase::asking && h.part.owner == node_;
  leave_off(h);
  h.part = std::move(part);
  h.serves = true;
  h.addressees.clear();
  if (!h.part.running()) return;
  if (!h.part.movable()) return go_on(now, h);
  if (h.part.revision == 0) {
    // Another node hands it to this one.
    choose_keepers(h);
    touch(h, true);
    serve(now, h);
    return work_on(h);
  }
  // It is from this node's own past: others may know still more.
  if (asks)
    h.now = phase::asking;
  else
    begin_asking(now, h);
}

void task_ledger::take(task_moment now, uint64_t from, const task_letter::acknowledgement& l) {
  auto* h = find_held(l.key);
  if (h == nullptr) return;
  if (h->now == phase::asking) h->answered.insert(from);
  auto& a = h->addressees[from];
  a.in_flight = false;
  if (l.wants_inputs) {
    a.knows_inputs = 0;
    a.sent_ms = 0;
    return serve(now, *h);
  }
  a.known = l.stamp;
  a.knows_inputs = h->part.inputs_hash;
  const bool handed_over = from == h->part.owner && l.stamp == h->part.stamp();
  if (handed_over) h->serves = false;
  serve(now, *h);
}

void task_ledger::take(task_moment, uint64_t from, const task_letter::question& l) {
  const auto* v = verdicts_.on(l.key.id, l.stamp.began);
  if (v != nullptr)
    send(from, {task_letter::verdicts{task_letter::verdicts::step::yours, 0, {*v}}});
  if (v != nullptr && v->what == task_verdict::kind::cleared) return;
  const auto* h = find_held(l.key);
  if (h == nullptr) return send(from, {task_letter::lacks{l.key}});
  if (h->part.stamp() > l.stamp)
    send(from, {task_letter::copy{h->part}});
  else
    acknowledge(from, *h);
}

void task_ledger::take(task_moment, uint64_t from, const task_letter::lacks& l) {
  auto* h = find_held(l.key);
  if (h == nullptr) return;
  if (h->now == phase::asking) h->answered.insert(from);
  // Its owner has lost it, with its disk or before it was written.
  if (h->part.running() && h->part.owner == from) send(from, {task_letter::copy{h->part}});
}

void task_ledger::take(task_moment now, uint64_t from, const task_letter::verdicts& l) {
  using step = task_letter::verdicts::step;
  for (const auto& v : l.said) learn(now, v);
  if (l.now == step::yours || l.fingerprint == verdicts_.fingerprint()) return;
  send(from, {task_letter::verdicts{l.now == step::compare ? step::mine : step::yours,
                                    verdicts_.fingerprint(), verdicts_.all()}});
}

}  // namespace stip

#include "tests/support/simulation/node_lanes.hpp"

#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip::sim {

namespace {

constexpr size_t max_text = size_t{1} << 30;

delivery_options lane_options() {
  delivery_options o;
  o.answer_timeout_ms = defaults::parcel_deadline.count();
  o.patience_ms = defaults::parcel_patience.count();
  o.queue_parcels = 100'000;
  o.queue_bytes = uint64_t{1} << 40;
  return o;
}

bool worth_a_retry(ec code) {
  return code == ec::unavailable || code == ec::timeout || code == ec::conflict;
}

error away() {
  return {ec::unavailable, "send chips", "the node cannot be reached", {}};
}

}  // namespace

void node_lanes::ship(uint64_t node, const chip_parts& content, answered then) {
  auto& l = lanes_.try_emplace(node, lane{delivery_outbox{lane_options()}, {}}).first->second;
  auto bytes = encode(content);
  delivery_outbox::effects effects;
  const auto number = l.outbox.offer(of_.on->now_ms(), bytes.size(), effects);
  if (!number) return then(fail(number.error()));
  l.under_way.emplace(*number, waiting{std::move(bytes), 0, std::move(then)});
  apply(node, effects);
}

void node_lanes::apply(uint64_t node, const delivery_outbox::effects& effects) {
  for (const auto& f : effects.failures)
    if (auto lost = lanes_.at(node).under_way.extract(f.parcel)) lost.mapped().then(fail(f.why));
  for (const auto& s : effects.sends) send(node, s.parcel, s.attempt);
}

void node_lanes::send(uint64_t node, uint64_t number, int attempt) {
  const auto* p = view_->find(node);
  auto& w = lanes_.at(node).under_way.at(number);
  w.attempt = attempt;
  if (p == nullptr || !p->is_reachable) return attempt_failed(node, number, attempt, away());
  packed_writer out;
  out.u64(of_.self).u64(of_.incarnation).u64(number).u64(view_->ring->version());
  out.stamp(of_.versions->next()).text(w.content);
  of_.calls->ask(p->address, word::deliver, out.bytes(), defaults::parcel_deadline.count(),
                 [this, node, number, attempt](const result<std::string>& answer) {
                   if (answer) return end(node, number, {});
                   attempt_failed(node, number, attempt, answer.error());
                 });
}

void node_lanes::end(uint64_t node, uint64_t number, result<void> outcome) {
  auto& l = lanes_.at(node);
  delivery_outbox::effects next;
  if (l.outbox.answered(of_.on->now_ms(), number, next))
    if (auto ended = l.under_way.extract(number)) ended.mapped().then(std::move(outcome));
  apply(node, next);
}

void node_lanes::attempt_failed(uint64_t node, uint64_t number, int attempt, const error& why) {
  auto& l = lanes_.at(node);
  const auto at = l.under_way.find(number);
  if (at == l.under_way.end() || at->second.attempt != attempt) return;
  if (!worth_a_retry(why.code)) return end(node, number, fail(why));
  at->second.attempt = 0;
  delivery_outbox::effects next;
  l.outbox.failed(of_.on->now_ms(), number, why, next);
  apply(node, next);
}

void node_lanes::view_changed(node_view_ptr view) {
  view_ = std::move(view);
  for (const auto& [node, l] : lanes_) {
    if (view_->is_reachable(node)) continue;
    std::vector<std::pair<uint64_t, int>> out;
    for (const auto& [number, w] : l.under_way)
      if (w.attempt != 0) out.emplace_back(number, w.attempt);
    for (const auto& [number, attempt] : out) attempt_failed(node, number, attempt, away());
  }
  std::erase_if(inboxes_, [this](const auto& entry) {
    const auto* p = view_->find(entry.first.first);
    return p != nullptr && p->incarnation > entry.first.second;
  });
}

void node_lanes::deliver(std::string_view body, node_calls::reply answer) {
  packed_reader in{"parcel", body};
  const auto sender = in.u64();
  const std::pair from{sender, in.u64()};
  const auto number = in.u64();
  const auto ring_version = in.u64();
  const auto sent = in.stamp();
  if (ring_version != view_->ring->version())
    return answer(fail(ec::conflict, "take in chips", "the two nodes know different rings"));
  if (auto fine = of_.versions->observe(sent); !fine) return answer(fail(fine.error()));
  auto& inbox = inboxes_[from];
  switch (inbox.arrived(number)) {
    case delivery_inbox::verdict::repeated:
      return answer(std::string{});
    case delivery_inbox::verdict::under_way:
      return answer(fail(ec::unavailable, "take in a parcel", "it is still being written"));
    case delivery_inbox::verdict::forgotten:
      return answer(fail(ec::limit_exceeded, "take in a parcel", "it was answered long ago"));
    case delivery_inbox::verdict::fresh:
      break;
  }
  of_.writer->put(decode_chip_parts(in.text(max_text)),
                  [this, from, number, answer = std::move(answer)](const result<uint64_t>& done) {
                    if (done)
                      inboxes_[from].done(number, {});
                    else
                      inboxes_[from].failed(number);
                    answer(done ? result<std::string>{} : fail(done.error()));
                  });
}

void node_lanes::tick() {
  for (auto& [node, l] : lanes_) {
    delivery_outbox::effects effects;
    l.outbox.tick(of_.on->now_ms(), effects);
    apply(node, effects);
  }
}

int64_t node_lanes::due_ms() const {
  auto due = INT64_MAX;
  for (const auto& [node, l] : lanes_)
    if (const auto next = l.outbox.next_tick_ms()) due = std::min(due, *next);
  return due;
}

}  // namespace stip::sim

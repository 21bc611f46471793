#include "tests/support/simulation/world.hpp"

#include <algorithm>
#include <charconv>

#include "libstip/core/defaults.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/ring/ring.hpp"

namespace stip::sim {

namespace {

constexpr uint32_t nobody = UINT32_MAX;
/// Ids of nodes that run at one place after each other are so far apart.
constexpr uint64_t generation_ids = 1'000'000;
/// What a frozen node's sockets hold.
constexpr size_t max_held_events = 100'000;
constexpr int64_t wall_at_start_ms = 1'600'000'000'000;

uint32_t index_of(const std::string& address, size_t nodes) {
  uint32_t i = 0;
  const auto* end = address.data() + address.size();
  if (address.size() < 2 || std::from_chars(address.data() + 1, end, i).ptr == address.data() + 1)
    return nobody;
  return i < nodes ? i : nobody;
}

}  // namespace

struct world::link {
  enum class phase : uint8_t { none, dialling, open } now = phase::none;
  uint32_t peer_life = 0;
  uint64_t peer_id = 0;
  int64_t since_us = 0;
  /// Part and bytes, until the link stands.
  std::vector<std::pair<uint32_t, std::string>> queue;
};

struct world::node final : host {
  node(world& w, uint32_t i) : in(&w), index(i), links(w.options_.nodes) {}

  int64_t now_ms() const override { return in->now_us_ / 1000; }
  int64_t wall_ms() const override { return wall_at_start_ms + now_ms() + wall_offset_ms; }
  disk& files() override { return storage; }
  uint64_t random() override { return in->random_(); }
  void send(const std::string& address, std::string bytes) override {
    in->send(index, speaking, address, std::move(bytes));
  }
  bool has_link(const std::string& address) const override {
    const auto to = index_of(address, links.size());
    return to != nobody && links[to].now == link::phase::open;
  }
  void dial(const std::string& address) override {
    const auto to = index_of(address, links.size());
    if (to != nobody && to != index && links[to].now == link::phase::none) in->dial(index, to);
  }
  uint64_t link_changes() const override { return changes; }

  uint64_t id() const { return id_of(index) + generation * generation_ids; }

  world* in;
  uint32_t index;
  /// The part that runs just now.
  uint32_t speaking = 0;
  uint32_t life = 0;
  uint64_t generation = 0;
  bool frozen = false;
  int64_t wall_offset_ms = 0;
  int64_t slow_us = 0;
  uint64_t changes = 0;
  std::array<int64_t, 2> ticks_at_us{INT64_MAX, INT64_MAX};
  disk storage;
  std::vector<std::unique_ptr<part>> parts;
  membership_part* machine = nullptr;
  std::vector<link> links;
  /// What came while it was frozen.
  std::vector<event> held;
};

world::world(const world_options& options)
    : options_(options), random_(options.seed), cut_(options.nodes * options.nodes) {
  for (uint32_t i = 0; i < options.nodes; ++i) nodes_.push_back(std::make_unique<node>(*this, i));
}

world::~world() = default;

std::string world::address_of(size_t i) {
  std::string out = "n";
  return out.append(std::to_string(i)).append(":1");
}

bool world::runs(size_t i) const {
  return nodes_[i]->machine != nullptr;
}
bool world::frozen(size_t i) const {
  return nodes_[i]->frozen;
}
const membership_part& world::membership(size_t i) const {
  return *nodes_[i]->machine;
}
disk& world::files(size_t i) {
  return nodes_[i]->storage;
}
uint64_t world::id(size_t i) const {
  return nodes_[i]->id();
}
part* world::second_part(size_t i) {
  auto& n = *nodes_[i];
  return n.parts.size() < 2 ? nullptr : n.parts[1].get();
}
void world::slow(size_t i, int64_t us) {
  nodes_[i]->slow_us = us;
}
void world::set_clock(size_t i) {
  nodes_[i]->wall_offset_ms = 0;
}

void world::jump_clock(size_t i, int64_t ms) {
  nodes_[i]->wall_offset_ms += ms;
}

std::string world::state(size_t asked, size_t of) const {
  const auto* r = machine(asked).view().find(id(of));
  if (r == nullptr || r->key.state == fact_state::removed) return "unknown";
  return std::string{to_string(shown(r->key.state))};
}

// -- nodes --------------------------------------------------------------------

void world::start(size_t i) {
  auto& n = *nodes_[i];
  if (n.machine != nullptr) return;
  ++n.life;
  member_info self;
  self.id = n.id();
  self.incarnation = n.life;
  self.cluster.assign(1, 'c');
  const auto address = address_of(i);
  self.host = address.substr(0, address.find(':'));
  self.port = 1;
  self.software.assign(1, '0');
  self.tokens = derive_tokens(self.id, options_.tokens);
  if (options_.racks > 0) self.rack = std::to_string(i % options_.racks);
  std::vector<std::string> seeds;
  for (size_t k = 0; k < std::min(options_.seeds, size()); ++k) seeds.push_back(address_of(k));
  auto membership = std::make_unique<membership_part>(n, self, seeds, options_.gossip, random_());
  n.machine = membership.get();
  n.parts.push_back(std::move(membership));
  if (options_.second_part) n.parts.push_back(options_.second_part(n, *n.machine));
  reschedule(uint32_t(i));
}

void world::destroy(size_t i) {
  kill(i);
  auto& n = *nodes_[i];
  n.storage.erase_all();
  ++n.generation;
}

void world::kill(size_t i) {
  auto& n = *nodes_[i];
  if (n.machine == nullptr) return;
  n.machine = nullptr;
  for (const auto& p : n.parts) p->killed();
  // The later ones know the earlier.
  while (!n.parts.empty()) n.parts.pop_back();
  n.held.clear();
  n.frozen = false;
  n.ticks_at_us.fill(INT64_MAX);
  n.storage.crash();
  for (auto& l : n.links) l = {};
  if (!options_.kills_are_told) return;
  for (uint32_t k = 0; k < size(); ++k)
    if (runs(k) && nodes_[k]->links[i].now == link::phase::open)
      transmit(from_to(kind::lost, uint32_t(i), k));
}

void world::stop(size_t i) {
  if (!runs(i)) return;
  if (!frozen(i)) step(uint32_t(i), [](node& n) { n.machine->leave(); });
  kill(i);
}

void world::drain(size_t i, bool on) {
  if (!runs(i) || frozen(i)) return;
  const auto tokens = on ? std::vector<uint64_t>{} : derive_tokens(id_of(i), 1);
  step(uint32_t(i), [&tokens](node& n) { n.machine->give_tokens(tokens); });
}

void world::depart(size_t i) {
  if (!runs(i)) return;
  if (!frozen(i)) step(uint32_t(i), [](node& n) { n.machine->depart(); });
  kill(i);
}

void world::freeze(size_t i) {
  if (runs(i)) nodes_[i]->frozen = true;
}

void world::thaw(size_t i) {
  auto& n = *nodes_[i];
  if (!std::exchange(n.frozen, false)) return;
  for (auto& e : std::exchange(n.held, {})) schedule(0, std::move(e));
  n.ticks_at_us.fill(INT64_MAX);
  reschedule(uint32_t(i));
}

void world::cut(size_t from, size_t to, bool on) {
  cut_[from * size() + to] = on;
}

void world::heal() {
  std::fill(cut_.begin(), cut_.end(), false);
}

// -- time ---------------------------------------------------------------------

void world::schedule(int64_t delay_us, event e) {
  e.at_us = now_us_ + delay_us;
  e.order = order_++;
  events_.push(std::move(e));
}

int64_t world::delay_us() {
  const auto& air = options_.air;
  const auto range = std::max<int64_t>(air.max_delay_us - air.min_delay_us, 0) + 1;
  return air.min_delay_us + int64_t(random_() % uint64_t(range));
}

void world::transmit(event e) {
  if (cut_[e.from * size() + e.to]) return;
  if (happens(options_.air.loss)) return;
  const auto slow_us = nodes_[e.from]->slow_us;
  if (happens(options_.air.repeat)) schedule(slow_us + delay_us(), e);
  schedule(slow_us + delay_us(), std::move(e));
}

world::event world::from_to(kind what, uint32_t from, uint32_t to) const {
  event e;
  e.what = what;
  e.from = from;
  e.to = to;
  e.from_life = nodes_[from]->life;
  e.to_life = nodes_[to]->life;
  return e;
}

void world::reschedule(uint32_t i) {
  auto& n = *nodes_[i];
  if (n.machine == nullptr || n.frozen) return;
  // Nodes tick at multiples of tick_ms from a moment of their own.
  const auto tick_us = options_.tick_ms * 1000;
  const auto phase_us = int64_t(hash64(address_of(i)) % uint64_t(tick_us));
  for (uint32_t k = 0; k < n.parts.size(); ++k) {
    const auto due_ms = n.parts[k]->due_ms();
    if (due_ms == INT64_MAX) continue;
    auto at_us = std::max(due_ms * 1000, now_us_ + 1);
    if (!n.parts[k]->is_exact())
      at_us = (at_us - phase_us + tick_us - 1) / tick_us * tick_us + phase_us;
    if (at_us >= n.ticks_at_us[k]) continue;
    n.ticks_at_us[k] = at_us;
    auto e = from_to(kind::tick, i, i);
    e.part = k;
    schedule(at_us - now_us_, std::move(e));
  }
}

void world::run_until(int64_t end_ms) {
  while (!events_.empty() && events_.top().at_us <= end_ms * 1000) {
    auto e = std::move(const_cast<event&>(events_.top()));
    events_.pop();
    now_us_ = e.at_us;
    handle(e);
  }
  now_us_ = end_ms * 1000;
}

bool world::run_until(int64_t end_ms, const std::function<bool()>& holds, int64_t step_ms) {
  while (!holds()) {
    if (now_ms() >= end_ms) return false;
    run_until(std::min(end_ms, now_ms() + step_ms));
  }
  return true;
}

// -- the network --------------------------------------------------------------

void world::send(uint32_t from, uint32_t part, const std::string& address, std::string bytes) {
  const auto to = index_of(address, size());
  if (to == nobody || to == from) return;
  auto& l = nodes_[from]->links[to];
  if (l.now == link::phase::open) {
    auto e = from_to(kind::bytes, from, to);
    e.to_life = l.peer_life;
    e.part = part;
    e.payload = std::move(bytes);
    return transmit(std::move(e));
  }
  if (l.queue.size() < defaults::max_waiting_packets) l.queue.emplace_back(part, std::move(bytes));
  if (l.now == link::phase::none) dial(from, to);
}

void world::dial(uint32_t from, uint32_t to) {
  auto& l = nodes_[from]->links[to];
  l.now = link::phase::dialling;
  l.since_us = now_us_;
  transmit(from_to(kind::dial, from, to));
  auto late = from_to(kind::late, to, from);
  late.payload = std::to_string(now_us_);
  schedule(options_.dial_timeout_ms * 1000, std::move(late));
}

void world::step(uint32_t i, const std::function<void(node&)>& what) {
  auto& n = *nodes_[i];
  what(n);
  for (n.speaking = 0; n.speaking < n.parts.size(); ++n.speaking)
    n.parts[n.speaking]->look_around();
  n.speaking = 0;
  reschedule(i);
}

void world::act(size_t i, const std::function<void(part&)>& what) {
  if (second_part(i) == nullptr || frozen(i)) return;
  step(uint32_t(i), [&](node& at) {
    at.speaking = 1;
    what(*at.parts[1]);
  });
}

void world::handle(event& e) {
  auto& n = *nodes_[e.to];
  if (n.frozen) {
    // Its timers wait too, and so do the dials that it has under way.
    if (e.what != kind::tick && n.held.size() < max_held_events) n.held.push_back(std::move(e));
    return;
  }
  // A process that is gone refuses connections, if its host is there.
  if (n.machine == nullptr) {
    if (options_.kills_are_told && e.what == kind::dial && n.life > 0)
      transmit(from_to(kind::refused, e.to, e.from));
    return;
  }
  if (e.what == kind::tick) {
    if (e.to_life != n.life || e.at_us != n.ticks_at_us[e.part]) return;
    n.ticks_at_us[e.part] = INT64_MAX;
  } else if (e.what != kind::dial && e.to_life != n.life) {
    // Bytes for an earlier life: its connections are gone.
    if (e.what == kind::bytes) transmit(from_to(kind::lost, e.to, e.from));
    return;
  }
  const std::array<uint64_t, 5> what{uint64_t(e.at_us), uint64_t(e.what), e.to, e.from,
                                     hash64(e.payload)};
  digest_ = digest_ * 31 + hash64(std::as_bytes(std::span{what}));
  switch (e.what) {
    case kind::tick:
      step(e.to, [&e](node& at) {
        at.speaking = e.part;
        at.parts[e.part]->tick();
      });
      break;
    case kind::dial:
      greeted(e);
      break;
    case kind::welcome:
      welcomed(e);
      break;
    case kind::refused:
      fail_link(e.to, e.from, "connection refused");
      break;
    case kind::late:
      if (std::to_string(n.links[e.from].since_us) == e.payload)
        fail_link(e.to, e.from, "timed out");
      break;
    case kind::lost:
      lose_link(e.to, e.from);
      break;
    case kind::bytes:
      ++packets_;
      step(e.to, [&e](node& at) {
        if (e.part >= at.parts.size()) return;
        at.speaking = e.part;
        at.parts[e.part]->received(e.payload);
      });
      break;
  }
}

void world::greeted(event& e) {
  auto& caller = *nodes_[e.from];
  if (caller.machine == nullptr || caller.life != e.from_life) return;
  // Another life of the caller is another process: what we had with the earlier one is over.
  auto& back = nodes_[e.to]->links[e.from];
  if (back.now == link::phase::open && back.peer_life != e.from_life) {
    back = {};
    ++nodes_[e.to]->changes;
  }
  bool taken = false;
  step(e.to,
       [&](node& at) { taken = at.machine->hello_received(caller.machine->machine().self()); });
  auto answer = from_to(taken ? kind::welcome : kind::refused, e.to, e.from);
  answer.to_life = e.from_life;
  transmit(std::move(answer));
}

void world::welcomed(event& e) {
  auto& l = nodes_[e.to]->links[e.from];
  const auto& peer = *nodes_[e.from];
  if (l.now != link::phase::dialling || peer.machine == nullptr || peer.life != e.from_life) return;
  l.now = link::phase::open;
  l.peer_life = e.from_life;
  l.peer_id = peer.id();
  ++nodes_[e.to]->changes;
  bool taken = false;
  step(e.to, [&](node& at) {
    taken = at.machine->hello_answered(address_of(e.from), peer.machine->machine().self());
  });
  if (!taken) {
    l.now = link::phase::dialling;
    return fail_link(e.to, e.from, "refused");
  }
  for (auto& [part, bytes] : std::exchange(l.queue, {}))
    send(e.to, part, address_of(e.from), std::move(bytes));
}

void world::fail_link(uint32_t i, uint32_t peer, const std::string& why) {
  auto& l = nodes_[i]->links[peer];
  if (l.now != link::phase::dialling) return;
  l = {};
  step(i, [&](node& at) {
    for (at.speaking = 0; at.speaking < at.parts.size(); ++at.speaking)
      at.parts[at.speaking]->send_failed(address_of(peer), why);
  });
}

void world::lose_link(uint32_t i, uint32_t peer) {
  auto& l = nodes_[i]->links[peer];
  if (l.now != link::phase::open) return;
  const auto peer_id = std::exchange(l, {}).peer_id;
  ++nodes_[i]->changes;
  step(i, [&](node& at) {
    for (at.speaking = 0; at.speaking < at.parts.size(); ++at.speaking)
      at.parts[at.speaking]->link_lost(peer_id);
  });
}

}  // namespace stip::sim

#define CAF_SUITE cluster.membership_simulation
#include <caf/test/unit_test.hpp>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <sstream>

#include "libstip/cluster/static_membership.hpp"

using namespace stip;

namespace {

constexpr int64_t tick_ms = 100;

/// Nodes on a network that loses, delays, reorders and repeats, under a virtual clock. Every step
/// checks what must hold at all times.
class simulation {
 public:
  simulation(uint64_t seed, size_t nodes) : rng_(seed), nodes_(nodes) {
    for (size_t i = 0; i < nodes; ++i) start(i);
  }

  double loss = 0;
  double repeat = 0;
  int64_t max_delay_ms = 50;
  std::ostringstream trace;

  bool runs(size_t i) const { return nodes_[i].machine.has_value(); }
  const static_membership& machine(size_t i) const { return *nodes_[i].machine; }

  void start(size_t i) {
    auto& node = nodes_[i];
    std::vector<std::string> peers;
    for (size_t k = 0; k < nodes_.size(); ++k) peers.push_back(info(k, 1).address());
    std::vector<known_peer> known;
    if (!node.disk.empty()) {
      auto read = decode_known_peers(node.disk);
      CAF_REQUIRE(read.has_value());
      known = *read;
    }
    node.machine.emplace(info(i, ++node.incarnation), peers, static_membership_options{}, known);
    node.probes.clear();
    node.view.clear();
    for (const auto& m : node.machine->members()) node.view[m.info.id] = m;
    schedule_tick(i, node.incarnation);
  }

  void kill(size_t i) {
    nodes_[i].disk = encode(nodes_[i].machine->known());
    nodes_[i].machine.reset();
  }

  /// Says goodbye to those whom the message reaches.
  void stop(size_t i) {
    const auto id = nodes_[i].machine->self().id;
    for (size_t k = 0; k < nodes_.size(); ++k)
      if (k != i)
        transmit([this, k, id] {
          if (runs(k)) apply(k, nodes_[k].machine->left(now_, id));
        });
    kill(i);
  }

  void cut(size_t i, bool silent) { nodes_[i].silent = silent; }

  void run_until(int64_t end) {
    while (!events_.empty() && events_.top().at <= end) {
      auto next = events_.top();
      events_.pop();
      now_ = next.at;
      next.what();
    }
    now_ = end;
  }

  int64_t now() const { return now_; }

  std::string state(size_t asked, size_t of) const {
    for (const auto& m : machine(asked).members())
      if (m.info.id == of + 1) return std::string(to_string(m.state));
    return "unknown";
  }

  /// When `asked` came to see `of` in this state, last.
  int64_t seen_at(size_t asked, size_t of, member_state state) const {
    int64_t at = -1;
    for (const auto& s : nodes_[asked].seen)
      if (s.id == of + 1 && s.state == state) at = s.at;
    return at;
  }

 private:
  struct event {
    int64_t at;
    uint64_t order;
    std::function<void()> what;
    bool operator>(const event& other) const {
      return std::pair(at, order) > std::pair(other.at, other.order);
    }
  };
  struct probing {
    int64_t sent_ms = 0;
    int64_t deadline_ms = 0;
    bool open = false;
  };
  struct sight {
    int64_t at;
    uint64_t id;
    member_state state;
  };
  struct simulated {
    std::optional<static_membership> machine;
    uint64_t incarnation = 0;
    std::string disk;
    bool silent = false;
    std::map<std::string, probing> probes;
    std::map<uint64_t, member> view;
    std::vector<sight> seen;
  };

  static member_info info(size_t i, uint64_t incarnation) {
    std::string host = "host";
    host.append(std::to_string(i));
    return {i + 1, incarnation, "c", host, 1, {i * 100, i * 100 + 7}, "", "0", protocol_version};
  }

  bool happens(double p) { return double(rng_() % 10'000) < p * 10'000; }
  void later(int64_t delay, std::function<void()> what) {
    events_.push({now_ + delay, order_++, std::move(what)});
  }
  void transmit(const std::function<void()>& what) {
    if (happens(loss)) return;
    later(1 + int64_t(rng_() % uint64_t(max_delay_ms)), what);
    if (happens(repeat)) later(1 + int64_t(rng_() % uint64_t(4 * max_delay_ms)), what);
  }

  void schedule_tick(size_t i, uint64_t incarnation) {
    later(tick_ms, [this, i, incarnation] {
      if (!runs(i) || nodes_[i].incarnation != incarnation) return;
      apply(i, nodes_[i].machine->tick(now_));
      CAF_REQUIRE(nodes_[i].machine->tick(now_).empty());
      schedule_tick(i, incarnation);
    });
  }

  void apply(size_t i, const std::vector<membership::effect>& effects) {
    auto& node = nodes_[i];
    const auto incarnation = node.incarnation;
    for (const auto& effect : effects) {
      if (const auto* c = std::get_if<membership::changed>(&effect)) {
        CAF_REQUIRE(!(node.view[c->now.info.id] == c->now));
        node.view[c->now.info.id] = c->now;
        node.seen.push_back({now_, c->now.info.id, c->now.state});
        trace << now_ << ':' << i << " sees " << c->now.info.id << ' ' << to_string(c->now.state)
              << ' ' << c->now.info.incarnation << '\n';
        continue;
      }
      const auto& p = std::get<membership::probe>(effect);
      trace << now_ << ':' << i << " probes " << p.address << '\n';
      auto& before = node.probes[p.address];
      CAF_REQUIRE(!before.open || now_ >= before.deadline_ms);
      if (before.deadline_ms > 0)
        CAF_REQUIRE(now_ - before.sent_ms >= defaults::probe_interval.count());
      CAF_REQUIRE(p.address != info(i, 1).address());
      before = {now_, p.deadline_ms, true};
      dial(i, incarnation, p.address);
    }
    // The view is what the reported changes say, and nothing else.
    size_t members = 0;
    for (const auto& m : node.machine->members()) {
      CAF_REQUIRE(node.view[m.info.id] == m);
      ++members;
    }
    CAF_REQUIRE(members == node.view.size());
  }

  void report(size_t from, uint64_t incarnation, const std::string& address,
              const std::function<std::vector<membership::effect>(static_membership&)>& what) {
    auto& node = nodes_[from];
    if (!node.machine || node.incarnation != incarnation) return;
    node.probes[address].open = false;
    apply(from, what(*node.machine));
  }

  void dial(size_t from, uint64_t incarnation, const std::string& address) {
    transmit([this, from, incarnation, address] {
      size_t to = 0;
      while (info(to, 1).address() != address) ++to;
      if (nodes_[to].silent || nodes_[from].silent) return;
      const auto fail_with = [=, this](const error& why) {
        transmit([=, this] {
          report(from, incarnation, address,
                 [&](auto& m) { return m.hello_failed(now_, address, why); });
        });
      };
      if (!runs(to)) return fail_with({ec::unavailable, "dial", "connection refused", ""});
      auto effects = nodes_[to].machine->hello_received(now_, info(from, incarnation));
      CAF_REQUIRE(effects.has_value());
      apply(to, *effects);
      const auto answer = nodes_[to].machine->self();
      transmit([=, this] {
        report(from, incarnation, address,
               [&](auto& m) { return m.hello_answered(now_, address, answer); });
      });
    });
  }

  std::mt19937_64 rng_;
  int64_t now_ = 0;
  uint64_t order_ = 0;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
  std::vector<simulated> nodes_;
};

void require_all(simulation& sim, size_t nodes, const std::string& state) {
  for (size_t a = 0; a < nodes; ++a)
    for (size_t b = 0; b < nodes; ++b)
      if (sim.state(a, b) != state) CAF_FAIL(a << " sees " << b << " " << sim.state(a, b));
}

/// Two minutes of kills, stops, restarts and silences, then peace.
std::string unrest(uint64_t seed) {
  constexpr size_t nodes = 5;
  simulation sim(seed, nodes);
  std::mt19937_64 rng(seed * 31);
  sim.loss = double(rng() % 40) / 100;
  sim.repeat = double(rng() % 40) / 100;
  sim.max_delay_ms = 1 + int64_t(rng() % 900);
  for (int64_t now = 0; now < 120'000; now += 1 + int64_t(rng() % 4000)) {
    sim.run_until(now);
    const auto i = rng() % nodes;
    const auto what = rng() % 4;
    if (what == 3) {
      sim.cut(i, rng() % 2 == 0);
    } else if (!sim.runs(i)) {
      sim.start(i);
    } else if (what == 1) {
      sim.kill(i);
    } else if (what == 2) {
      sim.stop(i);
    }
  }
  for (size_t i = 0; i < nodes; ++i) {
    sim.cut(i, false);
    if (!sim.runs(i)) sim.start(i);
  }
  sim.loss = 0;
  sim.max_delay_ms = 50;
  // A goodbye that was overtaken by a restart holds for leaving_grace at most.
  sim.run_until(sim.now() + defaults::leaving_grace.count() + 15'000);
  require_all(sim, nodes, "up");
  for (size_t i = 0; i < nodes; ++i) CAF_REQUIRE(sim.machine(i).missing().empty());
  return sim.trace.str();
}

}  // namespace

CAF_TEST(a cluster on a bad network keeps all bounds and agrees once it is quiet) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    CAF_MESSAGE("seed " << seed);
    const auto trace = unrest(seed);
    CAF_REQUIRE(!trace.empty());
    if (seed % 20 == 0) CAF_CHECK(unrest(seed) == trace);
  }
}

CAF_TEST(a quiet cluster sees nothing but up) {
  simulation sim(1, 8);
  sim.run_until(3000);
  require_all(sim, 8, "up");
  const auto before = sim.trace.str();
  sim.trace.str({});
  sim.run_until(300'000);
  CAF_CHECK(sim.trace.str().find("sees") == std::string::npos);
}

CAF_TEST(a killed node is suspect within three seconds and down within six) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    simulation sim(seed, 3);
    sim.run_until(10'000 + int64_t(seed) * 37);
    const auto killed = sim.now();
    sim.kill(2);
    sim.run_until(killed + 20'000);
    for (const size_t i : {0, 1}) {
      CAF_REQUIRE(sim.state(i, 2) == "down");
      CAF_REQUIRE(sim.seen_at(i, 2, member_state::suspect) - killed <= 3000);
      CAF_REQUIRE(sim.seen_at(i, 2, member_state::down) - killed <= 6000);
      CAF_REQUIRE(sim.machine(i).missing().empty());
    }
    const auto back = sim.now();
    sim.start(2);
    // It knows the others at once, and they see it at its first hello.
    CAF_REQUIRE(sim.machine(2).missing().empty());
    CAF_REQUIRE(sim.machine(2).members().size() == 3);
    sim.run_until(back + 10'000);
    for (const size_t i : {0, 1}) CAF_REQUIRE(sim.seen_at(i, 2, member_state::up) - back <= 1500);
  }
}

CAF_TEST(a silent node is suspect within four seconds and down within seven) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    simulation sim(seed, 3);
    sim.run_until(10'000 + int64_t(seed) * 37);
    const auto silenced = sim.now();
    sim.cut(2, true);
    sim.run_until(silenced + 60'000);
    for (const size_t i : {0, 1}) {
      CAF_REQUIRE(sim.seen_at(i, 2, member_state::suspect) - silenced <= 4000);
      CAF_REQUIRE(sim.seen_at(i, 2, member_state::down) - silenced <= 7000);
      // The silent one lost all the others.
      CAF_REQUIRE(sim.state(2, i) == "down");
    }
    const auto healed = sim.now();
    sim.cut(2, false);
    sim.run_until(healed + 10'000);
    require_all(sim, 3, "up");
    for (const size_t i : {0, 1}) CAF_REQUIRE(sim.seen_at(i, 2, member_state::up) - healed <= 6500);
  }
}

CAF_TEST(a node that stops is never suspect) {
  simulation sim(3, 3);
  sim.run_until(10'000);
  sim.stop(2);
  sim.run_until(20'000);
  for (const size_t i : {0, 1}) {
    CAF_CHECK_EQUAL(sim.state(i, 2), "down");
    CAF_CHECK_EQUAL(sim.seen_at(i, 2, member_state::suspect), -1);
    CAF_CHECK(sim.seen_at(i, 2, member_state::leaving) > 0);
    CAF_CHECK(sim.seen_at(i, 2, member_state::down) - 10'000 <= 1500);
  }
}

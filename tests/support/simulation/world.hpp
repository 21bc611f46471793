#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "tests/support/simulation/membership_part.hpp"
#include "tests/support/simulation/part.hpp"

namespace stip::sim {

/// How the network treats what is sent. Delays are drawn anew for each message, so that messages
/// overtake each other.
struct weather {
  double loss = 0;
  double repeat = 0;
  int64_t min_delay_us = 100;
  int64_t max_delay_us = 5'000;
};

struct world_options {
  uint64_t seed = 1;
  size_t nodes = 3;
  /// Nodes from the first on that stand in everybody's configuration.
  size_t seeds = 1;
  gossip_options gossip;
  weather air;
  /// A node ticks at multiples of this at the earliest, as the actors do.
  int64_t tick_ms = 100;
  /// How long a dial waits for a host that does not answer.
  int64_t dial_timeout_ms = 1'000;
  /// Others are told when a node's process ends (its host closes the connections).
  bool kills_are_told = true;
  /// Places on the ring of each node, and racks that the nodes stand on in turn; 0: none is named.
  size_t tokens = 1;
  size_t racks = 0;
  /// Makes what a node has besides its membership; empty: nothing.
  std::function<std::unique_ptr<part>(host& on, const membership_part& membership)> second_part;
};

/// Nodes with their disks on one network under a virtual clock, in one thread. Everything that
/// happens follows from the seed: `digest` of two runs is the same.
///
/// A node is a list of parts; the first is its membership, world_options names another.
class world {
 public:
  explicit world(const world_options& options);
  ~world();

  size_t size() const { return nodes_.size(); }
  int64_t now_ms() const { return now_us_ / 1000; }
  weather& air() { return options_.air; }
  std::mt19937_64& random() { return random_; }

  /// The id of the first node that ran there.
  static uint64_t id_of(size_t i) { return i + 1; }
  /// Of the one that runs there now or did last: another one after its disk was destroyed.
  uint64_t id(size_t i) const;
  static std::string address_of(size_t i);

  void start(size_t i);
  /// Ends at once, and loses what was not synced.
  void kill(size_t i);
  /// Says goodbye first.
  void stop(size_t i);
  /// Gives up its places on the ring (until it is started again), or takes them back.
  void drain(size_t i, bool on = true);
  /// Removes itself, and ends.
  void depart(size_t i);
  /// It keeps its connections and runs no more, until it is thawed.
  void freeze(size_t i);
  void thaw(size_t i);
  /// Nothing gets from one to the other, or does again.
  void cut(size_t from, size_t to, bool on = true);
  bool is_cut(size_t from, size_t to) const { return cut_[from * size() + to]; }
  void heal();
  /// Ends it, with everything on its disk. What starts there next is another node.
  void destroy(size_t i);
  /// All that it sends takes so much longer.
  void slow(size_t i, int64_t us);

  bool runs(size_t i) const;
  bool frozen(size_t i) const;
  const membership_part& membership(size_t i) const;
  const gossip_membership& machine(size_t i) const { return membership(i).machine(); }
  disk& files(size_t i);
  /// Null: the node does not run, or has none.
  part* second_part(size_t i);
  /// Calls what a part does on its own, so that the node goes on from there.
  void act(size_t i, const std::function<void(part&)>& what);
  /// Moves the node's wall clock; its steady clock goes on.
  void jump_clock(size_t i, int64_t ms);
  /// Sets it right again.
  void set_clock(size_t i);
  /// How the asked node sees that one; "unknown" when it does not.
  std::string state(size_t asked, size_t of) const;

  void run_until(int64_t end_ms);
  /// Runs until `holds`, looking every `step_ms`; false when it does not by then.
  bool run_until(int64_t end_ms, const std::function<bool()>& holds, int64_t step_ms = 50);

  /// Of everything that happened so far.
  uint64_t digest() const { return digest_; }
  uint64_t packets() const { return packets_; }

 private:
  enum class kind : uint8_t {
    tick,
    /// A connection is asked for, with a hello; then what is answered.
    dial,
    welcome,
    refused,
    /// The dial has taken too long.
    late,
    /// The connection has ended.
    lost,
    /// For a part.
    bytes,
  };
  struct event {
    int64_t at_us = 0;
    uint64_t order = 0;
    kind what = kind::tick;
    uint32_t to = 0;
    uint32_t from = 0;
    /// The lives of both when it was sent: it concerns no other.
    uint32_t to_life = 0;
    uint32_t from_life = 0;
    uint32_t part = 0;
    std::string payload;
  };
  struct later {
    bool operator()(const event& a, const event& b) const {
      return a.at_us != b.at_us ? a.at_us > b.at_us : a.order > b.order;
    }
  };
  struct link;
  struct node;

  void schedule(int64_t delay_us, event e);
  /// Over the network: it may be lost, late or doubled.
  void transmit(event e);
  event from_to(kind what, uint32_t from, uint32_t to) const;
  void send(uint32_t from, uint32_t part, const std::string& address, std::string bytes);
  void handle(event& e);
  void reschedule(uint32_t i);
  void dial(uint32_t from, uint32_t to);
  void step(uint32_t i, const std::function<void(node&)>& what);
  void greeted(event& e);
  void welcomed(event& e);
  void fail_link(uint32_t i, uint32_t peer, const std::string& why);
  void lose_link(uint32_t i, uint32_t peer);
  int64_t delay_us();
  bool happens(double p) { return p > 0 && double(random_() % 1'000'000) < p * 1e6; }

  world_options options_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<node>> nodes_;
  std::vector<bool> cut_;
  std::priority_queue<event, std::vector<event>, later> events_;
  int64_t now_us_ = 0;
  uint64_t order_ = 0;
  uint64_t digest_ = 0;
  uint64_t packets_ = 0;
};

}  // namespace stip::sim

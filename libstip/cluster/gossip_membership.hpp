#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "libstip/cluster/gossip_memory.hpp"
#include "libstip/cluster/gossip_news.hpp"
#include "libstip/cluster/gossip_packet.hpp"
#include "libstip/cluster/gossip_view.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

struct gossip_options {
  int64_t probe_interval_ms = defaults::gossip_probe_interval.count();
  int64_t probe_timeout_ms = defaults::gossip_probe_timeout.count();
  int64_t indirect_timeout_ms = defaults::gossip_indirect_timeout.count();
  size_t helpers = defaults::gossip_helpers;
  int64_t suspicion_timeout_ms = defaults::suspicion_timeout.count();
  int64_t gossip_interval_ms = defaults::gossip_interval.count();
  size_t fanout = defaults::gossip_fanout;
  int64_t sync_interval_ms = defaults::gossip_sync_interval.count();
  int64_t resync_interval_ms = defaults::gossip_resync_interval.count();
  int64_t min_absent_interval_ms = defaults::min_absent_interval.count();
  int64_t max_absent_interval_ms = defaults::max_absent_interval.count();
  int64_t join_patience_ms = defaults::join_patience.count();
  /// A member that stays down for so long is removed; 0: never.
  int64_t down_after_ms = defaults::down_after.count();
  /// While more than so many members are down, nobody is removed: images may have all of their
  /// copies on them, and the cluster would not know what it misses.
  size_t most_given_up = 1;
  int64_t removed_interval_ms = defaults::removed_interval.count();
  int64_t min_return_interval_ms = defaults::min_return_interval.count();
  int64_t max_return_interval_ms = defaults::max_return_interval.count();
};

/// Who is in the cluster, by gossip, as a plain state machine: it is told what happened and says
/// what to do; it never waits, sends or reads a clock by itself. It speaks in packets that may be
/// lost, late, doubled and reordered.
///
/// The protocol is SWIM (Das, Gupta, Motivala 2002) with the comparison of whole views that
/// memberlist has, and Lifeguard's care (Dadgar, Phillips, Currey 2018) that a node that was itself
/// held up blames nobody. docs/protocol.md describes it.
///
/// Addresses are "host:port". Times are those of a clock that never goes back.
class gossip_membership {
 public:
  /// Take this packet there, dialling and saying hello (with `self()`) first if there is no link.
  struct send {
    std::string address;
    /// Who is expected there; 0: whoever answers.
    uint64_t id = 0;
    std::string packet;
  };
  /// The view has changed. A member that is gone is reported as down once more.
  struct changed {
    member now;
  };
  /// The cluster has removed this node, and it lives: to be a member again, it has to describe
  /// itself anew (`redescribe`).
  struct come_back {};
  using effect = std::variant<send, changed, come_back>;
  using effects = std::vector<effect>;

  /// `seeds` may contain this node. What `memory` has that does not go with this node (another
  /// cluster, a token of ours) is forgotten.
  gossip_membership(const member_info& self, const std::vector<std::string>& seeds,
                    const gossip_options& options, uint64_t random_seed,
                    const gossip_memory& memory = {});

  const member_info& self() const { return view_.self().description->info; }

  /// Wants to be called at due_ms, or often (every defaults::tick_interval). After a longer silence
  /// than a probe interval it takes itself for held up, and gives everyone that time again.
  effects tick(int64_t now_ms);
  int64_t due_ms() const;
  /// A packet came. One that cannot be read, or is of another cluster, is dropped (see problems).
  effects received(int64_t now_ms, std::string_view packet);
  /// A packet could not be brought to that address.
  effects send_failed(int64_t now_ms, const std::string& address, const error& why);
  /// The connection to that node went: it is asked at once whether it lives.
  effects link_lost(int64_t now_ms, uint64_t id);

  /// A node has dialled us and says who it is; it becomes a member when it answers where it says
  /// that it can be dialled. Errors (it is refused with them): incompatible (another cluster or
  /// protocol), conflict (id, address or token of another), invalid_argument, limit_exceeded.
  result<effects> hello_received(int64_t now_ms, const member_info& peer);
  /// Our hello was answered at that address. A member known there with another id is removed: the
  /// new one has taken its place. Errors as above: no packet should go there.
  result<effects> hello_answered(int64_t now_ms, const std::string& address,
                                 const member_info& peer);

  /// This node is about to stop: tells the others.
  effects leave(int64_t now_ms);
  /// This node says something else of itself from now on, like other tokens. `next` has its id and
  /// a newer incarnation; else it is ignored.
  effects redescribe(int64_t now_ms, const member_info& next);
  /// This node owns and holds nothing any more and is about to stop: it removes itself.
  effects depart(int64_t now_ms);
  /// A node of protocol 2 says that it stops.
  effects left(int64_t now_ms, uint64_t id);
  /// That member is gone for good and owns nothing any more.
  effects remove(int64_t now_ms, uint64_t id);

  /// Every member, this node included, sorted by id.
  std::vector<member> members() const;

  /// When this node saw that member go down; nothing: it is not down.
  std::optional<int64_t> down_since_ms(uint64_t id) const;
  /// Addresses of the configuration that keep the ring from being known: in the life of a cluster,
  /// each of them has to answer once (or be known by another member), so that two halves that start
  /// apart do not place chips by two rings. Empty from then on, but for a node that was started
  /// again and has heard something of the others: it names them until it has compared its view with
  /// one.
  std::vector<std::string> missing() const;
  /// What the next run of this node should be given.
  gossip_memory remembered() const;
  /// Why nodes were refused or could not be reached, by address; the latest reason.
  const std::map<std::string, error>& problems() const { return problems_; }

  const gossip_view& view() const { return view_; }

 private:
  static constexpr int64_t never = INT64_MAX;
  using kind = gossip_packet::kind;
  enum class spread : bool { no, yes };

  /// An address of the configuration.
  struct seed {
    std::string address;
    /// It is this node itself.
    bool own = false;
    /// A node has answered there in this run.
    bool met = false;
    bool tried = false;
    int64_t due_ms = 0;
    int64_t gap_ms = 0;
  };
  /// A question whether a node lives.
  struct probe {
    uint64_t id = 0;
    /// Until then it may answer itself, then through others.
    int64_t direct_until_ms = 0;
    int64_t until_ms = 0;
    bool helped = false;
  };
  /// A probe for another node.
  struct relay {
    uint64_t asker = 0;
    std::string address;
    uint64_t number = 0;
    int64_t until_ms = 0;
  };
  /// A member that is down, or removed and perhaps alive, and when it is asked again.
  struct absence {
    int64_t due_ms = 0;
    int64_t gap_ms = 0;
    int64_t since_ms = 0;
  };

  void begin(int64_t now_ms);
  effects finish() { return std::exchange(out_, {}); }
  void tell_some();

  // gossip_membership.cpp: what is known.
  void set_own(fact_state state);
  void note(uint64_t id, spread how);
  /// Changes the state of another node.
  void decide(uint64_t id, fact_state state);
  void refute_for(const fact_key& key);
  void accused(const fact_key& key);
  bool seed_known(const seed& s) const;
  bool seeds_known() const;
  /// Its configuration names no other node.
  bool alone() const;
  void try_form();
  /// It is `joining` until it has compared views, or had patience, then `waiting` until all its
  /// addresses are known.
  void try_to_be_up();
  void met(const std::string& address);
  void blame(const std::string& key, error why);

  // gossip_exchange.cpp: packets.
  gossip_packet packet(kind what, uint64_t target) const;
  void post(const std::string& address, const gossip_packet& p);
  /// With as many news as go in.
  void post_with_news(const std::string& address, gossip_packet p);
  std::string reply_address(const gossip_packet& from) const;
  void meet(const gossip_packet& from);
  void take_facts(const gossip_packet& from);
  void want(const std::string& address, uint64_t target, const std::vector<uint64_t>& ids);
  void sync(const std::string& address, uint64_t target);
  void compare(const gossip_packet& from);
  void send_facts(const std::string& address, uint64_t target, const std::vector<uint64_t>& ids);
  void compared(bool formed);
  /// Whether the cluster has formed, and this node has heard all that changed while it was away, or
  /// nothing at all.
  bool knows_members() const { return formed_ && (compared_ || !heard_); }
  /// What knows_members says may have changed.
  void own_changed();
  void spread_news();
  void sync_with_one();
  uint32_t repeats() const;

  // gossip_probes.cpp: who lives.
  void probe_turn();
  void probe_next();
  void probe_absent();
  void try_seeds();
  void ask_whether_lives(uint64_t id);
  void ask_others(uint64_t number, probe& p);
  void check_probes();
  void check_suspicions();
  void watch(uint64_t id);
  bool may_return(uint64_t id) const;
  bool sees_majority() const;
  /// When a member that is down since then is removed; `never`: it is not.
  int64_t removal_ms(int64_t since_ms) const;
  void remove_absent();
  void ask_for(const gossip_packet& from);
  void answered(const gossip_packet& from);
  bool is_probed(uint64_t id) const;
  /// Up to `count` distinct random members that may answer, without this node and `but`.
  std::vector<uint64_t> some(size_t count, uint64_t but);
  size_t random_below(size_t bound) { return size_t(random_() % bound); }
  int64_t suspicion_ms() const;

  gossip_options options_;
  gossip_view view_;
  gossip_news news_;
  std::mt19937_64 random_;
  std::vector<seed> seeds_;
  std::map<std::string, error> problems_;
  bool leaving_ = false;
  /// Every address of the configuration has answered once; views were compared with a member.
  bool formed_ = false;
  bool compared_ = false;
  /// Another member has spoken to this one since it started.
  bool heard_ = false;
  /// Descriptions asked for in the comparison that is under way.
  std::set<uint64_t> wanted_;
  /// When a node that sends packets was asked who it is.
  std::map<uint64_t, int64_t> asked_ms_;

  int64_t now_ms_ = 0;
  bool begun_ = false;
  int64_t begun_ms_ = 0;
  int64_t next_probe_ms_ = 0;
  int64_t next_gossip_ms_ = 0;
  int64_t next_sync_ms_ = 0;

  uint64_t last_number_ = 0;
  std::map<uint64_t, probe> probes_;
  std::map<uint64_t, relay> relays_;
  std::map<uint64_t, int64_t> suspicions_;
  std::map<uint64_t, absence> absences_;
  /// Since when this node has seen most of the members without a break; `never`: it does not.
  int64_t majority_since_ms_ = never;
  /// When a member was removed last, or one more was down than may be.
  int64_t given_up_ms_ = 0;
  /// When this node may ask again to come back.
  int64_t next_return_ms_ = 0;
  int64_t return_gap_ms_ = 0;
  /// All other members in the order in which they are probed; shuffled after each round.
  std::vector<uint64_t> rotation_;
  std::unordered_set<uint64_t> in_rotation_;
  size_t rotation_at_ = 0;
  effects out_;
};

}  // namespace stip

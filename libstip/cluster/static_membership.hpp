#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "libstip/cluster/known_peers.hpp"
#include "libstip/cluster/membership.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

struct static_membership_options {
  int64_t probe_interval_ms = defaults::probe_interval.count();
  int64_t probe_timeout_ms = defaults::probe_timeout.count();
  /// Misses in a row.
  int suspect_after = defaults::suspect_after_misses;
  int down_after = defaults::down_after_misses;
  int64_t max_probe_interval_ms = defaults::max_probe_interval.count();
  int64_t leaving_grace_ms = defaults::leaving_grace.count();
  /// Whether a peer that is not in the list becomes a member by saying hello. Without it, only the
  /// listed addresses are ever dialled.
  bool learn_callers = true;
};

/// Membership by a list of addresses in the configuration. Every address is probed once an
/// interval; a peer that does not answer is suspect after `suspect_after` misses in a row and down
/// after `down_after`; only an answer to a probe brings it up again. A peer that is not in the list
/// and says hello becomes a member as well and is probed where it says that it can be dialled.
///
/// States: joining until the first answer of an incarnation; leaving from `left` until the first
/// miss, which makes it down at once. Probes to one address never overlap and start at least an
/// interval apart; those to a down peer back off to `max_probe_interval_ms`.
class static_membership final : public membership {
 public:
  /// `peers` are "host:port" and may contain this node. Of `known` those count that are in the
  /// list, or were learned without it.
  static_membership(member_info self, const std::vector<std::string>& peers,
                    const static_membership_options& options = {},
                    const std::vector<known_peer>& known = {});

  const member_info& self() const override { return self_; }
  std::vector<effect> tick(int64_t now_ms) override;
  /// An answer after the deadline of the latest probe, and one of an incarnation older than the
  /// known one, are ignored. Another node than the one known at that address replaces it (the
  /// former is reported as down and is no member any more, unless it answers elsewhere). A peer
  /// that has to be refused counts as a miss, `problems` tells why.
  std::vector<effect> hello_answered(int64_t now_ms, const std::string& address,
                                     const member_info& peer) override;
  std::vector<effect> hello_failed(int64_t now_ms, const std::string& address,
                                   const error& why) override;
  /// Errors besides incompatible (another cluster's name or protocol): invalid_argument (no id, no
  /// address), conflict (a token, id or address that another node has), limit_exceeded.
  result<std::vector<effect>> hello_received(int64_t now_ms, const member_info& peer) override;
  std::vector<effect> left(int64_t now_ms, uint64_t id) override;

  std::vector<member> members() const override;
  std::vector<std::string> missing() const override;
  /// known(), encoded: decode_known_peers reads it.
  std::string remembered() const override { return encode(known()); }

  /// Addresses whose latest probe brought no member, with the reason.
  std::vector<std::pair<std::string, error>> problems() const;
  /// What to give to the constructor of the next run.
  std::vector<known_peer> known() const;

 private:
  /// An address that is probed.
  struct place {
    bool configured = false;
    /// It is this node itself.
    bool own = false;
    /// Some node has answered from here, in this run or an earlier one.
    bool met = false;
    /// Who answered here last; 0: nobody.
    uint64_t id = 0;
    /// A probe is out.
    bool waiting = false;
    std::optional<int64_t> sent_ms;
    int64_t deadline_ms = 0;
    int64_t due_ms = INT64_MIN;
    int misses = 0;
    std::optional<error> problem;
  };
  struct peer_record {
    member_info info;
    /// In this incarnation, and in this run.
    bool answered = false;
    std::optional<int64_t> leaving_since_ms;
    /// What the last effect said.
    member reported;
  };
  using effects = std::vector<effect>;

  result<void> check_identity(const member_info& peer) const;
  result<void> check_compatible(const member_info& peer) const;
  result<void> check_tokens(const member_info& peer, uint64_t replaced) const;
  member_state state_of(const peer_record& peer) const;
  size_t places_of(uint64_t id) const;
  void report(uint64_t id, effects& out);
  void miss(int64_t now_ms, place& at, error why, effects& out);
  void refuse(int64_t now_ms, place& at, error why, effects& out);
  void settle(place& at, uint64_t id, effects& out);
  void send_if_due(int64_t now_ms, const std::string& address, place& at, effects& out);
  /// Ends the probes of places that a peer had introduced, `but` for one.
  void retire(uint64_t id, const std::string& but);
  void hurry(int64_t now_ms, uint64_t id, effects& out);
  int64_t gap_ms(int misses) const;

  member_info self_;
  static_membership_options options_;
  bool self_leaving_ = false;
  std::map<std::string, place> places_;
  std::map<uint64_t, peer_record> peers_;
};

}  // namespace stip

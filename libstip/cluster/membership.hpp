#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "libstip/cluster/member.hpp"
#include "libstip/core/clock.hpp"

namespace stip {

/// Who is in the cluster, as a plain state machine: it is told what happened and says what to do;
/// it never waits, sends or reads a clock by itself.
///
/// Addresses are "host:port". Every effect is either a probe (dial that address if needed, say
/// hello with `self()`, and report hello_answered or hello_failed), or a change of the view.
class membership {
 public:
  virtual ~membership() = default;

  struct probe {
    std::string address;
    /// The answer counts only until then.
    int64_t deadline_ms = 0;
  };
  struct changed {
    member now;
  };
  using effect = std::variant<probe, changed>;

  virtual const member_info& self() const = 0;
  virtual std::vector<effect> tick(int64_t now_ms) = 0;
  /// The peer that was probed at `address` answered with what it says of itself.
  virtual std::vector<effect> hello_answered(int64_t now_ms, const std::string& address,
                                             const member_info& peer) = 0;
  virtual std::vector<effect> hello_failed(int64_t now_ms, const std::string& address,
                                           const error& why) = 0;
  /// A peer said hello to us. Error: incompatible, with a message that says why; the peer is
  /// refused with it.
  virtual result<std::vector<effect>> hello_received(int64_t now_ms, const member_info& peer) = 0;
  /// A node announced that it stops.
  virtual std::vector<effect> left(int64_t now_ms, uint64_t id) = 0;

  /// Every known member, this node included, sorted by id.
  virtual std::vector<member> members() const = 0;
  /// Addresses from the configuration that no node has answered from yet: the ring is not known
  /// until this is empty, and placement is refused.
  virtual std::vector<std::string> missing() const = 0;
  /// What the next run of this node should be given, in a form of the protocol's own.
  virtual std::string remembered() const = 0;
};

}  // namespace stip

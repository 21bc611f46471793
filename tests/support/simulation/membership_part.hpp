#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libstip/cluster/gossip_membership.hpp"
#include "tests/support/simulation/part.hpp"

namespace stip::sim {

/// The node's membership: adapts gossip_membership to the simulator as actors/membership.cpp
/// adapts it to CAF.
class membership_part final : public part {
 public:
  membership_part(host& on, member_info self, const std::vector<std::string>& seeds,
                  const gossip_options& options, uint64_t random_seed);

  const gossip_membership& machine() const { return *machine_; }

  int64_t due_ms() const override { return machine_->due_ms(); }
  void tick() override;
  void received(std::string_view bytes) override {
    carry_out(machine_->received(host_->now_ms(), bytes));
  }
  void send_failed(const std::string& address, const std::string& why) override;
  void link_lost(uint64_t id) override { carry_out(machine_->link_lost(host_->now_ms(), id)); }

  /// Whether the caller may come in.
  bool hello_received(const member_info& peer);
  bool hello_answered(const std::string& address, const member_info& peer);
  void leave() { carry_out(machine_->leave(host_->now_ms())); }
  /// Gives up its places on the ring, or takes them back; removes itself.
  void give_tokens(const std::vector<uint64_t>& tokens);
  void depart() { carry_out(machine_->depart(host_->now_ms())); }

  /// When this node came to see that one in a state last; -1: never.
  int64_t seen_ms(uint64_t id, member_state state) const;
  /// Goes up when the view has changed.
  uint64_t changes() const { return changes_; }
  /// Changes to suspect or down that it has seen.
  size_t suspicions() const { return suspicions_; }

 private:
  void carry_out(const gossip_membership::effects& effects);

  /// A number for another description of this node, kept over its death.
  uint64_t next_incarnation(uint64_t least);
  void redescribe(member_info next);

  host* host_;
  std::unique_ptr<gossip_membership> machine_;
  std::map<std::pair<uint64_t, member_state>, int64_t> seen_;
  size_t suspicions_ = 0;
  uint64_t changes_ = 0;
  bool dirty_ = true;
  int64_t saved_ms_ = 0;
};

}  // namespace stip::sim

#include "tests/support/simulation/membership_part.hpp"

#include <algorithm>

namespace stip::sim {

namespace {
const std::string memory_name = "membership";
const std::string incarnation_name = "incarnation";
constexpr int64_t save_interval_ms = 1'000;
}  // namespace

membership_part::membership_part(host& on, member_info self, const std::vector<std::string>& seeds,
                                 const gossip_options& options, uint64_t random_seed)
    : host_(&on) {
  self.incarnation = next_incarnation(self.incarnation);
  gossip_memory memory;
  if (const auto* kept = on.files().read(memory_name))
    if (auto read = decode_gossip_memory(*kept)) memory = std::move(*read);
  machine_ =
      std::make_unique<gossip_membership>(std::move(self), seeds, options, random_seed, memory);
}

void membership_part::tick() {
  carry_out(machine_->tick(host_->now_ms()));
  if (!dirty_ || host_->now_ms() - saved_ms_ < save_interval_ms) return;
  dirty_ = false;
  saved_ms_ = host_->now_ms();
  host_->files().write(memory_name, encode(machine_->remembered()));
  host_->files().sync();
}

void membership_part::send_failed(const std::string& address, const std::string& why) {
  carry_out(machine_->send_failed(host_->now_ms(), address, {ec::unavailable, "dial", why, ""}));
}

bool membership_part::hello_received(const member_info& peer) {
  auto effects = machine_->hello_received(host_->now_ms(), peer);
  if (effects) carry_out(*effects);
  return effects.has_value();
}

bool membership_part::hello_answered(const std::string& address, const member_info& peer) {
  auto effects = machine_->hello_answered(host_->now_ms(), address, peer);
  if (effects) carry_out(*effects);
  return effects.has_value();
}

uint64_t membership_part::next_incarnation(uint64_t least) {
  const auto* kept = host_->files().read(incarnation_name);
  const auto next = std::max<uint64_t>(least, kept == nullptr ? 1 : std::stoull(*kept) + 1);
  host_->files().write(incarnation_name, std::to_string(next));
  host_->files().sync();
  return next;
}

void membership_part::redescribe(member_info next) {
  next.incarnation = next_incarnation(next.incarnation + 1);
  carry_out(machine_->redescribe(host_->now_ms(), next));
}

void membership_part::give_tokens(const std::vector<uint64_t>& tokens) {
  auto next = machine_->self();
  next.tokens = tokens;
  redescribe(std::move(next));
}

int64_t membership_part::seen_ms(uint64_t id, member_state state) const {
  const auto found = seen_.find({id, state});
  return found == seen_.end() ? -1 : found->second;
}

void membership_part::carry_out(const gossip_membership::effects& effects) {
  for (const auto& effect : effects) {
    if (const auto* s = std::get_if<gossip_membership::send>(&effect)) {
      host_->send(s->address, s->packet);
      continue;
    }
    if (std::holds_alternative<gossip_membership::come_back>(effect)) {
      redescribe(machine_->self());
      continue;
    }
    const auto& now = std::get<gossip_membership::changed>(effect).now;
    seen_[{now.info.id, now.state}] = host_->now_ms();
    suspicions_ += now.state == member_state::suspect || now.state == member_state::down;
    dirty_ = true;
    ++changes_;
  }
}

}  // namespace stip::sim

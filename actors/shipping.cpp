#include "actors/shipping.hpp"

#include <caf/all.hpp>

namespace stip {

shipping::shipping(context_ptr context, transfer_actor transfer, album target, size_t spare_nodes,
                   std::function<bool()> stopped, std::function<bool(uint64_t)> is_member)
    : context_(std::move(context)),
      transfer_(std::move(transfer)),
      target_(std::move(target)),
      is_member_(std::move(is_member)),
      state_(new state{std::move(stopped), {}, {}, write_answers{spare_nodes}}) {}

bool shipping::is_over(state& s) {
  if (s.stopped()) return true;
  const std::lock_guard guard{s.mutex};
  return s.answers.too_few();
}

bool shipping::takes(state& s, uint64_t node) {
  const std::lock_guard guard{s.mutex};
  return s.answers.takes(node);
}

bool shipping::failed() const {
  const std::lock_guard guard{state_->mutex};
  return state_->answers.too_few();
}

result<void> shipping::settle() {
  std::unique_lock lock{state_->mutex};
  // Every shipment is answered: the outbox gives up in bounded time.
  state_->changed.wait(lock, [this] { return state_->answers.is_settled(); });
  state_->answers.drop_gone(is_member_);
  return state_->answers.outcome();
}

result<void> shipping::ship(uint64_t node, chip_parts parts, uint64_t bytes) {
  // It has failed already, and the others do without it.
  if (!takes(*state_, node)) return {};
  const auto budget = context_->transfer_memory;
  STIP_ASSIGN(const auto taken, budget->acquire(bytes, [s = state_] { return is_over(*s); }));
  auto out = std::make_shared<shipment>();
  out->node = node;
  out->bytes = bytes;
  out->content.target = target_;
  out->content.content = std::move(parts);
  out->answered = [s = state_, budget, taken, node](const result<parcel_answer>& answer) {
    budget->release(taken);
    const std::lock_guard guard{s->mutex};
    s->answers.answered(node, answer ? result<void>{} : fail(answer.error()));
    s->changed.notify_all();
  };
  out->abandoned = [s = state_, node] { return is_over(*s) || !takes(*s, node); };
  {
    const std::lock_guard guard{state_->mutex};
    state_->answers.sent();
  }
  caf::anon_send(transfer_, atom::push_v, std::move(out));
  return {};
}

}  // namespace stip

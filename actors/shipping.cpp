#include "actors/shipping.hpp"

#include <caf/all.hpp>

namespace stip {

shipping::shipping(context_ptr context, transfer_actor transfer, album target, size_t spare_nodes,
                   std::function<bool()> stopped)
    : context_(std::move(context)),
      transfer_(std::move(transfer)),
      target_(std::move(target)),
      state_(new state{spare_nodes, std::move(stopped), {}, {}, 0, {}, {}}) {}

bool shipping::is_over(state& s) {
  if (s.stopped()) return true;
  const std::lock_guard guard{s.mutex};
  return s.too_few();
}

bool shipping::has_failed(state& s, uint64_t node) {
  const std::lock_guard guard{s.mutex};
  return s.failed_nodes.contains(node);
}

bool shipping::failed() const {
  const std::lock_guard guard{state_->mutex};
  return state_->too_few();
}

result<void> shipping::settle() {
  std::unique_lock lock{state_->mutex};
  // Every shipment is answered: the outbox gives up in bounded time.
  state_->changed.wait(lock, [this] { return state_->under_way == 0; });
  return state_->too_few() ? state_->first_failure : result<void>{};
}

result<void> shipping::ship(uint64_t node, chip_parts parts, uint64_t bytes) {
  // It has failed already, and the others do without it.
  if (has_failed(*state_, node)) return {};
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
    if (!answer) {
      s->failed_nodes.insert(node);
      if (s->first_failure) s->first_failure = fail(answer.error());
    }
    --s->under_way;
    s->changed.notify_all();
  };
  out->abandoned = [s = state_, node] { return is_over(*s) || has_failed(*s, node); };
  {
    const std::lock_guard guard{state_->mutex};
    ++state_->under_way;
  }
  caf::anon_send(transfer_, atom::push_v, std::move(out));
  return {};
}

}  // namespace stip

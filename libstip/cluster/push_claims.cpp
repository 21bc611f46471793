#include "libstip/cluster/push_claims.hpp"

namespace stip {

bool push_claims::claim(uint64_t node, uint64_t digest, int64_t now_ms) {
  const std::lock_guard guard{mutex_};
  if (holders_.size() >= options_.most)
    std::erase_if(holders_, [&](const auto& entry) { return entry.second.until_ms <= now_ms; });
  const auto found = holders_.find(digest);
  if (found == holders_.end()) {
    if (holders_.size() < options_.most)
      holders_.emplace(digest, holder{node, now_ms + options_.lasting_ms});
    return true;
  }
  auto& held = found->second;
  if (held.node != node && held.until_ms > now_ms) return false;
  held = {node, now_ms + options_.lasting_ms};
  return true;
}

}  // namespace stip

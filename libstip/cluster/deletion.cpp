#include "libstip/cluster/deletion.hpp"

#include <algorithm>

namespace stip {

result<deletion_plan> plan_deletion(const ring& ring, const album& a,
                                    const std::vector<shown_image>& images, const version& when,
                                    const is_reachable& reachable) {
  deletion_plan out;
  for (const auto& image : images) {
    STIP_ASSIGN(const auto targets, write_targets(ring, a, image.key.geocode, reachable));
    for (const auto node : targets) out.to_holders[node].push_back({image.key, when});
    for (const auto node : image.nodes)
      if (reachable(node) && std::find(targets.begin(), targets.end(), node) == targets.end())
        out.to_others[node].push_back({image.key, when});
  }
  return out;
}

result<deletion_plan> plan_completion(const ring& ring, const album& a, uint64_t node,
                                      const std::vector<put_tombstone>& tombstones,
                                      const is_reachable& reachable) {
  deletion_plan out;
  for (const auto& t : tombstones) {
    STIP_ASSIGN(const auto targets, write_targets(ring, a, t.key.geocode, reachable));
    for (const auto target : targets)
      if (target != node) out.to_holders[target].push_back(t);
  }
  return out;
}

}  // namespace stip

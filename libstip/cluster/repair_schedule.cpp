#include "libstip/cluster/repair_schedule.hpp"

#include <algorithm>

namespace stip {

void repair_schedule::cluster_changed(int64_t now_ms) {
  due_ms_ = std::min(due_ms_, now_ms + intervals_.delay_ms);
}

void repair_schedule::strays_came(int64_t now_ms) {
  due_ms_ = std::min(due_ms_, now_ms + intervals_.stray_ms);
}

void repair_schedule::round_ended(int64_t now_ms, bool had_problems) {
  // What waits for a node that is away is looked at again when that node comes.
  rest_ms_ =
      had_problems ? std::clamp(2 * rest_ms_, intervals_.retry_ms, intervals_.interval_ms) : 0;
  const auto rest = had_problems ? rest_ms_ : intervals_.interval_ms;
  // The cluster may have changed meanwhile, and then it is due sooner.
  due_ms_ = std::min(due_ms_, now_ms + rest);
}

}  // namespace stip

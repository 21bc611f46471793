#include "libstip/cluster/write_answers.hpp"

#include "libstip/cluster/member.hpp"

namespace stip {

void write_answers::answered(uint64_t node, const result<void>& outcome) {
  --under_way_;
  if (outcome) {
    took_.insert(node);
    return;
  }
  failed_.insert(node);
  if (first_failure_) first_failure_ = outcome;
}

void write_answers::drop_gone(const std::function<bool(uint64_t)>& is_member) {
  for (const auto node : took_) {
    if (is_member(node) || !failed_.insert(node).second || !first_failure_) continue;
    first_failure_ = fail(ec::unavailable, "write to node " + node_name(node),
                          "it left the cluster before all copies were written", "try again");
  }
}

}  // namespace stip

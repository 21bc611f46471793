#include "libstip/cluster/write_answers.hpp"

namespace stip {

void write_answers::answered(uint64_t node, const result<void>& outcome) {
  --under_way_;
  if (outcome) return;
  failed_.insert(node);
  if (first_failure_) first_failure_ = outcome;
}

}  // namespace stip

#include "libstip/cluster/gossip_news.hpp"

namespace stip {

void gossip_news::add(uint64_t id) {
  drop(id);
  const auto age = --next_age_;
  keys_[id] = {0, age};
  order_.emplace(0, age, id);
}

void gossip_news::drop(uint64_t id) {
  const auto found = keys_.find(id);
  if (found == keys_.end()) return;
  order_.erase({found->second.first, found->second.second, id});
  keys_.erase(found);
}

}  // namespace stip

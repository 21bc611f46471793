#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>

namespace stip {

/// Which nodes have news that are still to be passed on, and how often each was. At most one entry
/// a node, so the number of members bounds it.
class gossip_news {
 public:
  /// There is something new about this node: its count begins again.
  void add(uint64_t id);
  void drop(uint64_t id);
  bool empty() const { return order_.empty(); }
  size_t size() const { return order_.size(); }

  /// Offers the nodes in turn, those that were passed on least first, the newest first among
  /// these. `fits(id)` says whether it went along; then it counts, and is forgotten after
  /// `repeats` times. Ends when `full()`.
  template <class Fits, class Full>
  void pass_on(uint32_t repeats, Fits fits, Full full) {
    // Those that went along are put back behind the end of this turn.
    for (auto at = order_.begin(); at != order_.end() && !full();) {
      const auto [times, age, id] = *at;
      if (times > 0 && taken_.contains(id)) {
        ++at;
        continue;
      }
      if (!fits(id)) {
        ++at;
        continue;
      }
      at = order_.erase(at);
      if (times + 1 >= repeats) {
        keys_.erase(id);
        continue;
      }
      taken_.insert(id);
      keys_[id] = {times + 1, age};
      order_.emplace(times + 1, age, id);
    }
    taken_.clear();
  }

 private:
  /// Times passed on, age (smaller is newer), node.
  std::set<std::tuple<uint32_t, int64_t, uint64_t>> order_;
  std::map<uint64_t, std::pair<uint32_t, int64_t>> keys_;
  std::set<uint64_t> taken_;
  int64_t next_age_ = 0;
};

}  // namespace stip

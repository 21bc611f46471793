#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libstip/cluster/replication.hpp"
#include "tests/support/simulation/copies_setup.hpp"
#include "tests/support/simulation/membership_part.hpp"

namespace stip::sim {

/// The cluster as a node sees it at one moment: what cluster_view is to the actors.
struct node_view {
  struct peer {
    uint64_t id = 0;
    uint64_t incarnation = 0;
    std::string address;
    bool is_self = false;
    bool is_down = false;
    bool is_reachable = false;
  };

  /// Sorted by id.
  std::vector<peer> peers;
  /// Nothing may be placed yet.
  bool is_forming = true;
  std::shared_ptr<const stip::ring> ring = std::make_shared<stip::ring>();

  const peer* find(uint64_t id) const;
  bool is_reachable(uint64_t id) const;
};

using node_view_ptr = std::shared_ptr<const node_view>;

node_view_ptr look_at(const host& on, const membership_part& membership, copies_setup& setup);

}  // namespace stip::sim

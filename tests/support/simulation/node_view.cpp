#include "tests/support/simulation/node_view.hpp"

#include <span>

#include "libstip/core/hash.hpp"

namespace stip::sim {

const node_view::peer* node_view::find(uint64_t id) const {
  for (const auto& p : peers)
    if (p.id == id) return &p;
  return nullptr;
}

bool node_view::is_reachable(uint64_t id) const {
  const auto* p = find(id);
  return p != nullptr && p->is_reachable;
}

node_view_ptr look_at(const host& on, const membership_part& membership, copies_setup& setup) {
  const auto& machine = membership.machine();
  auto out = std::make_shared<node_view>();
  out->is_forming = !machine.missing().empty();
  uint64_t ring_version = 0;
  for (const auto& [id, r] : machine.view().records()) {
    if (r.key.state == fact_state::removed) continue;
    const auto state = shown(r.key.state);
    node_view::peer p;
    p.id = id;
    p.incarnation = r.key.incarnation;
    p.address = r.description->address;
    p.is_self = id == machine.view().self_id();
    p.is_down = state == member_state::down;
    p.is_reachable = p.is_self || ((state == member_state::up || state == member_state::suspect) &&
                                   on.has_link(p.address));
    // As actors/membership.cpp has it.
    const auto tokens = std::as_bytes(std::span{r.description->info.tokens});
    ring_version = ring_version * 31 + (hash64(tokens) ^ id);
    out->peers.push_back(std::move(p));
  }
  auto& known = setup.rings[ring_version];
  if (!known) {
    std::vector<ring_node> nodes;
    for (const auto& p : out->peers) {
      const auto& info = machine.view().find(p.id)->description->info;
      nodes.push_back({p.id, info.rack, info.tokens});
    }
    auto made = ring::make(std::move(nodes), ring_version);
    known = std::make_shared<stip::ring>(made ? std::move(*made) : stip::ring{});
  }
  out->ring = known;
  return out;
}

}  // namespace stip::sim

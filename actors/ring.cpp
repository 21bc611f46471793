#include "actors/ring.hpp"

#include <caf/all.hpp>

#include "actors/errors.hpp"
#include "libstip/cluster/replication.hpp"

namespace stip {

namespace {

result<placement> locate(const cluster_view& view, const std::string& geocode, const album& of) {
  if (geocode.empty())
    return fail(ec::invalid_argument, "locate a geocode", "it is empty", "give one, e.g. 7nkh2");
  STIP_TRY(check_ring(view));
  placement out;
  out.geocode = geocode;
  out.dht_key = dht_key(geocode, of.dht_key_length);
  out.token = ring_token(out.dht_key);
  for (const auto id : replicas(view.ring, of, geocode))
    if (const auto* p = view.find(id)) out.nodes.push_back(p->member);
  return out;
}

}  // namespace

ring_actor::behavior_type ring_behavior(ring_actor::stateful_pointer<ring_state> self) {
  self->state.view = std::make_shared<cluster_view>();
  return {
      [self](atom::locate, const std::string& geocode, const album& of) {
        return to_answer(locate(*self->state.view, geocode, of));
      },
      [self](atom::peers, cluster_view_ptr& view) { self->state.view = std::move(view); },
  };
}

}  // namespace stip

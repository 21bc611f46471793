#include "actors/ring.hpp"

#include <caf/all.hpp>

#include "actors/errors.hpp"

namespace stip {

namespace {

result<placement> locate(const cluster_view& view, const std::string& geocode, int32_t key_length,
                         uint32_t replication) {
  if (geocode.empty())
    return fail(ec::invalid_argument, "locate a geocode", "it is empty", "give one, e.g. 7nkh2");
  STIP_TRY(check_ring(view));
  placement out;
  out.geocode = geocode;
  out.dht_key = dht_key(geocode, key_length);
  out.token = ring_token(out.dht_key);
  for (const auto id : view.ring.replicas(out.token, std::max(1u, replication)))
    if (const auto* p = view.find(id)) out.nodes.push_back(p->member);
  return out;
}

}  // namespace

ring_actor::behavior_type ring_behavior(ring_actor::stateful_pointer<ring_state> self) {
  self->state.view = std::make_shared<cluster_view>();
  return {
      [self](atom::locate, const std::string& geocode, int32_t key_length, uint32_t replication) {
        return to_answer(locate(*self->state.view, geocode, key_length, replication));
      },
      [self](atom::peers, cluster_view_ptr& view) { self->state.view = std::move(view); },
  };
}

}  // namespace stip

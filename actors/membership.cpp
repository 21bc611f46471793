#include "actors/membership.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/network.hpp"

namespace stip {

namespace {

using self_pointer = membership_actor::stateful_pointer<membership_state>;

/// Asks CAF for a connection, then the node behind it for its actors.
void dial_async(self_pointer self, const std::string& address, std::chrono::milliseconds deadline,
                std::function<void(result<node_handles>)> done) {
  auto parts = split_address(address);
  if (!parts) return done(fail(parts.error()));
  const auto what = "connect to node " + address;
  auto connect = [self, what, deadline, done, host = parts->first, port = parts->second] {
    ask(self, self->system().middleman().actor_handle(), deadline, caf::connect_atom::value, host,
        port)
        .then(
            [=](const caf::node_id&, const caf::strong_actor_ptr& node,
                const std::set<std::string>&) {
              if (!node)
                return done(fail(ec::incompatible, what, "what listens there is no stip node",
                                 "check `peers` in the configuration"));
              ask(self, caf::actor_cast<node_actor>(node), deadline, atom::get_v)
                  .then([=](node_handles& handles) { done(std::move(handles)); },
                        [=](caf::error& err) { done(fail(from_caf(err, what))); });
            },
            [=](caf::error& err) { done(fail(from_caf(err, what))); });
  };
  // A host that drops packets would hold up every other dial of the middleman: ask it first.
  run_blocking(
      self, self->state.context->readers, deadline,
      [host = parts->first, port = parts->second, deadline] {
        return probe_address(host, port, int(deadline.count()));
      },
      [connect, done](result<void> listens) {
        if (!listens) return done(fail(listens.error()));
        connect();
      });
}

void carry_out(self_pointer self, const std::vector<membership::effect>& effects);

void spread_view(self_pointer self) {
  auto& state = self->state;
  if (!state.publish_view) return;
  auto view = std::make_shared<cluster_view>();
  std::vector<ring_node> nodes;
  uint64_t version = 0;
  for (auto& m : state.protocol->members()) {
    peer p;
    p.self = m.info.id == state.protocol->self().id;
    nodes.push_back({m.info.id, m.info.rack, m.info.tokens});
    // Any two nodes that know the same owners have the same version.
    auto tokens = std::as_bytes(std::span{m.info.tokens});
    version = version * 31 + (hash64(tokens) ^ m.info.id);
    if (p.self) {
      p.handles = state.self;
      p.reachable = true;
    } else {
      for (auto& [address, link] : state.links)
        if (link.connected && link.id == m.info.id) {
          p.handles = link.handles;
          p.reachable = m.state == member_state::up || m.state == member_state::suspect;
        }
    }
    p.member = std::move(m);
    view->peers.push_back(std::move(p));
  }
  view->missing = state.protocol->missing();
  auto made = ring::make(std::move(nodes), version);
  if (made)
    view->ring = std::move(*made);
  else
    state.context->log->error("{}", to_string(made.error()));
  state.publish_view(std::move(view));
}

bool is_up(const membership_state& state, uint64_t id) {
  for (const auto& m : state.protocol->members())
    if (m.info.id == id) return m.state == member_state::up;
  return false;
}

void hello_failed(self_pointer self, const std::string& address, const error& why) {
  auto& state = self->state;
  if (auto& last = state.last_failure[address]; last != why.why) {
    last = why.why;
    state.context->log->warn("peer {}: {}", address, to_string(why));
  }
  auto effects = state.protocol->hello_failed(state.context->time->steady_ms(), address, why);
  auto& link = state.links[address];
  // A busy peer may answer late once; who would leave it out of changes and answers for that? A
  // link that has ended is told by CAF (link_ended), one that is silent makes the peer suspect.
  const bool late = why.code == ec::timeout && is_up(state, link.id);
  const bool was_connected = link.connected && !late;
  if (!late) link.connected = false;
  carry_out(self, effects);
  if (was_connected) spread_view(self);
}

/// CAF has lost the connection on which that actor was reached.
void link_ended(self_pointer self, const caf::actor_addr& whom) {
  bool lost = false;
  for (auto& [address, link] : self->state.links)
    if (link.connected && link.handles.membership == whom) {
      link.connected = false;
      lost = true;
    }
  if (lost) spread_view(self);
}

void say_hello(self_pointer self, const std::string& address, std::chrono::milliseconds deadline) {
  auto& link = self->state.links[address];
  ask(self, link.handles.membership, deadline, atom::hello_v, self->state.protocol->self())
      .then(
          [self, address](const member_info& info) {
            auto& state = self->state;
            auto& link = state.links[address];
            const bool fresh = !link.connected || link.id != info.id;
            link.connected = true;
            link.id = info.id;
            if (fresh) {
              state.last_failure.erase(address);
              state.context->log->info("peer {}: node {} of release {} answers", address,
                                       node_name(info.id), info.software);
            }
            auto effects =
                state.protocol->hello_answered(state.context->time->steady_ms(), address, info);
            carry_out(self, effects);
            if (fresh && effects.empty()) spread_view(self);
          },
          [self, address](caf::error& err) {
            hello_failed(self, address, from_caf(err, "say hello to node " + address));
          });
}

void probe(self_pointer self, const membership::probe& what) {
  const auto now = self->state.context->time->steady_ms();
  const std::chrono::milliseconds left{std::max<int64_t>(1, what.deadline_ms - now)};
  const auto address = what.address;
  if (self->state.links[address].connected) return say_hello(self, address, left);
  dial_async(self, address, left, [self, address, left](result<node_handles> handles) {
    if (!handles) return hello_failed(self, address, handles.error());
    auto& link = self->state.links[address];
    link.handles = std::move(*handles);
    link.id = link.handles.info.id;
    self->monitor(link.handles.membership);
    say_hello(self, address, left);
  });
}

void carry_out(self_pointer self, const std::vector<membership::effect>& effects) {
  bool changed = false;
  for (const auto& effect : effects) {
    if (const auto* p = std::get_if<membership::probe>(&effect)) {
      probe(self, *p);
    } else if (const auto* c = std::get_if<membership::changed>(&effect)) {
      changed = true;
      const auto& m = c->now;
      self->state.context->log->info("node {} at {} is {}", node_name(m.info.id), m.info.address(),
                                     to_string(m.state));
    }
  }
  if (!changed) return;
  spread_view(self);
  // Kept so that this node knows the ring after a restart, though a peer be down then.
  if (self->state.context->settings.mode == open_mode::read_only) return;
  run_blocking(
      self, self->state.context->writers, defaults::commit_deadline,
      [context = self->state.context, bytes = self->state.protocol->remembered()] {
        return context->directory->save_value("membership", "peers", bytes);
      },
      [self](result<void> saved) {
        if (!saved) self->state.context->log->error("{}", to_string(saved.error()));
      });
}

}  // namespace

membership_actor::behavior_type membership_behavior(self_pointer self, context_ptr context,
                                                    std::unique_ptr<stip::membership> protocol,
                                                    node_handles handles,
                                                    std::function<void(cluster_view_ptr)> spread) {
  auto& state = self->state;
  state.context = std::move(context);
  state.protocol = std::move(protocol);
  state.self = std::move(handles);
  state.self.membership = self;
  state.publish_view = std::move(spread);
  self->set_down_handler([self](caf::down_msg& down) { link_ended(self, down.source); });
  spread_view(self);
  self->delayed_send(self, defaults::tick_interval, atom::tick_v);
  return {
      [self](atom::hello, const member_info& peer) -> caf::result<member_info> {
        auto& state = self->state;
        auto effects = state.protocol->hello_received(state.context->time->steady_ms(), peer);
        if (!effects) {
          state.context->log->error("{}", to_string(effects.error()));
          return to_caf(effects.error());
        }
        // A peer that was started again is another actor behind the same address.
        for (auto& [address, link] : state.links)
          if (link.connected && link.id == peer.id &&
              link.handles.info.incarnation < peer.incarnation)
            link.connected = false;
        carry_out(self, *effects);
        return state.protocol->self();
      },
      [self](atom::list) { return self->state.protocol->members(); },
      [self](atom::leave, uint64_t id) {
        auto& state = self->state;
        for (auto& [address, link] : state.links)
          if (link.id == id) link.connected = false;
        carry_out(self, state.protocol->left(state.context->time->steady_ms(), id));
      },
      [self](atom::stop) {
        auto& state = self->state;
        for (auto& [address, link] : state.links)
          if (link.connected)
            self->send(link.handles.membership, atom::leave_v, state.protocol->self().id);
        return true;
      },
      [self](atom::tick) {
        auto& state = self->state;
        carry_out(self, state.protocol->tick(state.context->time->steady_ms()));
        self->delayed_send(self, defaults::tick_interval, atom::tick_v);
      },
  };
}

}  // namespace stip

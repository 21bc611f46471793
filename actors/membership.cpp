#include "actors/membership.hpp"

#include <algorithm>
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
  const auto& route = self->state.context->settings.route;
  auto parts = split_address(route ? route(address) : address);
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

using link = membership_state::link;
using phase = link::phase;

void carry_out(self_pointer self, const gossip_membership::effects& effects);
void bring(self_pointer self, const std::string& address, std::string packet);

int64_t now_ms(self_pointer self) {
  return self->state.context->time->steady_ms();
}

bool may_answer(member_state state) {
  return state == member_state::up || state == member_state::suspect ||
         state == member_state::draining;
}

bool speaks_gossip(const link& l) {
  return l.handles.info.protocol >= min_gossip_protocol;
}

/// The connection to a member, wherever it was dialled; null: there is none.
const link* link_to(const membership_state& state, uint64_t id) {
  for (const auto& [address, l] : state.links)
    if (l.now == phase::open && l.id == id) return &l;
  return nullptr;
}

/// Closes links that `wrong` holds for, so that the next packet dials anew.
template <class Predicate>
bool close_links(membership_state& state, Predicate wrong) {
  bool closed = false;
  for (auto& [address, l] : state.links)
    if (l.now == phase::open && wrong(l)) {
      l.now = phase::none;
      closed = true;
    }
  return closed;
}

ring ring_of(self_pointer self, const std::vector<member>& members) {
  auto& state = self->state;
  std::vector<ring_node> nodes;
  uint64_t version = 0;
  for (const auto& m : members) {
    nodes.push_back({m.info.id, m.info.rack, m.info.tokens});
    // Any two nodes that know the same owners have the same version.
    const auto tokens = std::as_bytes(std::span{m.info.tokens});
    version = version * 31 + (hash64(tokens) ^ m.info.id);
  }
  if (state.view && state.view->ring.version() == version && state.view->ring.nodes() == nodes)
    return state.view->ring;
  auto made = ring::make(std::move(nodes), version);
  if (made) return std::move(*made);
  state.context->log->error("{}", to_string(made.error()));
  return {};
}

void spread_view(self_pointer self) {
  auto& state = self->state;
  if (!state.publish_view) return;
  auto view = std::make_shared<cluster_view>();
  auto members = state.protocol->members();
  view->ring = ring_of(self, members);
  view->missing = state.protocol->missing();
  for (auto& m : members) {
    peer p;
    p.self = m.info.id == state.protocol->self().id;
    if (p.self) {
      state.self.info = m.info;
      p.handles = state.self;
      p.reachable = true;
    } else if (const auto* l = link_to(state, m.info.id)) {
      p.handles = l->handles;
      p.reachable = may_answer(m.state);
    }
    p.down_since_ms = state.protocol->down_since_ms(m.info.id).value_or(0);
    p.member = std::move(m);
    view->peers.push_back(std::move(p));
  }
  state.view = view;
  state.publish_view(std::move(view));
}

/// Kept so that this node knows the ring after a restart, though others be down then.
void remember(self_pointer self) {
  auto& state = self->state;
  if (state.saving || state.context->settings.mode == open_mode::read_only) return;
  auto bytes = encode(state.protocol->remembered());
  if (bytes == state.saved) return;
  state.saved = bytes;
  state.saving = true;
  run_blocking(
      self, state.context->writers, defaults::commit_deadline,
      [context = state.context, bytes = std::move(bytes)] {
        return context->directory->save_value("membership", "peers", bytes);
      },
      [self](result<void> saved) {
        self->state.saving = false;
        if (!saved) return self->state.context->log->error("{}", to_string(saved.error()));
        remember(self);
      });
}

void log_problems(self_pointer self) {
  auto& state = self->state;
  const auto& problems = state.protocol->problems();
  for (const auto& [where, why] : problems)
    if (auto& last = state.logged_problems[where]; last != why.why) {
      last = why.why;
      state.context->log->warn("peer {}: {}", where, to_string(why));
    }
  std::erase_if(state.logged_problems,
                [&](const auto& entry) { return !problems.contains(entry.first); });
}

void dial_failed(self_pointer self, const std::string& address, const error& why) {
  auto& l = self->state.links[address];
  l.now = phase::none;
  l.waiting.clear();
  l.gap_ms = std::clamp<int64_t>(l.gap_ms * 2, defaults::min_absent_interval.count(),
                                 defaults::max_absent_interval.count());
  l.redial_ms = now_ms(self) + l.gap_ms;
  carry_out(self, self->state.protocol->send_failed(now_ms(self), address, why));
}

void greeted(self_pointer self, const std::string& address, const member_info& info) {
  auto& state = self->state;
  auto& l = state.links[address];
  const bool fresh = l.now != phase::open || l.id != info.id;
  auto effects = state.protocol->hello_answered(now_ms(self), address, info);
  if (!effects) return dial_failed(self, address, effects.error());
  l.now = phase::open;
  l.id = info.id;
  l.gap_ms = 0;
  if (fresh)
    state.context->log->info("peer {}: node {} of release {} answers", address, node_name(info.id),
                             info.software);
  const auto waiting = std::exchange(l.waiting, {});
  carry_out(self, *effects);
  if (fresh) spread_view(self);
  // To a node that does not gossip the hello was all.
  if (info.protocol >= min_gossip_protocol)
    for (const auto& packet : waiting) bring(self, address, packet);
}

void say_hello(self_pointer self, const std::string& address) {
  ask(self, self->state.links[address].handles.membership, defaults::gossip_dial_timeout,
      atom::hello_v, self->state.protocol->self())
      .then([self, address](const member_info& info) { greeted(self, address, info); },
            [self, address](caf::error& err) {
              dial_failed(self, address, from_caf(err, "say hello to node " + address));
            });
}

void dial(self_pointer self, const std::string& address) {
  self->state.links[address].now = phase::dialling;
  dial_async(self, address, defaults::gossip_dial_timeout,
             [self, address](result<node_handles> handles) {
               if (!handles) return dial_failed(self, address, handles.error());
               auto& l = self->state.links[address];
               l.handles = std::move(*handles);
               l.id = l.handles.info.id;
               self->monitor(l.handles.membership);
               say_hello(self, address);
             });
}

/// Sends a packet over the link to that address, or dials first.
void bring(self_pointer self, const std::string& address, std::string packet) {
  auto& l = self->state.links[address];
  if (l.now == phase::open && speaks_gossip(l)) {
    self->send(l.handles.membership, atom::gossip_v, std::move(packet));
    return;
  }
  if (l.now == phase::open) return say_hello(self, address);
  if (l.waiting.size() >= defaults::max_waiting_packets) l.waiting.erase(l.waiting.begin());
  l.waiting.push_back(std::move(packet));
  if (l.now == phase::none) dial(self, address);
}

/// Every member is dialled directly, also those that gossip does not come to for a while.
void dial_members(self_pointer self) {
  auto& state = self->state;
  if (!state.view) return;
  int begun = 0;
  for (const auto& p : state.view->peers) {
    if (p.self || !may_answer(p.member.state) || link_to(state, p.member.info.id) != nullptr)
      continue;
    const auto address = p.member.info.address();
    auto& l = state.links[address];
    if (l.now != phase::none || l.redial_ms > now_ms(self)) continue;
    dial(self, address);
    if (++begun == defaults::max_dials_per_tick) return;
  }
}

/// CAF has lost the connection on which that actor was reached.
void link_ended(self_pointer self, const caf::actor_addr& whom) {
  auto& state = self->state;
  uint64_t id = 0;
  close_links(state, [&](const link& l) {
    const bool ended = l.handles.membership == whom;
    if (ended) id = l.id;
    return ended;
  });
  if (id == 0) return;
  carry_out(self, state.protocol->link_lost(now_ms(self), id));
  spread_view(self);
}

/// The others have removed this node though it lives (it was cut off, or frozen, for long).
void come_back(self_pointer self) {
  auto& state = self->state;
  if (state.context->settings.mode == open_mode::read_only) return;
  state.context->log->warn("the cluster has removed this node; it joins again");
  run_blocking(
      self, state.context->writers, defaults::commit_deadline,
      [context = state.context] { return context->directory->next_incarnation(); },
      [self](result<uint64_t> next) {
        auto& state = self->state;
        if (!next) return state.context->log->error("{}", to_string(next.error()));
        auto info = state.protocol->self();
        info.incarnation = *next;
        carry_out(self, state.protocol->redescribe(now_ms(self), info));
      });
}

void carry_out(self_pointer self, const gossip_membership::effects& effects) {
  auto& state = self->state;
  bool changed = false;
  for (const auto& effect : effects) {
    if (const auto* s = std::get_if<gossip_membership::send>(&effect)) {
      bring(self, s->address, s->packet);
      continue;
    }
    if (std::holds_alternative<gossip_membership::come_back>(effect)) {
      come_back(self);
      continue;
    }
    changed = true;
    const auto& m = std::get<gossip_membership::changed>(effect).now;
    const auto* before = state.view ? state.view->find(m.info.id) : nullptr;
    const bool told = m.info.id == state.protocol->self().id && m.state == member_state::down;
    if (!told && (before == nullptr || before->member != m))
      state.context->log->info("node {} at {} is {}", node_name(m.info.id), m.info.address(),
                               to_string(m.state));
    // What it left behind may look open though its other end is gone.
    if (m.state == member_state::down)
      close_links(state, [&](const link& l) { return l.id == m.info.id; });
  }
  if (!changed) return;
  spread_view(self);
  remember(self);
}

}  // namespace

membership_actor::behavior_type membership_behavior(self_pointer self, context_ptr context,
                                                    std::unique_ptr<gossip_membership> protocol,
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
        auto effects = state.protocol->hello_received(now_ms(self), peer);
        if (!effects) {
          state.context->log->error("{}", to_string(effects.error()));
          return to_caf(effects.error());
        }
        // A peer that was started again is another actor, be it behind the same address.
        const bool closed = close_links(state, [&](const link& l) {
          return l.id == peer.id && l.handles.info.incarnation < peer.incarnation;
        });
        carry_out(self, *effects);
        if (closed) spread_view(self);
        return state.protocol->self();
      },
      [self](atom::gossip, const std::string& packet) {
        carry_out(self, self->state.protocol->received(now_ms(self), packet));
      },
      [self](atom::list) { return self->state.protocol->members(); },
      [self](atom::leave, uint64_t id) {
        close_links(self->state, [id](const link& l) { return l.id == id; });
        carry_out(self, self->state.protocol->left(now_ms(self), id));
      },
      [self](atom::stop) {
        auto& state = self->state;
        carry_out(self, state.protocol->leave(now_ms(self)));
        for (auto& [address, l] : state.links)
          if (l.now == phase::open && !speaks_gossip(l))
            self->send(l.handles.membership, atom::leave_v, state.protocol->self().id);
        return true;
      },
      [self](atom::update, const member_info& own) {
        carry_out(self, self->state.protocol->redescribe(now_ms(self), own));
        return true;
      },
      [self](atom::remove) {
        carry_out(self, self->state.protocol->depart(now_ms(self)));
        return true;
      },
      [self](atom::tick) {
        carry_out(self, self->state.protocol->tick(now_ms(self)));
        dial_members(self);
        log_problems(self);
        self->delayed_send(self, defaults::tick_interval, atom::tick_v);
      },
  };
}

}  // namespace stip

#define CAF_SUITE actors.membership
#include "actors/membership.hpp"

#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// Another node's membership, as a test actor that speaks the protocol.
struct other_membership {
  explicit other_membership(const member_info& info, uint64_t seed = 7)
      : machine(info, {}, gossip_options{}, seed) {}

  gossip_membership machine;
  bool answers = true;
  size_t packets = 0;
  size_t hellos = 0;
  std::vector<uint64_t> left;
  caf::actor actor;
};

struct fixture : actor_fixture {
  using state_holder = std::remove_pointer_t<membership_actor::stateful_pointer<membership_state>>;
  using phase = membership_state::link::phase;

  fixture() {
    // Dials never come back.
    context->readers = held_executor(dials);
  }

  void start(const std::vector<std::string>& peers, const gossip_memory& memory = {}) {
    auto protocol =
        std::make_unique<gossip_membership>(context->self, peers, gossip_options{}, 1, memory);
    aut = keep(sys.spawn(membership_behavior, context_ptr{context}, std::move(protocol),
                         node_handles{},
                         std::function<void(cluster_view_ptr)>{
                             [this](cluster_view_ptr view) { views.push_back(std::move(view)); }}));
    settle();
  }

  membership_state& state() { return deref<state_holder>(aut).state; }

  /// A node that answers at its address as if it had been dialled.
  std::shared_ptr<other_membership> connect(const member_info& info) {
    auto other = std::make_shared<other_membership>(info);
    others.push_back(other);
    auto handle = fake<membership_actor>([this,
                                          other](caf::event_based_actor* me) -> caf::behavior {
      auto carry_out = [this, me, other](const gossip_membership::effects& effects) {
        if (!other->answers) return;
        for (const auto& e : effects)
          if (const auto* s = std::get_if<gossip_membership::send>(&e))
            if (s->address == context->self.address())
              me->send(caf::actor_cast<caf::actor>(aut), atom::gossip_v, s->packet);
      };
      return {[this, other, carry_out](atom::gossip, const std::string& packet) {
                ++other->packets;
                carry_out(other->machine.received(time.now_ms, packet));
              },
              [this, other, carry_out](atom::tick) { carry_out(other->machine.tick(time.now_ms)); },
              [other](atom::hello, const member_info&) -> caf::result<member_info> {
                ++other->hellos;
                return other->machine.self();
              },
              [other](atom::leave, uint64_t id) { other->left.push_back(id); }};
    });
    other->actor = caf::actor_cast<caf::actor>(handle);
    auto& link = state().links[info.address()];
    link.now = phase::open;
    link.id = info.id;
    link.handles.info = info;
    link.handles.membership = handle;
    return other;
  }
  std::shared_ptr<other_membership> connect(uint64_t id) {
    return connect(other_node(id).member.info);
  }

  /// Time for all nodes.
  void live(int64_t ms) {
    for (int64_t passed = 0; passed < ms; passed += 100) {
      for (const auto& other : others) tell(other->actor, atom::tick_v);
      pass(100);
    }
  }

  const cluster_view& view() {
    CAF_REQUIRE(!views.empty());
    return *views.back();
  }
  const peer& seen(uint64_t id) {
    const auto* p = view().find(id);
    if (p == nullptr) CAF_FAIL("node " << id << " is not known");
    return *p;
  }
  gossip_memory kept() {
    const auto values = context->directory->values("membership");
    CAF_REQUIRE(values);
    CAF_REQUIRE_EQUAL(values->size(), 1u);
    auto memory = decode_gossip_memory(values->front().second);
    CAF_REQUIRE(memory.has_value());
    return std::move(*memory);
  }

  std::shared_ptr<held_jobs> dials = std::make_shared<held_jobs>();
  std::vector<cluster_view_ptr> views;
  std::vector<std::shared_ptr<other_membership>> others;
  membership_actor aut;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(membership_tests, fixture)

CAF_TEST(a node without peers is a cluster at once) {
  start({});
  CAF_REQUIRE_EQUAL(view().peers.size(), 1u);
  CAF_CHECK(view().peers[0].self);
  CAF_CHECK(view().peers[0].reachable);
  CAF_CHECK(view().missing.empty());
  CAF_CHECK(check_ring(view()));
  CAF_CHECK_EQUAL(view().ring.share(own_id), 1.0);
}

CAF_TEST(a seed that has not answered yet is missing and nothing may be placed) {
  start({"127.0.0.1:2"});
  pass(2000);
  CAF_CHECK(view().missing == std::vector<std::string>{"127.0.0.1:2"});
  const auto placed = check_ring(view());
  CAF_REQUIRE(!placed);
  CAF_CHECK(to_string(placed.error()).find("127.0.0.1:2") != std::string::npos);
  CAF_CHECK(dials->size() > 0);
}

CAF_TEST(a peer that answers is in the view with its handles and its part of the ring) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  live(2000);
  CAF_CHECK(second->packets > 0);
  CAF_REQUIRE_EQUAL(view().peers.size(), 2u);
  const auto& p = seen(2);
  CAF_CHECK(p.reachable);
  CAF_CHECK(!p.self);
  CAF_CHECK(p.member.state == member_state::up);
  CAF_CHECK(p.handles.membership);
  CAF_CHECK(view().missing.empty());
  CAF_CHECK(view().ring.share(2) > 0);
  const auto members = ask<std::vector<member>>(aut, atom::list_v);
  CAF_REQUIRE(members);
  CAF_CHECK_EQUAL(members->size(), 2u);
}

CAF_TEST(a peer that falls silent is suspect and reachable and then down and keeps its cells) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  live(2000);
  const auto share = view().ring.share(2);
  const auto version = view().ring.version();
  second->answers = false;
  pass(10'000);
  CAF_CHECK(seen(2).member.state == member_state::down);
  CAF_CHECK(!seen(2).reachable);
  CAF_CHECK_EQUAL(view().ring.share(2), share);
  CAF_CHECK_EQUAL(view().ring.version(), version);
  bool was_suspect = false;
  for (const auto& v : views)
    if (const auto* p = v->find(2); p != nullptr && p->member.state == member_state::suspect) {
      was_suspect = true;
      CAF_CHECK(p->reachable);
    }
  CAF_CHECK(was_suspect);
}

CAF_TEST(a peer whose connection ends is not reachable and is asked at once) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  live(2000);
  const auto before = dials->size();
  deref<state_holder>(aut).monitor(second->actor);
  caf::anon_send_exit(second->actor, caf::exit_reason::kill);
  settle();
  CAF_CHECK(!seen(2).reachable);
  CAF_CHECK(dials->size() > before);
  pass(3000);
  CAF_CHECK(seen(2).member.state == member_state::suspect);
}

CAF_TEST(packets to an address that is dialled wait in a bounded queue) {
  start({"127.0.0.1:2"});
  for (int i = 0; i < 200; ++i) {
    pass(100);
    for (const auto& [address, link] : state().links)
      CAF_CHECK(link.waiting.size() <= defaults::max_waiting_packets);
  }
  CAF_CHECK(!state().links.empty());
}

CAF_TEST(a peer that stops is leaving at once) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  live(2000);
  for (const auto& e : second->machine.leave(time.now_ms))
    if (const auto* s = std::get_if<gossip_membership::send>(&e))
      tell(aut, atom::gossip_v, s->packet);
  CAF_CHECK(seen(2).member.state == member_state::leaving);
  CAF_CHECK(!seen(2).reachable);
}

CAF_TEST(a node that stops tells the others) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  live(2000);
  CAF_CHECK(ask<bool>(aut, atom::stop_v));
  bool leaving = false;
  for (const auto& m : second->machine.members())
    leaving = leaving || (m.info.id == own_id && m.state == member_state::leaving);
  CAF_CHECK(leaving);
}

CAF_TEST(a peer of the protocol before is asked by hello and told by leave) {
  auto old = other_node(2).member.info;
  old.protocol = min_gossip_protocol - 1;
  start({"127.0.0.1:2"});
  const auto second = connect(old);
  pass(3000);
  CAF_CHECK_EQUAL(second->packets, 0u);
  CAF_CHECK(second->hellos > 1);
  CAF_CHECK(seen(2).member.state == member_state::up);
  CAF_CHECK(seen(2).reachable);
  CAF_CHECK(view().missing.empty());
  CAF_CHECK(ask<bool>(aut, atom::stop_v));
  CAF_CHECK(second->left == std::vector<uint64_t>{own_id});
}

CAF_TEST(a hello is answered with who we are and its sender is dialled) {
  start({});
  const auto answer = ask<member_info>(aut, atom::hello_v, other_node(5).member.info);
  CAF_REQUIRE(answer);
  CAF_CHECK(*answer == context->self);
  CAF_CHECK_EQUAL(dials->size(), 1u);
  // Who cannot be reached where it says becomes no member.
  CAF_CHECK_EQUAL(view().peers.size(), 1u);
}

CAF_TEST(a node of another cluster or with our tokens is refused with the reason) {
  start({});
  auto stranger = other_node(5).member.info;
  stranger.cluster = "south";
  const auto refused = ask<member_info>(aut, atom::hello_v, stranger);
  CAF_REQUIRE(!refused);
  CAF_CHECK_EQUAL(int(refused.error().code), int(ec::incompatible));
  CAF_CHECK(to_string(refused.error()).find("south") != std::string::npos);
  auto twin = other_node(6).member.info;
  twin.tokens = context->self.tokens;
  const auto conflict = ask<member_info>(aut, atom::hello_v, twin);
  CAF_REQUIRE(!conflict);
  CAF_CHECK_EQUAL(int(conflict.error().code), int(ec::conflict));
  CAF_CHECK_EQUAL(view().peers.size(), 1u);
}

CAF_TEST(a packet that cannot be read is dropped and logged once) {
  start({});
  for (int i = 0; i < 3; ++i) {
    tell(aut, atom::gossip_v, std::string{"nonsense"});
    pass(200);
  }
  const auto text = log_text();
  const auto first = text.find("gossip packet");
  CAF_CHECK(first != std::string::npos);
  CAF_CHECK(text.find("gossip packet", first + 1) == std::string::npos);
}

CAF_TEST(a peer that was started again is not spoken to through its old handles) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  live(2000);
  auto again = other_node(2).member.info;
  again.incarnation = 2;
  CAF_REQUIRE(ask<member_info>(aut, atom::hello_v, again));
  CAF_CHECK(!seen(2).reachable);
  const auto packets = second->packets;
  pass(3000);
  CAF_CHECK_EQUAL(second->packets, packets);
  CAF_CHECK(dials->size() > 0);
}

CAF_TEST(members are remembered over a restart so that the ring is known) {
  start({"127.0.0.1:2"});
  connect(2);
  live(2000);
  const auto share = view().ring.share(2);
  const auto memory = kept();
  CAF_CHECK(memory.formed);
  caf::anon_send_exit(caf::actor_cast<caf::actor>(aut), caf::exit_reason::user_shutdown);
  settle();
  views.clear();
  start({"127.0.0.1:2"}, memory);
  CAF_CHECK(view().missing.empty());
  CAF_CHECK(check_ring(view()));
  CAF_CHECK_EQUAL(view().ring.share(2), share);
  CAF_CHECK(!seen(2).reachable);
}

CAF_TEST_FIXTURE_SCOPE_END()

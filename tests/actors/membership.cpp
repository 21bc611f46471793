#define CAF_SUITE actors.membership
#include "actors/membership.hpp"

#include "libstip/cluster/static_membership.hpp"
#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// What a test actor that stands for a node's membership was told.
struct other_membership {
  member_info info;
  bool answers = true;
  size_t hellos = 0;
  std::vector<uint64_t> left;
};

struct fixture : actor_fixture {
  using state_holder = std::remove_pointer_t<membership_actor::stateful_pointer<membership_state>>;

  fixture() {
    // Dials never come back.
    context->readers = held_executor(dials);
  }

  void start(const std::vector<std::string>& peers, const std::vector<known_peer>& known = {}) {
    auto protocol = std::make_unique<static_membership>(context->self, peers,
                                                        static_membership_options{}, known);
    aut = keep(sys.spawn(membership_behavior, context_ptr{context},
                         std::unique_ptr<stip::membership>{std::move(protocol)}, node_handles{},
                         std::function<void(cluster_view_ptr)>{
                             [this](cluster_view_ptr view) { views.push_back(std::move(view)); }}));
    settle();
  }

  /// A node that answers hello, already connected at its address.
  std::shared_ptr<other_membership> connect(uint64_t id) {
    auto log = std::make_shared<other_membership>();
    log->info = other_node(id).member.info;
    auto& link = deref<state_holder>(aut).state.links[log->info.address()];
    link.connected = true;
    link.id = id;
    link.handles.info = log->info;
    link.handles.membership =
        fake<membership_actor>([log](caf::event_based_actor* me) -> caf::behavior {
          return {[me, log](atom::hello, const member_info&) -> caf::result<member_info> {
                    ++log->hellos;
                    if (!log->answers) return me->make_response_promise<member_info>();
                    return log->info;
                  },
                  [log](atom::leave, uint64_t id) { log->left.push_back(id); }};
        });
    return log;
  }

  const cluster_view& view() {
    CAF_REQUIRE(!views.empty());
    return *views.back();
  }

  std::shared_ptr<held_jobs> dials = std::make_shared<held_jobs>();
  std::vector<cluster_view_ptr> views;
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

CAF_TEST(a peer that has not answered yet is missing and nothing may be placed) {
  start({"127.0.0.1:2"});
  pass(2000);
  CAF_CHECK(view().missing == std::vector<std::string>{"127.0.0.1:2"});
  const auto placed = check_ring(view());
  CAF_REQUIRE(!placed);
  CAF_CHECK(to_string(placed.error()).find("127.0.0.1:2") != std::string::npos);
}

CAF_TEST(a peer that answers is in the view with its handles and its part of the ring) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  pass(1000);
  CAF_CHECK(second->hellos >= 1);
  CAF_REQUIRE_EQUAL(view().peers.size(), 2u);
  const auto* p = view().find(2);
  CAF_REQUIRE(p != nullptr);
  CAF_CHECK(p->reachable);
  CAF_CHECK(!p->self);
  CAF_CHECK(p->member.state == member_state::up);
  CAF_CHECK(p->handles.membership);
  CAF_CHECK(view().missing.empty());
  CAF_CHECK(view().ring.share(2) > 0);
  const auto members = ask<std::vector<member>>(aut, atom::list_v);
  CAF_REQUIRE(members);
  CAF_CHECK_EQUAL(members->size(), 2u);
}

CAF_TEST(a peer that answers late once stays reachable) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  pass(1000);
  const auto views_before = views.size();
  second->answers = false;
  const auto hellos = second->hellos;
  while (second->hellos == hellos) pass(100);
  second->answers = true;
  pass(3000);
  CAF_CHECK(second->hellos > hellos + 1);
  for (size_t i = views_before; i < views.size(); ++i) {
    const auto* p = views[i]->find(2);
    CAF_REQUIRE(p != nullptr);
    CAF_CHECK(p->reachable);
  }
}

CAF_TEST(a peer that falls silent is suspect and then down and keeps its cells) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  pass(1000);
  const auto share = view().ring.share(2);
  const auto version = view().ring.version();
  second->answers = false;
  pass(10'000);
  const auto* p = view().find(2);
  CAF_REQUIRE(p != nullptr);
  CAF_CHECK(p->member.state == member_state::down);
  CAF_CHECK(!p->reachable);
  CAF_CHECK_EQUAL(view().ring.share(2), share);
  CAF_CHECK_EQUAL(view().ring.version(), version);
  bool was_suspect = false;
  for (const auto& v : views)
    if (const auto* seen = v->find(2)) was_suspect |= seen->member.state == member_state::suspect;
  CAF_CHECK(was_suspect);
}

CAF_TEST(a peer that stops is leaving at once) {
  start({"127.0.0.1:2"});
  connect(2);
  pass(1000);
  tell(aut, atom::leave_v, uint64_t{2});
  const auto* p = view().find(2);
  CAF_REQUIRE(p != nullptr);
  CAF_CHECK(p->member.state == member_state::leaving);
  CAF_CHECK(!p->reachable);
}

CAF_TEST(a node that stops tells those that it is connected with) {
  start({"127.0.0.1:2", "127.0.0.1:3"});
  const auto second = connect(2);
  pass(1000);
  CAF_CHECK(ask<bool>(aut, atom::stop_v));
  CAF_CHECK(second->left == std::vector<uint64_t>{own_id});
}

CAF_TEST(a hello is answered with who we are and its sender becomes a member) {
  start({});
  const auto answer = ask<member_info>(aut, atom::hello_v, other_node(5).member.info);
  CAF_REQUIRE(answer);
  CAF_CHECK(*answer == context->self);
  const auto* p = view().find(5);
  CAF_REQUIRE(p != nullptr);
  CAF_CHECK(!p->reachable);
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

CAF_TEST(a peer that was started again is not spoken to through its old handles) {
  start({"127.0.0.1:2"});
  const auto second = connect(2);
  pass(1000);
  auto again = second->info;
  again.incarnation = 2;
  CAF_REQUIRE(ask<member_info>(aut, atom::hello_v, again));
  const auto* p = view().find(2);
  CAF_REQUIRE(p != nullptr);
  CAF_CHECK(!p->reachable);
  const auto hellos = second->hellos;
  pass(3000);
  CAF_CHECK_EQUAL(second->hellos, hellos);
  CAF_CHECK(dials->size() > 0);
}

CAF_TEST(peers are remembered over a restart so that the ring is known) {
  start({"127.0.0.1:2"});
  connect(2);
  pass(1000);
  const auto share = view().ring.share(2);
  const auto values = context->directory->values("membership");
  CAF_REQUIRE(values);
  CAF_REQUIRE_EQUAL(values->size(), 1u);
  const auto known = decode_known_peers(values->front().second);
  CAF_REQUIRE(known);
  caf::anon_send_exit(caf::actor_cast<caf::actor>(aut), caf::exit_reason::user_shutdown);
  settle();
  views.clear();
  start({"127.0.0.1:2"}, *known);
  CAF_CHECK(view().missing.empty());
  CAF_CHECK(check_ring(view()));
  CAF_CHECK_EQUAL(view().ring.share(2), share);
  const auto* p = view().find(2);
  CAF_REQUIRE(p != nullptr);
  CAF_CHECK(!p->reachable);
}

CAF_TEST_FIXTURE_SCOPE_END()

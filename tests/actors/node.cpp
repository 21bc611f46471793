#define CAF_SUITE actors.node
#include "actors/node.hpp"

#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : actor_fixture {
  fixture() {
    aut = keep(sys.spawn(node_behavior));
    own.info = context->self;
    own.node = aut;
    own.albums = fake<albums_actor>([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](atom::here, atom::status) { return held; }};
    });
    own.membership = fake<membership_actor>([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](atom::stop) {
        order += "leave ";
        return true;
      }};
    });
    own.tasks = fake<tasks_actor>([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](atom::put) {
        order += "save ";
        return true;
      }};
    });
    const auto idle = [](caf::event_based_actor*) -> caf::behavior { return {[](job&) {}}; };
    own.ring = fake<ring_actor>(idle);
    own.query = fake<query_actor>(idle);
    own.transfer = fake<transfer_actor>(idle);
    own.loader = fake<loader_actor>(idle);
    own.repair = fake<repair_actor>(idle);
  }

  void complete() { tell(aut, atom::start_v, own, context_ptr{context}); }
  void set_view(const std::vector<peer>& others) { tell(aut, atom::peers_v, view_of(own, others)); }
  peer answering_node(uint64_t id, uint64_t images) {
    auto p = other_node(id);
    p.handles.node = fake<node_actor>([this, p, images](caf::event_based_actor*) -> caf::behavior {
      return {[p, images](atom::status) {
                node_status s;
                s.node = p.member;
                s.node.state = member_state::joining;  // as it sees itself
                s.images = images;
                s.bytes = images * 10;
                return s;
              },
              [this](atom::stop, uint64_t whom) {
                asked_to_stop.push_back(whom);
                return true;
              }};
    });
    return p;
  }
  template <class Handle>
  bool alive(const Handle& handle) {
    auto* actor = caf::actor_cast<caf::abstract_actor*>(handle);
    return !static_cast<caf::monitorable_actor*>(actor)->getf(
        caf::abstract_actor::is_terminated_flag);
  }

  storage_status held{5, 7, 100, 200};
  std::string order;
  std::vector<uint64_t> asked_to_stop;
  node_handles own;
  node_actor aut;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(node_tests, fixture)

CAF_TEST(a node that is starting says so) {
  const auto handles = ask<node_handles>(aut, atom::get_v);
  CAF_REQUIRE(!handles);
  CAF_CHECK_EQUAL(int(handles.error().code), int(ec::unavailable));
  CAF_CHECK(!ask<node_status>(aut, atom::status_v));
  CAF_CHECK(!ask<std::vector<node_status>>(aut, atom::list_v));
  CAF_CHECK(!ask<bool>(aut, atom::stop_v, own_id));
  complete();
  const auto later = ask<node_handles>(aut, atom::get_v);
  CAF_REQUIRE(later);
  CAF_CHECK_EQUAL(later->info.id, own_id);
  CAF_CHECK(later->albums == own.albums);
}

CAF_TEST(a node tells what it holds and its share of the ring) {
  complete();
  set_view({other_node(2)});
  const auto status = ask<node_status>(aut, atom::status_v);
  CAF_REQUIRE(status);
  CAF_CHECK_EQUAL(status->images, 5u);
  CAF_CHECK_EQUAL(status->bytes, 100u);
  CAF_CHECK(status->share > 0 && status->share < 1);
}

CAF_TEST(the list shows every node and those that cannot be reached with their state) {
  complete();
  auto away = other_node(3);
  away.reachable = false;
  away.member.state = member_state::down;
  set_view({answering_node(2, 11), away});
  const auto list = ask<std::vector<node_status>>(aut, atom::list_v);
  CAF_REQUIRE(list);
  CAF_REQUIRE_EQUAL(list->size(), 3u);
  const auto& nodes = *list;
  CAF_CHECK_EQUAL(nodes[0].node.info.id, 1u);
  CAF_CHECK_EQUAL(nodes[0].images, 5u);
  CAF_CHECK_EQUAL(nodes[1].node.info.id, 2u);
  CAF_CHECK_EQUAL(nodes[1].images, 11u);
  CAF_CHECK(nodes[1].node.state == member_state::up);
  CAF_CHECK_EQUAL(nodes[2].node.info.id, 3u);
  CAF_CHECK_EQUAL(nodes[2].images, 0u);
  CAF_CHECK(nodes[2].node.state == member_state::down);
  double share = 0;
  for (const auto& n : nodes) share += n.share;
  CAF_CHECK(share > 0.999 && share < 1.001);
}

CAF_TEST(the list has both shares and how long a node has been down) {
  complete();
  auto away = other_node(3);
  away.reachable = false;
  away.member.state = member_state::down;
  time.now_ms = 100'000;
  away.down_since_ms = 40'000;
  set_view({answering_node(2, 15), away});
  auto list = ask<std::vector<node_status>>(aut, atom::list_v);
  CAF_REQUIRE(list);
  CAF_REQUIRE_EQUAL(list->size(), 3u);
  CAF_CHECK_EQUAL((*list)[0].image_share, 0.25);
  CAF_CHECK_EQUAL((*list)[1].image_share, 0.75);
  CAF_CHECK((*list)[2].image_share < 0);
  CAF_CHECK((*list)[0].down_ms < 0 && (*list)[0].removed_in_ms < 0);
  CAF_CHECK_EQUAL((*list)[2].down_ms, 60'000);
  CAF_CHECK_EQUAL((*list)[2].removed_in_ms, defaults::down_after.count() - 60'000);
  // Without a majority nobody is removed.
  auto other = other_node(4);
  other.reachable = false;
  set_view({away, other});
  list = ask<std::vector<node_status>>(aut, atom::list_v);
  CAF_REQUIRE(list);
  CAF_CHECK((*list)[1].removed_in_ms < 0);
}

CAF_TEST(a drain is refused where nobody could take over) {
  complete();
  set_view({});
  const auto last = ask<task_record>(aut, atom::drain_v, own_id);
  CAF_REQUIRE(!last);
  CAF_CHECK(last.error().code == ec::forbidden);
  auto away = other_node(3);
  away.reachable = false;
  set_view({away});
  const auto nobody = ask<task_record>(aut, atom::drain_v, own_id);
  CAF_REQUIRE(!nobody);
  CAF_CHECK(nobody.error().code == ec::unavailable);
  const auto unknown = ask<task_record>(aut, atom::drain_v, uint64_t{99});
  CAF_REQUIRE(!unknown);
  CAF_CHECK(unknown.error().code == ec::not_found);
}

CAF_TEST(a node that does not answer in time is listed all the same) {
  complete();
  auto silent = other_node(2);
  silent.handles.node = fake<node_actor>([](caf::event_based_actor* me) -> caf::behavior {
    return {[me](atom::status) -> caf::result<node_status> {
      return me->make_response_promise<node_status>();
    }};
  });
  set_view({silent});
  const auto list = begin<std::vector<node_status>>(aut, atom::list_v);
  pass(defaults::request_deadline + std::chrono::milliseconds{200});
  CAF_REQUIRE(list->has_value() && (*list)->has_value());
  CAF_CHECK_EQUAL((*list)->value().size(), 2u);
}

CAF_TEST(another node is stopped by asking it) {
  complete();
  auto away = other_node(3);
  away.reachable = false;
  set_view({answering_node(2, 0), away});
  CAF_CHECK(ask<bool>(aut, atom::stop_v, uint64_t{2}));
  CAF_CHECK(asked_to_stop == std::vector<uint64_t>{2});
  const auto unknown = ask<bool>(aut, atom::stop_v, uint64_t{99});
  CAF_REQUIRE(!unknown);
  CAF_CHECK_EQUAL(int(unknown.error().code), int(ec::not_found));
  const auto gone = ask<bool>(aut, atom::stop_v, uint64_t{3});
  CAF_REQUIRE(!gone);
  CAF_CHECK_EQUAL(int(gone.error().code), int(ec::unavailable));
  CAF_CHECK(alive(aut));
}

CAF_TEST(a node that stops tells its peers and ends all of its parts) {
  complete();
  set_view({});
  CAF_CHECK(ask<bool>(aut, atom::stop_v, own_id));
  CAF_CHECK_EQUAL(order, "leave save ");
  CAF_CHECK(!alive(aut));
  CAF_CHECK(!alive(own.loader));
  CAF_CHECK(!alive(own.transfer));
  CAF_CHECK(!alive(own.query));
  CAF_CHECK(!alive(own.tasks));
  CAF_CHECK(!alive(own.membership));
  CAF_CHECK(!alive(own.ring));
  CAF_CHECK(!alive(own.albums));
  CAF_CHECK(!alive(context->writers));
}

CAF_TEST(a node ends when one of its parts dies) {
  complete();
  set_view({});
  caf::anon_send_exit(caf::actor_cast<caf::actor>(own.transfer), caf::exit_reason::kill);
  settle();
  CAF_CHECK(!alive(aut));
  CAF_CHECK(!alive(own.albums));
  CAF_CHECK(log_text().find("died") != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()

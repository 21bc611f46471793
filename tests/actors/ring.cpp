#define CAF_SUITE actors.ring
#include "actors/ring.hpp"

#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : actor_fixture {
  fixture() { aut = keep(sys.spawn(ring_behavior)); }

  result<placement> locate(const std::string& geocode, int32_t key_length = 0,
                           uint32_t replication = 1) {
    album of;
    of.dht_key_length = key_length;
    of.replication = replication;
    return ask<placement>(aut, atom::locate_v, geocode, of);
  }

  ring_actor aut;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(ring_tests, fixture)

CAF_TEST(nothing is placed before the cluster is known) {
  const auto answer = locate("u4pr");
  CAF_REQUIRE(!answer);
  CAF_CHECK_EQUAL(int(answer.error().code), int(ec::unavailable));
}

CAF_TEST(a geocode lives where the ring of the latest view says) {
  tell(aut, atom::peers_v, view_of({}, {}));
  for (const std::string code : {"u4pr", "9", "zzzzz"}) {
    const auto alone = locate(code);
    CAF_REQUIRE(alone);
    CAF_REQUIRE_EQUAL(alone->nodes.size(), 1u);
    CAF_CHECK_EQUAL(alone->nodes[0].info.id, own_id);
  }
  const auto view = view_of({}, {other_node(2), other_node(3)});
  tell(aut, atom::peers_v, view);
  std::set<uint64_t> owners;
  for (int i = 0; i < 64; ++i) {
    const auto code = sample_geocode(i).substr(0, 3) + "0123456789bcdefg"[i % 16];
    const auto answer = locate(code);
    CAF_REQUIRE(answer);
    CAF_CHECK_EQUAL(answer->token, ring_token(code));
    CAF_REQUIRE_EQUAL(answer->nodes.size(), 1u);
    const auto expected = view->ring.replicas(answer->token, 1).at(0);
    CAF_CHECK_EQUAL(answer->nodes[0].info.id, expected);
    owners.insert(expected);
  }
  CAF_CHECK_EQUAL(owners.size(), 3u);
}

CAF_TEST(the code is cut to the key of the album) {
  tell(aut, atom::peers_v, view_of({}, {other_node(2)}));
  const auto cut = locate("u4pruy", 4);
  const auto parent = locate("u4pr", 0);
  const auto dropped = locate("u4pruy", -2);
  CAF_REQUIRE(cut && parent && dropped);
  CAF_CHECK_EQUAL(cut->dht_key, "u4pr");
  CAF_CHECK_EQUAL(dropped->dht_key, "u4pr");
  CAF_CHECK_EQUAL(cut->geocode, "u4pruy");
  CAF_CHECK_EQUAL(cut->token, parent->token);
  CAF_CHECK_EQUAL(dropped->token, parent->token);
}

CAF_TEST(replicas are distinct nodes and as many as there are) {
  tell(aut, atom::peers_v, view_of({}, {other_node(2), other_node(3)}));
  const auto answer = locate("u4pr", 0, 5);
  CAF_REQUIRE(answer);
  std::set<uint64_t> ids;
  for (const auto& m : answer->nodes) ids.insert(m.info.id);
  CAF_CHECK_EQUAL(answer->nodes.size(), 3u);
  CAF_CHECK_EQUAL(ids.size(), 3u);
}

CAF_TEST(a node that is down still owns its cells and is told with its state) {
  auto away = other_node(2);
  away.reachable = false;
  away.member.state = member_state::down;
  tell(aut, atom::peers_v, view_of({}, {away}));
  size_t at_the_other = 0;
  for (int i = 0; i < 32; ++i) {
    const auto answer =
        locate(std::string("s0") + "0123456789bcdefg"[i % 16] + (i < 16 ? "0" : "1"));
    CAF_REQUIRE(answer);
    if (answer->nodes.at(0).info.id != 2) continue;
    ++at_the_other;
    CAF_CHECK_EQUAL(int(answer->nodes[0].state), int(member_state::down));
  }
  CAF_CHECK(at_the_other > 0);
}

CAF_TEST(as long as a configured node has never answered nothing is placed and it is named) {
  tell(aut, atom::peers_v, view_of({}, {other_node(2)}, {"10.0.0.9:15606", "node-4:1"}));
  const auto answer = locate("u4pr");
  CAF_REQUIRE(!answer);
  CAF_CHECK_EQUAL(int(answer.error().code), int(ec::unavailable));
  const auto why = to_string(answer.error());
  CAF_CHECK(why.find("10.0.0.9:15606") != std::string::npos);
  CAF_CHECK(why.find("node-4:1") != std::string::npos);
  tell(aut, atom::peers_v, view_of({}, {other_node(2)}));
  CAF_CHECK(locate("u4pr"));
}

CAF_TEST(an empty geocode is refused) {
  tell(aut, atom::peers_v, view_of({}, {}));
  const auto answer = locate("");
  CAF_REQUIRE(!answer);
  CAF_CHECK_EQUAL(int(answer.error().code), int(ec::invalid_argument));
}

CAF_TEST_FIXTURE_SCOPE_END()

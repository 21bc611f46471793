#define CAF_SUITE cluster.static_membership
#include "libstip/cluster/static_membership.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

using effects = std::vector<membership::effect>;

member_info node(uint64_t id, uint64_t incarnation = 1) {
  return {id,
          incarnation,
          "c",
          "h" + std::string(1, static_cast<char>('0' + id)),
          1,
          {id * 1000},
          "",
          "0",
          protocol_version};
}

std::vector<std::string> probes(const effects& all) {
  std::vector<std::string> out;
  for (const auto& e : all)
    if (const auto* p = std::get_if<membership::probe>(&e)) out.push_back(p->address);
  return out;
}

/// "id:state id:state" of the changes.
std::string changes(const effects& all) {
  std::string out;
  for (const auto& e : all) {
    const auto* c = std::get_if<membership::changed>(&e);
    if (c == nullptr) continue;
    if (!out.empty()) out += ' ';
    out += std::to_string(c->now.info.id) + ':' + std::string(to_string(c->now.state));
  }
  return out;
}

std::string view(const membership& m) {
  effects all;
  for (const auto& member : m.members()) all.push_back(membership::changed{member});
  return changes(all);
}

/// Node 1 with the peers h2:1 and h3:1.
struct fixture {
  static_membership m{node(1), {"h1:1", "h2:1", "h3:1"}};

  std::string answer(int64_t now, const std::string& address, const member_info& who) {
    return changes(m.hello_answered(now, address, who));
  }
  error refusal(int64_t now, const member_info& who) {
    auto out = m.hello_received(now, who);
    if (out) CAF_FAIL("not refused");
    return out.error();
  }
  std::string problem(const std::string& address) {
    for (const auto& [at, why] : m.problems())
      if (at == address) return to_string(why);
    return {};
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(static_membership_tests, fixture)

CAF_TEST(all addresses but our own are probed and missing until they answer) {
  CAF_CHECK(probes(m.tick(0)) == std::vector<std::string>({"h2:1", "h3:1"}));
  CAF_CHECK(m.missing() == std::vector<std::string>({"h2:1", "h3:1"}));
  CAF_CHECK_EQUAL(view(m), "1:up");
  CAF_CHECK_EQUAL(answer(5, "h2:1", node(2)), "2:up");
  CAF_CHECK(m.missing() == std::vector<std::string>({"h3:1"}));
  CAF_CHECK_EQUAL(answer(6, "h3:1", node(3)), "3:up");
  CAF_CHECK(m.missing().empty());
  CAF_CHECK_EQUAL(view(m), "1:up 2:up 3:up");
  CAF_CHECK(m.problems().empty());
}

CAF_TEST(an address that turns out to be our own is no peer) {
  static_membership other(node(1), {"localhost:1", "h2:1"});
  const auto all = probes(other.tick(0));
  CAF_CHECK_EQUAL(all.size(), 2u);
  CAF_CHECK(other.hello_received(1, node(1)).has_value());
  CAF_CHECK(other.hello_answered(2, "localhost:1", node(1)).empty());
  CAF_CHECK(other.missing() == std::vector<std::string>({"h2:1"}));
  CAF_CHECK(probes(other.tick(50'000)) == std::vector<std::string>({"h2:1"}));
  CAF_CHECK(probes(other.tick(60'000)) == std::vector<std::string>({"h2:1"}));
  CAF_CHECK_EQUAL(view(other), "1:up");
}

CAF_TEST(a probe is not repeated before its deadline and then at once) {
  m.tick(0);
  CAF_CHECK(m.tick(500).empty());
  CAF_CHECK(m.tick(999).empty());
  CAF_CHECK_EQUAL(probes(m.tick(1000)).size(), 2u);
  CAF_CHECK(contains(problem("h2:1"), "no answer within 1000 ms"));
}

CAF_TEST(an answered peer is probed once an interval) {
  m.tick(0);
  answer(10, "h2:1", node(2));
  answer(10, "h3:1", node(3));
  CAF_CHECK(m.tick(999).empty());
  CAF_CHECK_EQUAL(probes(m.tick(1000)).size(), 2u);
}

CAF_TEST(silence makes a peer suspect after two misses and down after five) {
  m.tick(0);
  answer(1, "h2:1", node(2));
  answer(1, "h3:1", node(3));
  std::vector<std::pair<int64_t, std::string>> seen;
  for (int64_t now = 100; now <= 20'000; now += 100) {
    const auto all = m.tick(now);
    for (const auto& address : probes(all))
      if (address == "h3:1") CAF_CHECK_EQUAL(answer(now, "h3:1", node(3)), "");
    if (const auto text = changes(all); !text.empty()) seen.emplace_back(now, text);
  }
  const std::vector<std::pair<int64_t, std::string>> expected{{3000, "2:suspect"},
                                                              {6000, "2:down"}};
  CAF_CHECK(seen == expected);
  CAF_CHECK_EQUAL(view(m), "1:up 2:down 3:up");
  CAF_CHECK(m.missing().empty());
}

CAF_TEST(refused connections are noticed within five seconds) {
  m.tick(0);
  answer(1, "h2:1", node(2));
  int64_t down_at = 0;
  for (int64_t now = 100; now <= 20'000 && down_at == 0; now += 100)
    for (const auto& address : probes(m.tick(now)))
      if (changes(m.hello_failed(now, address, {ec::unavailable, "dial", "refused", ""})) ==
          "2:down")
        down_at = now;
  CAF_CHECK_EQUAL(down_at, 5000);
  CAF_CHECK(contains(problem("h2:1"), "refused"));
}

CAF_TEST(a peer that is down is probed ever less often but every five seconds) {
  std::vector<int64_t> at;
  for (int64_t now = 0; now <= 60'000; now += 100)
    for (const auto& address : probes(m.tick(now)))
      if (address == "h2:1") at.push_back(now);
  std::vector<int64_t> gaps;
  for (size_t i = 1; i < at.size(); ++i) gaps.push_back(at[i] - at[i - 1]);
  CAF_REQUIRE(gaps.size() > 8);
  CAF_CHECK(std::vector<int64_t>(gaps.begin(), gaps.begin() + 7) ==
            std::vector<int64_t>({1000, 1000, 1000, 1000, 2000, 4000, 5000}));
  CAF_CHECK(std::all_of(gaps.begin() + 7, gaps.end(), [](auto gap) { return gap == 5000; }));
}

CAF_TEST(one answer brings a peer up from suspect and from down) {
  m.tick(0);
  answer(1, "h2:1", node(2));
  for (int64_t now = 100; now < 3500; now += 100) m.tick(now);
  CAF_CHECK_EQUAL(view(m), "1:up 2:suspect");
  CAF_CHECK_EQUAL(answer(3500, "h2:1", node(2)), "2:up");
  for (int64_t now = 3600; now < 20'000; now += 100) m.tick(now);
  CAF_CHECK_EQUAL(view(m), "1:up 2:down");
  CAF_CHECK_EQUAL(answer(20'000, "h2:1", node(2)), "2:up");
}

CAF_TEST(a late answer and one that was not asked for do not count) {
  CAF_CHECK_EQUAL(answer(0, "h2:1", node(2)), "");
  m.tick(0);
  CAF_CHECK_EQUAL(answer(1001, "h2:1", node(2)), "");
  CAF_CHECK_EQUAL(answer(1001, "h9:1", node(9)), "");
  CAF_CHECK_EQUAL(view(m), "1:up");
}

CAF_TEST(a peer that says hello is probed and a member from its answer on) {
  m.tick(0);
  auto out = m.hello_received(10, node(4));
  CAF_REQUIRE(out.has_value());
  CAF_CHECK_EQUAL(changes(*out), "4:joining");
  CAF_CHECK(probes(*out) == std::vector<std::string>({"h4:1"}));
  CAF_CHECK(m.missing() == std::vector<std::string>({"h2:1", "h3:1"}));
  CAF_CHECK_EQUAL(answer(11, "h4:1", node(4)), "4:up");
  out = m.hello_received(12, node(4));
  CAF_REQUIRE(out.has_value());
  CAF_CHECK(out->empty());
}

CAF_TEST(a hello of a configured peer does not stand for its answer) {
  auto out = m.hello_received(0, node(2));
  CAF_REQUIRE(out.has_value());
  CAF_CHECK_EQUAL(changes(*out), "2:joining");
  CAF_CHECK(probes(*out) == std::vector<std::string>({"h2:1"}));
  CAF_CHECK(m.missing() == std::vector<std::string>({"h2:1", "h3:1"}));
}

CAF_TEST(a node known by two addresses is one member and lives while one of them answers) {
  static_membership two(node(1), {"h2:1", "alias:1"});
  two.tick(0);
  CAF_CHECK_EQUAL(changes(two.hello_answered(1, "alias:1", node(2))), "2:up");
  CAF_CHECK_EQUAL(changes(two.hello_answered(1, "h2:1", node(2))), "");
  for (int64_t now = 100; now < 20'000; now += 100)
    for (const auto& address : probes(two.tick(now)))
      if (address == "h2:1") two.hello_answered(now, address, node(2));
  CAF_CHECK_EQUAL(view(two), "1:up 2:up");
}

CAF_TEST(an address that a peer introduced is dropped when a configured one answers for it) {
  static_membership named(node(1), {"name:1"});
  CAF_REQUIRE(named.hello_received(0, node(2)).has_value());
  CAF_CHECK(probes(named.tick(10)) == std::vector<std::string>({"name:1"}));
  CAF_CHECK_EQUAL(changes(named.hello_answered(20, "name:1", node(2))), "2:up");
  for (int64_t now = 100; now < 20'000; now += 100)
    for (const auto& address : probes(named.tick(now))) {
      CAF_CHECK_EQUAL(address, "name:1");
      CAF_CHECK_EQUAL(changes(named.hello_answered(now, address, node(2))), "");
    }
  const auto known = named.known();
  CAF_REQUIRE_EQUAL(known.size(), 1u);
  CAF_CHECK_EQUAL(known[0].address, "name:1");
}

CAF_TEST(a restarted peer replaces its former incarnation and an older one is ignored) {
  m.tick(0);
  CAF_CHECK_EQUAL(answer(1, "h2:1", node(2, 5)), "2:up");
  m.tick(1000);
  CAF_CHECK_EQUAL(answer(1001, "h2:1", node(2, 4)), "");
  CAF_CHECK(contains(problem("h2:1"), "start 4"));
  CAF_REQUIRE(m.hello_received(1002, node(2, 4)).has_value());
  CAF_CHECK_EQUAL(answer(1003, "h2:1", node(2, 6)), "2:up");
  CAF_CHECK(problem("h2:1").empty());
  CAF_CHECK(m.members()[1].info.incarnation == 6);
  auto out = m.hello_received(1500, node(2, 7));
  CAF_REQUIRE(out.has_value());
  CAF_CHECK_EQUAL(changes(*out), "2:joining");
  CAF_CHECK(probes(*out).empty());
  m.tick(2000);
  CAF_CHECK_EQUAL(answer(2001, "h2:1", node(2, 7)), "2:up");
}

CAF_TEST(a reinstalled node takes the place of the one at its address) {
  m.tick(0);
  answer(1, "h2:1", node(2));
  auto fresh = node(8);
  fresh.host = "h2";
  fresh.tokens = node(2).tokens;
  auto out = m.hello_received(500, fresh);
  CAF_REQUIRE(out.has_value());
  CAF_CHECK_EQUAL(changes(*out), "");
  CAF_CHECK_EQUAL(view(m), "1:up 2:up");
  m.tick(1000);
  CAF_CHECK_EQUAL(answer(1001, "h2:1", fresh), "2:down 8:up");
  CAF_CHECK_EQUAL(view(m), "1:up 8:up");
}

CAF_TEST(another cluster is refused with both names) {
  auto stranger = node(2);
  stranger.cluster = "other";
  const auto why = refusal(0, stranger);
  CAF_CHECK(why.code == ec::incompatible);
  CAF_CHECK(contains(why.why, "'other'"));
  CAF_CHECK(contains(why.why, "'c'"));
  m.tick(0);
  CAF_CHECK_EQUAL(answer(1, "h2:1", stranger), "");
  CAF_CHECK(contains(problem("h2:1"), "'other'"));
  CAF_CHECK_EQUAL(m.missing().size(), 2u);
}

CAF_TEST(neighbouring protocol versions speak to each other and no others) {
  const auto own = protocol_version + 5;
  auto self = node(1);
  self.protocol = own;
  static_membership newer(self, {});
  for (const auto protocol : {own - 1, own, own + 1}) {
    auto peer = node(2 + protocol - own + 1);
    peer.protocol = protocol;
    CAF_CHECK(newer.hello_received(0, peer).has_value());
  }
  for (const auto protocol : {uint32_t{0}, own - 2, own + 2, UINT32_MAX}) {
    auto peer = node(7);
    peer.protocol = protocol;
    const auto out = newer.hello_received(0, peer);
    CAF_REQUIRE(!out.has_value());
    CAF_CHECK(out.error().code == ec::incompatible);
    CAF_CHECK(contains(out.error().why, "protocol " + std::to_string(protocol)));
    CAF_CHECK(contains(out.error().why, "protocol " + std::to_string(own)));
  }
}

CAF_TEST(the later of two nodes with one token is refused) {
  m.tick(0);
  answer(1, "h2:1", node(2));
  auto thief = node(3);
  thief.tokens = {7, 2000};
  CAF_CHECK_EQUAL(answer(1, "h3:1", thief), "");
  CAF_CHECK(contains(problem("h3:1"), "token 2000"));
  CAF_CHECK(contains(problem("h3:1"), node_name(2)));
  CAF_CHECK(refusal(2, thief).code == ec::conflict);
  thief.tokens = {1000};
  CAF_CHECK(contains(refusal(2, thief).why, node_name(1)));
  CAF_CHECK_EQUAL(view(m), "1:up 2:up");
}

CAF_TEST(copied data directories are told apart) {
  auto copy = node(1);
  copy.host = "h3";
  CAF_CHECK(refusal(0, copy).code == ec::conflict);
  m.tick(0);
  CAF_CHECK_EQUAL(answer(1, "h3:1", copy), "");
  CAF_CHECK(contains(problem("h3:1"), "same id"));
  answer(1, "h2:1", node(2));
  copy = node(2);
  copy.host = "h9";
  CAF_CHECK(contains(refusal(2, copy).why, "h2:1"));
}

CAF_TEST(peers without id or address or with ours are refused) {
  auto peer = node(2);
  peer.id = 0;
  CAF_CHECK(refusal(0, peer).code == ec::invalid_argument);
  peer = node(2);
  peer.port = 0;
  CAF_CHECK(refusal(0, peer).code == ec::invalid_argument);
  peer = node(2);
  peer.host = "h1";
  CAF_CHECK(refusal(0, peer).code == ec::conflict);
  peer = node(2);
  peer.tokens.resize(defaults::max_tokens_per_node + 1);
  for (size_t i = 0; i < peer.tokens.size(); ++i) peer.tokens[i] = i;
  CAF_CHECK(refusal(0, peer).code == ec::limit_exceeded);
}

CAF_TEST(there is a bound on members) {
  for (uint64_t id = 2; id <= defaults::max_members; ++id) {
    auto peer = node(2);
    peer.id = id;
    peer.host = "host" + std::to_string(id);
    peer.tokens = {id * 7 + 1'000'000};
    CAF_REQUIRE(m.hello_received(0, peer).has_value());
  }
  CAF_CHECK_EQUAL(m.members().size(), defaults::max_members);
  auto one_more = node(2);
  one_more.id = defaults::max_members + 1;
  one_more.host = "x";
  one_more.tokens = {1};
  CAF_CHECK(refusal(0, one_more).code == ec::limit_exceeded);
}

CAF_TEST(a node that announced its end is leaving and down at the first miss) {
  m.tick(0);
  answer(1, "h2:1", node(2));
  CAF_CHECK_EQUAL(changes(m.left(10, 2)), "2:leaving");
  CAF_CHECK_EQUAL(changes(m.left(11, 2)), "");
  CAF_CHECK_EQUAL(changes(m.left(11, 99)), "");
  m.tick(1000);
  CAF_CHECK_EQUAL(answer(1001, "h2:1", node(2)), "");
  m.tick(2000);
  CAF_CHECK_EQUAL(changes(m.hello_failed(2001, "h2:1", {ec::unavailable, "", "refused", ""})),
                  "2:down");
  CAF_CHECK_EQUAL(changes(m.left(2002, 2)), "");
  m.tick(3000);
  CAF_CHECK_EQUAL(answer(3001, "h2:1", node(2, 2)), "2:up");
}

CAF_TEST(a node that goes on answering after it announced its end has stayed) {
  m.tick(0);
  answer(1, "h2:1", node(2));
  m.left(10, 2);
  std::string seen;
  for (int64_t now = 1000; now <= 70'000; now += 1000) {
    m.tick(now);
    seen += answer(now, "h2:1", node(2));
  }
  CAF_CHECK_EQUAL(seen, "2:up");
}

CAF_TEST(a node sees itself leaving) {
  CAF_CHECK_EQUAL(changes(m.left(0, 1)), "1:leaving");
  CAF_CHECK_EQUAL(changes(m.left(1, 1)), "");
  CAF_CHECK_EQUAL(view(m), "1:leaving");
}

CAF_TEST(a restarted node knows the members of its last run while a peer is down) {
  m.tick(0);
  answer(1, "h2:1", node(2));
  answer(1, "h3:1", node(3));
  CAF_REQUIRE(m.hello_received(2, node(4)).has_value());
  const auto bytes = encode(m.known());
  const auto known = decode_known_peers(bytes);
  CAF_REQUIRE(known.has_value());
  CAF_CHECK(*known == m.known());

  static_membership again(node(1, 2), {"h2:1", "h3:1"}, {}, *known);
  CAF_CHECK(again.missing().empty());
  CAF_CHECK_EQUAL(view(again), "1:up 2:joining 3:joining 4:joining");
  std::string seen;
  for (int64_t now = 0; now <= 10'000; now += 100) {
    const auto all = again.tick(now);
    for (const auto& address : probes(all))
      if (address == "h2:1") seen += changes(again.hello_answered(now, address, node(2)));
    seen += changes(all);
  }
  CAF_CHECK_EQUAL(seen, "2:up3:down 4:down");

  // The configuration decides: what it does not list any more is forgotten.
  static_membership fewer(node(1, 2), {"h2:1", "h9:1"}, {}, *known);
  CAF_CHECK_EQUAL(view(fewer), "1:up 2:joining 4:joining");
  CAF_CHECK(fewer.missing() == std::vector<std::string>({"h9:1"}));
}

CAF_TEST(broken records of known peers are refused) {
  const auto bytes = encode(std::vector<known_peer>{{"h2:1", true, node(2)}});
  for (size_t n = 0; n < bytes.size(); ++n) CAF_REQUIRE(!decode_known_peers(bytes.substr(0, n)));
  CAF_CHECK(!decode_known_peers(bytes + "x"));
}

CAF_TEST_FIXTURE_SCOPE_END()

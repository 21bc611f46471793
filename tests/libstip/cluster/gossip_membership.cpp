#define CAF_SUITE cluster.gossip_membership
#include "libstip/cluster/gossip_membership.hpp"

#include <caf/test/unit_test.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "libstip/core/hash.hpp"

using namespace stip;

namespace {

member_info node(uint64_t id, uint64_t incarnation = 1) {
  std::string host = "h";
  host.append(std::to_string(id));
  return {id, incarnation, "c", host, 1, {id * 1000}, "", "0", protocol_version};
}

std::string view(const gossip_membership& m) {
  std::string out;
  for (const auto& x : m.members()) {
    if (!out.empty()) out += ' ';
    out.append(std::to_string(x.info.id)).append(":").append(to_string(x.state));
  }
  return out;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Machines that hear each other at once, as far as they are reachable.
struct bench {
  std::map<std::string, gossip_membership*> at;
  /// Addresses where nothing gets through, and where connections are refused.
  std::set<std::string> silent, refusing;
  /// Hellos that were answered.
  std::set<std::pair<std::string, std::string>> links;
  int64_t now = 0;
  size_t packets = 0;
  /// Nodes that were told that they are removed join again, as the actors do.
  size_t returns = 0;

  void add(gossip_membership& m) { at[m.self().address()] = &m; }

  void carry(gossip_membership& from, const gossip_membership::effects& effects) {
    const auto source = from.self().address();
    for (const auto& e : effects) {
      if (std::holds_alternative<gossip_membership::come_back>(e)) {
        auto again = from.self();
        ++again.incarnation;
        ++returns;
        carry(from, from.redescribe(now, again));
        continue;
      }
      const auto* s = std::get_if<gossip_membership::send>(&e);
      if (s == nullptr || silent.contains(s->address) || silent.contains(source)) continue;
      const auto to = at.find(s->address);
      if (to == at.end() || refusing.contains(s->address)) {
        carry(from, from.send_failed(now, s->address, {ec::unavailable, "dial", "refused", ""}));
        continue;
      }
      auto& peer = *to->second;
      if (links.emplace(source, s->address).second) {
        auto greeted = peer.hello_received(now, from.self());
        if (!greeted) continue;
        carry(peer, *greeted);
        auto answered = from.hello_answered(now, s->address, peer.self());
        if (!answered) continue;
        carry(from, *answered);
      }
      ++packets;
      carry(peer, peer.received(now, s->packet));
    }
  }

  void run(int64_t until) {
    for (; now < until; now += 100)
      for (const auto& [address, m] : at) carry(*m, m->tick(now));
  }
};

error refusal(gossip_membership& m, const member_info& who) {
  auto out = m.hello_received(0, who);
  if (out) CAF_FAIL("not refused");
  return out.error();
}

}  // namespace

CAF_TEST(a node without peers is up and a cluster at once) {
  gossip_membership one{node(1), {}, {}, 1};
  CAF_CHECK_EQUAL(view(one), "1:up");
  CAF_CHECK(one.missing().empty());
  gossip_membership itself{node(1), {"h1:1"}, {}, 1};
  CAF_CHECK(itself.missing().empty());
}

CAF_TEST(at the first start nothing is known until every configured address has answered) {
  const std::vector<std::string> seeds{"h1:1", "h2:1", "h3:1"};
  gossip_membership a{node(1), seeds, {}, 1}, b{node(2), seeds, {}, 2}, c{node(3), seeds, {}, 3};
  bench net;
  net.add(a);
  net.add(b);
  net.run(5000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up");
  CAF_CHECK(a.missing() == std::vector<std::string>{"h3:1"});
  CAF_CHECK(b.missing() == std::vector<std::string>{"h3:1"});
  net.add(c);
  net.run(15'000);
  for (const auto* m : {&a, &b, &c}) {
    CAF_CHECK_EQUAL(view(*m), "1:up 2:up 3:up");
    CAF_CHECK(m->missing().empty());
  }
}

CAF_TEST(one node that waits for an address keeps those that wait for none from forming) {
  // Only b knows of h1, so c and d, who know all of theirs, must not place chips without it.
  gossip_membership b{node(2), {"h1:1"}, {}, 2}, c{node(3), {"h2:1"}, {}, 3},
      d{node(4), {"h3:1"}, {}, 4};
  bench net;
  for (auto* m : {&b, &c, &d}) net.add(*m);
  net.run(20'000);
  CAF_CHECK_EQUAL(view(d), "2:up 3:up 4:up");
  for (const auto* m : {&b, &c, &d}) CAF_CHECK(!m->missing().empty());
  gossip_membership a{node(1), {}, {}, 1};
  net.add(a);
  net.run(40'000);
  for (const auto* m : {&a, &b, &c, &d}) {
    CAF_CHECK_EQUAL(view(*m), "1:up 2:up 3:up 4:up");
    CAF_CHECK(m->missing().empty());
  }
}

CAF_TEST(any living seed is enough to join a cluster that has formed) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2};
  bench net;
  net.add(a);
  net.add(b);
  net.run(5000);
  gossip_membership late{node(3), {"h9:1", "h2:1"}, {}, 3};
  CAF_CHECK_EQUAL(late.missing().size(), 2u);
  net.add(late);
  net.run(10'000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:up");
  CAF_CHECK_EQUAL(view(late), "1:up 2:up 3:up");
  CAF_CHECK(late.missing().empty());
  CAF_CHECK(late.problems().contains("h9:1"));
}

CAF_TEST(a seed known by another name than the node gives itself has answered) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"alias:1"}, {}, 2};
  bench net;
  net.add(a);
  net.add(b);
  net.at["alias:1"] = &a;
  net.run(5000);
  CAF_CHECK_EQUAL(view(b), "1:up 2:up");
  CAF_CHECK(b.missing().empty());
  // It may be our own.
  gossip_membership self{node(4), {"alias4:1"}, {}, 2};
  CAF_REQUIRE(self.hello_answered(0, "alias4:1", node(4)));
  CAF_CHECK(self.missing().empty());
}

CAF_TEST(silence makes a member suspect and then down and it stays a member) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2}, c{node(3), {"h1:1"}, {}, 3};
  bench net;
  for (auto* m : {&a, &b, &c}) net.add(*m);
  net.run(5000);
  net.silent.insert("h3:1");
  net.run(7000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:suspect");
  CAF_CHECK_EQUAL(view(b), "1:up 2:up 3:suspect");
  net.run(13'000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:down");
  net.silent.clear();
  net.run(20'000);
  for (const auto* m : {&a, &b, &c}) CAF_CHECK_EQUAL(view(*m), "1:up 2:up 3:up");
  CAF_CHECK(a.view().fingerprint() == c.view().fingerprint());
}

CAF_TEST(a suspicion is refuted by whom it concerns) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2};
  bench net;
  net.add(a);
  net.add(b);
  net.run(3000);
  const auto before = a.view().find(2)->key;
  gossip_packet lie;
  lie.what = gossip_packet::kind::news;
  lie.cluster = hash64("c");
  lie.sender = a.view().self().key;
  lie.address = "h1:1";
  auto accusation = before;
  accusation.state = fact_state::down;
  lie.facts = {{accusation, {}}};
  net.carry(b, b.received(net.now, encode(lie)));
  net.run(4000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up");
  CAF_CHECK(a.view().find(2)->key.refutation > before.refutation);
}

CAF_TEST(a lost connection or a refused dial is looked into at once) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2};
  bench net;
  net.add(a);
  net.add(b);
  net.run(5000);
  net.refusing.insert("h2:1");
  net.at.erase("h2:1");
  net.carry(a, a.link_lost(net.now, 2));
  net.run(net.now + 800);
  CAF_CHECK_EQUAL(view(a), "1:up 2:suspect");
}

CAF_TEST(a node that was held up itself blames nobody) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2};
  bench net;
  net.add(a);
  net.add(b);
  net.run(5000);
  // A probe is under way, then a runs no more for a minute.
  std::vector<std::string> asked;
  for (const auto& e : a.tick(net.now))
    if (const auto* s = std::get_if<gossip_membership::send>(&e)) asked.push_back(s->packet);
  net.now += 60'000;
  for (const auto& e : a.tick(net.now))
    CAF_CHECK(!std::holds_alternative<gossip_membership::changed>(e));
  CAF_CHECK_EQUAL(view(a), "1:up 2:up");
  net.run(net.now + 3000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up");
}

CAF_TEST(one way that is cut makes nobody suspect where others can ask) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2}, c{node(3), {"h1:1"}, {}, 3};
  struct cut_bench : bench {
  } net;
  for (auto* m : {&a, &b, &c}) net.add(*m);
  net.run(5000);
  // Direct packets from a to b are lost: a asks c.
  bool suspected = false;
  for (int64_t end = net.now + 20'000; net.now < end; net.now += 100)
    for (auto* m : {&a, &b, &c}) {
      auto effects = m->tick(net.now);
      if (m == &a)
        std::erase_if(effects, [](const auto& e) {
          const auto* s = std::get_if<gossip_membership::send>(&e);
          return s != nullptr && s->address == "h2:1";
        });
      net.carry(*m, effects);
      suspected = suspected || contains(view(a), "2:suspect");
    }
  CAF_CHECK(!suspected);
}

CAF_TEST(a node that leaves is leaving everywhere and then down without suspicion) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2}, c{node(3), {"h1:1"}, {}, 3};
  bench net;
  for (auto* m : {&a, &b, &c}) net.add(*m);
  net.run(5000);
  net.carry(c, c.leave(net.now));
  CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:leaving");
  CAF_CHECK_EQUAL(view(b), "1:up 2:up 3:leaving");
  CAF_CHECK(c.leave(net.now).empty());
  net.at.erase("h3:1");
  bool suspected = false;
  for (int i = 0; i < 50; ++i) {
    net.run(net.now + 100);
    suspected = suspected || contains(view(a), "suspect");
  }
  CAF_CHECK(!suspected);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:down");
}

CAF_TEST(a restarted node replaces its former start and an older one is refused) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2, 5), {"h1:1"}, {}, 2};
  bench net;
  net.add(a);
  net.add(b);
  net.run(3000);
  gossip_membership again{node(2, 6), {"h1:1"}, {}, 3};
  net.at["h2:1"] = &again;
  net.links.clear();
  net.run(6000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up");
  CAF_CHECK_EQUAL(a.view().find(2)->key.incarnation, 6u);
  const auto older = a.hello_answered(net.now, "h2:1", node(2, 4));
  CAF_REQUIRE(!older);
  CAF_CHECK(contains(older.error().why, "start 4"));
  // The older one learns it too.
  gossip_membership restored{node(2, 3), {"h1:1"}, {}, 4};
  gossip_packet p;
  p.what = gossip_packet::kind::news;
  p.cluster = hash64("c");
  p.sender = a.view().self().key;
  p.address = "h1:1";
  p.facts = {{a.view().find(2)->key, {}}};
  restored.received(0, encode(p));
  CAF_CHECK(restored.problems().contains("this node"));
}

CAF_TEST(a reinstalled node takes the place of the one at its address everywhere) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2}, c{node(3), {"h1:1"}, {}, 3};
  bench net;
  for (auto* m : {&a, &b, &c}) net.add(*m);
  net.run(5000);
  auto fresh = node(8);
  fresh.host = "h2";
  fresh.tokens = node(2).tokens;
  gossip_membership d{fresh, {"h1:1"}, {}, 4};
  net.at["h2:1"] = &d;
  net.links.clear();
  net.run(20'000);
  for (const auto* m : {&a, &c, &d}) CAF_CHECK_EQUAL(view(*m), "1:up 3:up 8:up");
  CAF_CHECK(a.view().fingerprint() == c.view().fingerprint());
}

CAF_TEST(a reinstalled node of which gossip told first takes its place when it answers) {
  auto fresh = node(8);
  fresh.host = "h2";
  gossip_membership a{node(1), {}, {}, 1}, c{node(3), {"h1:1"}, {}, 3}, d{fresh, {}, {}, 4};
  bench net;
  net.add(a);
  net.add(c);
  net.run(3000);
  CAF_REQUIRE(a.hello_answered(net.now, "h2:1", node(2)));
  gossip_packet p;
  p.what = gossip_packet::kind::news;
  p.cluster = hash64("c");
  p.sender = c.view().self().key;
  p.address = "h3:1";
  p.facts = {{d.view().self().key, d.view().self().description->encoded}};
  a.received(net.now, encode(p));
  // Whatever is said of either last.
  auto former = a.view().find(2)->key;
  former.state = fact_state::suspect;
  p.facts = {{former, {}}};
  a.received(net.now, encode(p));
  CAF_REQUIRE(contains(view(a), "2:suspect") && contains(view(a), "8:"));
  CAF_REQUIRE(a.hello_answered(net.now, "h2:1", fresh));
  CAF_CHECK(!contains(view(a), "2:"));
  CAF_CHECK(contains(view(a), "8:"));
}

CAF_TEST(a node that was away knows the members when it has compared its view) {
  gossip_memory memory;
  memory.formed = true;
  for (const uint64_t id : {2, 3}) memory.members.push_back({describe(node(id))->encoded, false});
  gossip_membership a{node(1), {}, {}, 1, memory}, c{node(3), {"h1:1"}, {}, 3};
  a.tick(0);
  // Nobody has said anything: all is as it was.
  CAF_CHECK(a.missing().empty());
  CAF_CHECK(a.remembered().formed);
  gossip_packet p;
  p.what = gossip_packet::kind::news;
  p.cluster = hash64("c");
  p.sender = c.view().self().key;
  p.address = "h3:1";
  a.received(100, encode(p));
  CAF_CHECK_EQUAL(a.missing().size(), 2u);
  // Nor can the next run tell whether it has heard all.
  CAF_CHECK(!a.remembered().formed);
  p.what = gossip_packet::kind::same;
  a.received(200, encode(p));
  CAF_CHECK(a.missing().empty());
  CAF_CHECK(a.remembered().formed);
}

CAF_TEST(a removed member is gone everywhere until it is started again) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2}, c{node(3), {"h1:1"}, {}, 3};
  bench net;
  for (auto* m : {&a, &b, &c}) net.add(*m);
  net.run(5000);
  net.at.erase("h3:1");
  net.carry(a, a.remove(net.now, 3));
  net.run(8000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up");
  CAF_CHECK_EQUAL(view(b), "1:up 2:up");
  gossip_membership again{node(3, 2), {"h2:1"}, {}, 5};
  net.links.clear();
  net.add(again);
  net.run(15'000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:up");
}

CAF_TEST(a node that gives up its places on the ring is leaving and asked until it departs) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2}, c{node(3), {"h1:1"}, {}, 3};
  bench net;
  for (auto* m : {&a, &b, &c}) net.add(*m);
  net.run(5000);
  auto empty = node(3, 2);
  empty.tokens.clear();
  // What is no newer start of this node changes nothing.
  net.carry(c, c.redescribe(net.now, node(3)));
  net.carry(c, c.redescribe(net.now, node(2, 9)));
  CAF_CHECK_EQUAL(view(c), "1:up 2:up 3:up");
  net.carry(c, c.redescribe(net.now, empty));
  net.run(7000);
  for (const auto* m : {&a, &b, &c}) {
    CAF_CHECK_EQUAL(view(*m), "1:up 2:up 3:leaving");
    CAF_CHECK(m->members().back().state == member_state::draining);
    CAF_CHECK(m->members().back().info.tokens.empty());
    CAF_CHECK(m->missing().empty());
  }
  // It is probed like any other.
  net.silent.insert("h3:1");
  net.run(10'000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:suspect");
  net.silent.clear();
  net.run(12'000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:leaving");
  // It may take them back, or go.
  net.carry(c, c.redescribe(net.now, node(3, 3)));
  net.run(14'000);
  CAF_CHECK_EQUAL(view(b), "1:up 2:up 3:up");
  empty.incarnation = 4;
  net.carry(c, c.redescribe(net.now, empty));
  net.run(16'000);
  net.carry(c, c.depart(net.now));
  net.run(18'000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up");
  CAF_CHECK_EQUAL(view(b), "1:up 2:up");
  CAF_CHECK_EQUAL(net.returns, 0u);
  net.at.erase("h3:1");
  net.run(200'000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up");
  // Started again it is a member like any other.
  gossip_membership again{node(3, 5), {"h1:1"}, {}, 7};
  net.links.clear();
  net.add(again);
  net.run(210'000);
  CAF_CHECK_EQUAL(view(b), "1:up 2:up 3:up");
}

CAF_TEST(the last node of a cluster may depart) {
  gossip_membership a{node(1), {}, {}, 1}, b{node(2), {"h1:1"}, {}, 2};
  bench net;
  net.add(a);
  net.add(b);
  net.run(3000);
  net.silent.insert("h2:1");
  net.run(15'000);
  net.carry(a, a.depart(net.now));
  net.run(20'000);
  CAF_CHECK_EQUAL(a.members().size(), 2u);
}

namespace {

gossip_options give_up_after(int64_t ms) {
  gossip_options options;
  options.down_after_ms = ms;
  options.most_given_up = 5;
  return options;
}

}  // namespace

CAF_TEST(a member that stays down is removed by those who see a majority) {
  const auto options = give_up_after(20'000);
  gossip_membership a{node(1), {}, options, 1}, b{node(2), {"h1:1"}, options, 2},
      c{node(3), {"h1:1"}, options, 3};
  bench net;
  for (auto* m : {&a, &b, &c}) net.add(*m);
  net.run(5000);
  CAF_CHECK(!a.down_since_ms(3));
  net.at.erase("h3:1");
  net.run(15'000);
  CAF_REQUIRE_EQUAL(view(a), "1:up 2:up 3:down");
  const auto since = a.down_since_ms(3);
  CAF_REQUIRE(since);
  CAF_CHECK(*since > 5000 && *since < 15'000);
  net.run(*since + 19'500);
  CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:down");
  net.run(*since + 22'000);
  for (const auto* m : {&a, &b}) CAF_CHECK_EQUAL(view(*m), "1:up 2:up");
  CAF_CHECK(a.view().fingerprint() == b.view().fingerprint());
  // One of two is no majority.
  net.at.erase("h2:1");
  net.run(200'000);
  CAF_CHECK_EQUAL(view(a), "1:up 2:down");
}

CAF_TEST(who is away for less than the time or forever where that is asked for stays a member) {
  for (const int64_t down_after : {0, 60'000}) {
    const auto options = give_up_after(down_after);
    gossip_membership a{node(1), {}, options, 1}, b{node(2), {"h1:1"}, options, 2},
        c{node(3), {"h1:1"}, options, 3};
    bench net;
    for (auto* m : {&a, &b, &c}) net.add(*m);
    net.run(5000);
    for (int i = 0; i < 4; ++i) {
      net.silent.insert("h3:1");
      net.run(net.now + (down_after == 0 ? 400'000 : 55'000));
      CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:down");
      net.silent.clear();
      net.run(net.now + 10'000);
      CAF_CHECK_EQUAL(view(a), "1:up 2:up 3:up");
    }
    CAF_CHECK_EQUAL(net.returns, 0u);
  }
}

CAF_TEST(a minority removes nobody and is a part of the cluster again when it is seen) {
  const auto options = give_up_after(10'000);
  std::vector<std::unique_ptr<gossip_membership>> nodes;
  for (uint64_t id = 1; id <= 5; ++id)
    nodes.push_back(std::make_unique<gossip_membership>(node(id), std::vector<std::string>{"h1:1"},
                                                        options, id));
  // Two worlds: those that are cut off hear each other only.
  bench net;
  for (auto& m : nodes) net.add(*m);
  net.run(10'000);
  bench minority;
  minority.now = net.now;
  for (const auto* address : {"h4:1", "h5:1"}) {
    minority.at[address] = net.at[address];
    net.at.erase(address);
  }
  net.run(60'000);
  minority.run(60'000);
  CAF_CHECK_EQUAL(view(*nodes[0]), "1:up 2:up 3:up");
  CAF_CHECK_EQUAL(view(*nodes[4]), "1:down 2:down 3:down 4:up 5:up");
  for (const auto& [address, m] : minority.at) net.at[address] = m;
  net.links.clear();
  net.run(100'000);
  for (auto& m : nodes) CAF_CHECK_EQUAL(view(*m), "1:up 2:up 3:up 4:up 5:up");
  // Both have found out that they were removed, and joined again.
  CAF_CHECK(net.returns >= 2);
  CAF_CHECK_EQUAL(nodes[3]->self().incarnation, 2u);
}

CAF_TEST(halves that have removed each other find together again) {
  const auto options = give_up_after(10'000);
  gossip_membership a{node(1), {}, options, 1}, b{node(2), {"h1:1"}, options, 2},
      c{node(3), {"h1:1"}, options, 3};
  bench net;
  for (auto* m : {&a, &b, &c}) net.add(*m);
  net.run(5000);
  // As it may be after several cuts in a row.
  bench apart;
  apart.now = net.now;
  apart.add(c);
  net.at.erase("h3:1");
  (void)a.remove(net.now, 3);
  (void)b.remove(net.now, 3);
  (void)c.remove(net.now, 1);
  (void)c.remove(net.now, 2);
  net.run(30'000);
  apart.run(30'000);
  CAF_CHECK_EQUAL(view(c), "3:up");
  net.add(c);
  net.links.clear();
  net.run(200'000);
  for (const auto* m : {&a, &b, &c}) CAF_CHECK_EQUAL(view(*m), "1:up 2:up 3:up");
}

CAF_TEST(another cluster and a distant protocol are refused with a message that says so) {
  auto self = node(1);
  self.protocol = protocol_version + 5;
  gossip_membership m{self, {"h2:1"}, {}, 1};
  auto stranger = node(2);
  stranger.cluster = "other";
  stranger.protocol = self.protocol;
  const auto why = refusal(m, stranger);
  CAF_CHECK(why.code == ec::incompatible);
  CAF_CHECK(contains(why.why, "'other'"));
  CAF_CHECK(contains(why.why, "'c'"));
  CAF_CHECK(!m.hello_answered(0, "h2:1", stranger));
  CAF_CHECK(contains(m.problems().at("h2:1").why, "'other'"));
  CAF_CHECK(m.missing() == std::vector<std::string>{"h2:1"});
  for (const auto protocol : {self.protocol - 1, self.protocol, self.protocol + 1}) {
    auto peer = node(3);
    peer.protocol = protocol;
    CAF_CHECK(m.hello_received(0, peer).has_value());
  }
  for (const auto protocol : {uint32_t{0}, self.protocol - 2, self.protocol + 2, UINT32_MAX}) {
    auto peer = node(3);
    peer.protocol = protocol;
    const auto refused = refusal(m, peer);
    CAF_CHECK(refused.code == ec::incompatible);
    CAF_CHECK(contains(refused.why, "protocol " + std::to_string(protocol)));
  }
}

CAF_TEST(nodes without id or address or with what another has are refused) {
  gossip_membership m{node(1), {}, {}, 1};
  CAF_REQUIRE(m.hello_answered(0, "h2:1", node(2)));
  auto peer = node(3);
  peer.id = 0;
  CAF_CHECK(refusal(m, peer).code == ec::invalid_argument);
  peer = node(3);
  peer.port = 0;
  CAF_CHECK(refusal(m, peer).code == ec::invalid_argument);
  peer = node(3);
  peer.host = "h1";
  CAF_CHECK(refusal(m, peer).code == ec::conflict);
  peer = node(3);
  peer.tokens = {7, 2000};
  const auto token = refusal(m, peer);
  CAF_CHECK(token.code == ec::conflict);
  CAF_CHECK(contains(token.why, "token 2000"));
  CAF_CHECK(contains(token.why, node_name(2)));
  auto copy = node(1);
  copy.host = "h9";
  CAF_CHECK(refusal(m, copy).code == ec::conflict);
  copy = node(2);
  copy.host = "h9";
  CAF_CHECK(contains(refusal(m, copy).why, "h2:1"));
  peer = node(3);
  peer.tokens.clear();
  for (size_t i = 0; i <= defaults::max_tokens_per_node; ++i) peer.tokens.push_back(i + 5000);
  CAF_CHECK(refusal(m, peer).code == ec::limit_exceeded);
  CAF_CHECK_EQUAL(view(m), "1:up 2:joining");
}

CAF_TEST(there is a bound on members) {
  gossip_membership m{node(1), {}, {}, 1};
  for (uint64_t id = 2; id <= defaults::max_members; ++id) {
    auto peer = node(id);
    CAF_REQUIRE(m.hello_answered(0, peer.address(), peer));
  }
  CAF_CHECK_EQUAL(m.members().size(), defaults::max_members);
  CAF_CHECK(refusal(m, node(defaults::max_members + 1)).code == ec::limit_exceeded);
}

CAF_TEST(a restarted node knows the members of its last run though none of them lives) {
  gossip_membership a{node(1), {"h2:1", "h3:1"}, {}, 1}, b{node(2), {"h1:1"}, {}, 2},
      c{node(3), {"h1:1"}, {}, 3};
  bench net;
  for (auto* m : {&a, &b, &c}) net.add(*m);
  net.run(5000);
  const auto bytes = encode(a.remembered());
  const auto memory = decode_gossip_memory(bytes);
  CAF_REQUIRE(memory.has_value());
  CAF_CHECK(*memory == a.remembered());
  for (size_t n = 0; n < bytes.size(); ++n) CAF_REQUIRE(!decode_gossip_memory(bytes.substr(0, n)));

  gossip_membership again{node(1, 2), {"h2:1", "h3:1", "h7:1"}, {}, 4, *memory};
  CAF_CHECK(again.missing().empty());
  CAF_CHECK_EQUAL(view(again), "1:joining 2:joining 3:joining");
  bench alone;
  alone.add(again);
  alone.run(20'000);
  CAF_CHECK_EQUAL(view(again), "1:up 2:down 3:down");

  // One that never saw all of its peers still waits for them.
  gossip_membership lonely{node(9), {"h8:1"}, {}, 5};
  gossip_membership next{node(9, 2), {"h8:1"}, {}, 5, lonely.remembered()};
  CAF_CHECK_EQUAL(next.missing().size(), 1u);
}

CAF_TEST(what protocol 2 remembered is read) {
  std::string bytes{"\x01\x01", 2};
  bytes += std::string{"\x04"} + "h2:1" + '\x01';
  const auto info = encode(node(2));
  bytes += char(info.size());
  bytes += info;
  const auto memory = decode_gossip_memory(bytes);
  CAF_REQUIRE(memory.has_value());
  gossip_membership m{node(1), {}, {}, 1, *memory};
  CAF_CHECK_EQUAL(view(m), "1:joining 2:joining");
}

CAF_TEST(a node of the protocol before is a member by its answers to hello) {
  gossip_membership m{node(1), {"h2:1"}, {}, 1};
  auto old = node(2);
  old.protocol = min_gossip_protocol - 1;
  // A packet to it becomes a hello; its answer is told.
  bool answers = true;
  auto pass = [&](int64_t until) {
    static int64_t now = 0;
    for (; now < until; now += 100)
      for (const auto& e : m.tick(now))
        if (const auto* s = std::get_if<gossip_membership::send>(&e); s != nullptr && answers)
          m.hello_answered(now, s->address, old);
  };
  pass(3000);
  CAF_CHECK_EQUAL(view(m), "1:up 2:up");
  CAF_CHECK(m.missing().empty());
  answers = false;
  pass(20'000);
  CAF_CHECK_EQUAL(view(m), "1:up 2:down");
  answers = true;
  pass(30'000);
  CAF_CHECK_EQUAL(view(m), "1:up 2:up");
  CAF_REQUIRE(!m.left(30'000, 2).empty());
  CAF_CHECK_EQUAL(view(m), "1:up 2:leaving");
}

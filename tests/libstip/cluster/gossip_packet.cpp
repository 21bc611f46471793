#define CAF_SUITE cluster.gossip_packet
#include "libstip/cluster/gossip_packet.hpp"

#include <caf/test/unit_test.hpp>
#include <random>

#include "libstip/cluster/gossip_membership.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/ring/ring.hpp"

using namespace stip;

namespace {

using kind = gossip_packet::kind;

member_info node(uint64_t id) {
  std::string host = "host";
  host.append(std::to_string(id));
  return {id, 1, "c", host, 1, derive_tokens(id, 1024), "", "0.1.0", protocol_version};
}

fact_key key_of(const description_ptr& d, fact_state state) {
  return {d->info.id, d->info.incarnation, 3, state, d->hash};
}

gossip_packet sample(kind what, const description_ptr& a, const description_ptr& b) {
  gossip_packet p;
  p.what = what;
  p.cluster = 77;
  p.sender = key_of(a, fact_state::up);
  p.address = a->address;
  p.formed = true;
  p.target = 9;
  if (what == kind::ping || what == kind::ack || what == kind::ask) {
    p.number = 5;
    p.about = 6;
  }
  if (what == kind::sync) p.view = 0xfeed;
  if (what <= kind::news || what == kind::facts)
    p.facts = {{key_of(a, fact_state::suspect), {}}, {key_of(b, fact_state::up), b->encoded}};
  if (what == kind::digest) p.keys = {key_of(a, fact_state::up), key_of(b, fact_state::removed)};
  if (what == kind::want) p.ids = {1, 2, 3};
  return p;
}

}  // namespace

CAF_TEST(every kind of packet survives the wire) {
  const auto a = describe(node(1));
  const auto b = describe(node(2));
  for (auto what = kind::ping; what <= kind::facts; what = kind(uint8_t(what) + 1)) {
    const auto p = sample(what, a, b);
    const auto bytes = encode(p);
    const auto back = decode_gossip_packet(bytes);
    CAF_REQUIRE(back.has_value());
    CAF_CHECK(*back == p);
  }
}

CAF_TEST(a member with derived tokens takes less than a hundred bytes) {
  CAF_CHECK(encode(node(1)).size() < 100);
}

CAF_TEST(hostile packets are refused or read as what they say) {
  const auto a = describe(node(1));
  const auto b = describe(node(2));
  std::mt19937_64 rng(7);
  gossip_membership machine{node(3), {}, {}, 1};
  machine.tick(0);
  for (auto what = kind::ping; what <= kind::facts; what = kind(uint8_t(what) + 1)) {
    const auto bytes = encode(sample(what, a, b));
    for (size_t n = 0; n < bytes.size(); ++n) {
      const auto part = bytes.substr(0, n);
      CAF_REQUIRE(!decode_gossip_packet(part));
      CAF_REQUIRE(machine.received(1, part).empty());
    }
    CAF_CHECK(!decode_gossip_packet(bytes + "x"));
    for (int i = 0; i < 20'000; ++i) {
      auto broken = bytes;
      for (auto flips = 1 + rng() % 4; flips > 0; --flips)
        broken[rng() % broken.size()] = static_cast<char>(rng());
      if (const auto read = decode_gossip_packet(broken)) CAF_REQUIRE(encode(*read) == broken);
    }
  }
  std::string noise;
  for (int i = 0; i < 20'000; ++i) {
    noise.resize(rng() % 200);
    for (auto& c : noise) c = static_cast<char>(rng());
    // Random bytes with a valid beginning.
    if (noise.size() > 2) noise[0] = 1;
    if (noise.size() > 2) noise[1] = char(1 + rng() % 9);
    if (const auto read = decode_gossip_packet(noise)) CAF_REQUIRE(encode(*read) == noise);
  }
}

CAF_TEST(a machine that is fed with broken packets of its own cluster keeps its bounds) {
  std::mt19937_64 rng(11);
  gossip_membership one{node(1), {}, {}, 1};
  gossip_membership two{node(2), {"host1:1"}, {}, 2};
  gossip_membership victim{node(3), {"host1:1"}, {}, 3};
  std::vector<std::string> packets;
  auto collect = [&](const gossip_membership::effects& effects) {
    for (const auto& e : effects)
      if (const auto* s = std::get_if<gossip_membership::send>(&e)) packets.push_back(s->packet);
  };
  size_t fed = 0;
  for (int64_t now = 0; now < 3000; now += 100) {
    collect(one.tick(now));
    collect(two.tick(now));
    if (now == 500) collect(*two.hello_answered(now, "host1:1", one.self()));
    if (now == 600) collect(*one.hello_answered(now, "host2:1", two.self()));
    for (const auto& p : std::exchange(packets, {})) {
      collect(one.received(now, p));
      collect(two.received(now, p));
      for (int i = 0; i < 100; ++i, ++fed) {
        auto broken = p;
        for (auto flips = 1 + rng() % 3; flips > 0; --flips)
          broken[rng() % broken.size()] = static_cast<char>(rng());
        for (const auto& e : victim.received(now, broken))
          if (const auto* s = std::get_if<gossip_membership::send>(&e))
            CAF_REQUIRE(s->packet.size() <= defaults::max_gossip_packet_bytes);
      }
    }
    victim.tick(now);
  }
  CAF_CHECK(fed > 1000);
  CAF_CHECK(victim.members().size() <= defaults::max_members);
  CAF_CHECK(victim.problems().size() <= defaults::max_membership_problems);
}

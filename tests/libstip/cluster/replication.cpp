#define CAF_SUITE cluster.replication
#include "libstip/cluster/replication.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <random>
#include <set>

#include "libstip/cluster/member.hpp"

using namespace stip;

namespace {

constexpr std::string_view base32 = "0123456789bcdefghjkmnpqrstuvwxyz";

ring make_ring(size_t nodes, size_t tokens, size_t racks, uint64_t seed = 1) {
  std::vector<ring_node> all;
  for (size_t i = 0; i < nodes; ++i)
    all.push_back({seed * 1000 + i, racks > 1 ? "r" + std::to_string(i % racks) : "",
                   derive_tokens(seed * 1000 + i, tokens)});
  auto made = ring::make(std::move(all), 1);
  if (!made) CAF_FAIL(to_string(made.error()));
  return *made;
}

album make_album(uint32_t replication, replica_placement placement = replica_placement::ring) {
  album a;
  a.name = "a";
  a.replication = replication;
  a.placement = placement;
  return a;
}

std::string random_geocode(std::mt19937_64& random, size_t length = 5) {
  std::string code;
  while (code.size() < length) code += base32[random() % base32.size()];
  return code;
}

bool distinct(const std::vector<uint64_t>& nodes) {
  return std::set<uint64_t>(nodes.begin(), nodes.end()).size() == nodes.size();
}

}  // namespace

CAF_TEST(a write and a read that are confirmed share a replica) {
  const size_t needed[] = {1, 2, 2, 3, 3};
  for (size_t copies = 1; copies <= 5; ++copies) {
    CAF_CHECK_EQUAL(copies_to_confirm(copies), needed[copies - 1]);
    CAF_CHECK_EQUAL(copies_to_confirm(copies) + replicas_to_ask(copies), copies + 1);
  }
}

CAF_TEST(an album has no more copies than there are nodes with tokens) {
  const auto two = make_ring(2, 8, 1);
  CAF_CHECK_EQUAL(copies_of(two, make_album(5)), 2u);
  CAF_CHECK_EQUAL(replicas(two, make_album(5), "u4pru").size(), 2u);
  CAF_CHECK_EQUAL(copies_of(ring{}, make_album(2)), 0u);
  CAF_CHECK(replicas(ring{}, make_album(2), "u4pru").empty());
}

CAF_TEST(every node is a holder once and the replicas come first) {
  std::mt19937_64 random{7};
  for (const auto placement : {replica_placement::ring, replica_placement::parent})
    for (const size_t racks : {1, 3}) {
      const auto r = make_ring(6, 16, racks);
      const auto a = make_album(3, placement);
      for (int i = 0; i < 500; ++i) {
        const auto code = random_geocode(random);
        const auto all = holders(r, a, code, r.owners());
        CAF_REQUIRE_EQUAL(all.size(), 6u);
        CAF_REQUIRE(distinct(all));
        auto few = holders(r, a, code, 3);
        CAF_REQUIRE(few == replicas(r, a, code));
        CAF_REQUIRE(distinct(few));
        // Where racks are not in the way, fewer are the beginning of more.
        if (racks == 1) CAF_REQUIRE(std::equal(few.begin(), few.end(), all.begin()));
        CAF_REQUIRE(few.front() == r.replicas(ring_token(code), 1).front());
      }
    }
}

CAF_TEST(with placement by parent the second copies of the children of a cell lie on few nodes) {
  const auto r = make_ring(8, 64, 1);
  const auto a = make_album(2, replica_placement::parent);
  std::mt19937_64 random{11};
  for (int i = 0; i < 50; ++i) {
    const auto parent = random_geocode(random, 4);
    std::set<uint64_t> seconds, firsts;
    for (const auto c : base32) {
      const auto both = replicas(r, a, parent + c);
      firsts.insert(both[0]);
      seconds.insert(both[1]);
    }
    CAF_CHECK(firsts.size() > 2);
    // The first node of the parent's token, or the next where the child's own is that node.
    CAF_CHECK(seconds.size() <= 2);
  }
}

CAF_TEST(with placement by parent the second copy stands on another rack) {
  const auto r = make_ring(6, 64, 2);
  const auto a = make_album(2, replica_placement::parent);
  std::mt19937_64 random{13};
  for (int i = 0; i < 500; ++i) {
    const auto both = replicas(r, a, random_geocode(random));
    CAF_REQUIRE(r.rack_of(both[0]) != r.rack_of(both[1]));
  }
}

CAF_TEST(a node that is away is stood in for by the next that is there) {
  std::mt19937_64 random{17};
  for (int round = 0; round < 400; ++round) {
    const auto nodes = 1 + random() % 7;
    const auto r = make_ring(nodes, 8, 1, round + 1);
    const auto a = make_album(1 + random() % 5);
    std::set<uint64_t> up;
    for (const auto& n : r.nodes())
      if (random() % 3 != 0) up.insert(n.id);
    const auto code = random_geocode(random);
    const auto targets =
        write_targets(r, a, code, [&](uint64_t node) { return up.contains(node); });
    const auto copies = copies_of(r, a);
    // The nodes that are there, in the order in which they hold the cell.
    std::vector<uint64_t> expected;
    for (const auto node : r.replicas(ring_token(code), nodes))
      if (up.contains(node) && expected.size() < copies) expected.push_back(node);
    CAF_REQUIRE_EQUAL(targets.has_value(), expected.size() >= copies_to_confirm(copies));
    if (targets)
      CAF_REQUIRE(*targets == expected);
    else
      for (const auto node : replicas(r, a, code))
        if (!up.contains(node))
          CAF_REQUIRE(targets.error().why.find(node_name(node)) != std::string::npos);
  }
}

CAF_TEST(ranges are covered when each has enough replicas that answered) {
  std::mt19937_64 random{19};
  size_t both[2] = {0, 0};
  for (int round = 0; round < 300; ++round) {
    const auto r = make_ring(2 + random() % 6, 2, 1 + random() % 3, round + 1);
    const auto a = make_album(1 + random() % 4);
    const auto needed = 1 + random() % copies_of(r, a);
    std::set<uint64_t> up;
    for (const auto& n : r.nodes())
      if (random() % 4 != 0) up.insert(n.id);
    const auto answered = [&](uint64_t node) { return up.contains(node); };
    bool expected = true;
    for (const auto& n : r.nodes())
      for (const auto token : n.tokens) {
        size_t there = 0;
        for (const auto node : r.replicas(token, copies_of(r, a))) there += up.contains(node);
        expected &= there >= needed;
      }
    const bool covered = covers(r, a, needed, answered);
    CAF_REQUIRE_EQUAL(covered, expected);
    ++both[covered];
  }
  CAF_CHECK(both[0] > 20 && both[1] > 20);
}

CAF_TEST(a draining node that does not answer counts like one that owns something) {
  const auto owners = make_ring(3, 16, 1);
  auto all = owners.nodes();
  all.push_back({1, "", {}});
  const auto made = ring::make(std::move(all), 2);
  CAF_REQUIRE(made.has_value());
  const auto owner = owners.nodes().front().id;
  for (const uint32_t copies : {1u, 2u, 3u}) {
    const auto a = make_album(copies);
    const auto needed = replicas_to_ask(copies);
    CAF_CHECK(covers(*made, a, needed, [](uint64_t) { return true; }));
    // With one copy it may be the only one that has an image.
    CAF_CHECK_EQUAL(covers(*made, a, needed, [](uint64_t node) { return node != 1; }), copies > 1);
    // Two of them that are away are too many for two copies.
    CAF_CHECK(!covers(*made, a, needed, [&](uint64_t node) { return node != 1 && node != owner; }));
  }
}

CAF_TEST(an answer knows all unless those that are missing could have confirmed something alone) {
  for (const size_t nodes : {1u, 2u, 3u, 5u, 6u})
    for (const uint32_t copies : {1u, 2u, 3u, 5u}) {
      const auto r = make_ring(nodes, 4, 2);
      const auto a = make_album(copies);
      const auto to_confirm = copies_to_confirm(copies_of(r, a));
      for (size_t answered = 0; answered < size_t{1} << nodes; ++answered) {
        size_t missing = 0;
        const auto is_there = [&](uint64_t node) {
          for (size_t i = 0; i < nodes; ++i)
            if (r.nodes()[i].id == node) return (answered >> i & 1) != 0;
          return false;
        };
        for (const auto& n : r.nodes()) missing += !is_there(n.id);
        CAF_REQUIRE_EQUAL(knows_all(r, a, is_there), missing < to_confirm);
      }
    }
}

CAF_TEST(as many nodes may fail as leave enough of those that a chip goes to) {
  const auto r = make_ring(5, 8, 1);
  for (const uint32_t copies : {1u, 2u, 3u, 5u}) {
    const auto a = make_album(copies);
    for (size_t there = 1; there <= 5; ++there) {
      const auto is_there = [&](uint64_t node) {
        for (size_t i = 0; i < there; ++i)
          if (r.nodes()[i].id == node) return true;
        return false;
      };
      const auto targets = write_targets(r, a, "7nkh2", is_there);
      if (!targets) continue;
      CAF_CHECK_EQUAL(spare_nodes(r, a, is_there), targets->size() - copies_to_confirm(copies));
    }
  }
}

CAF_TEST(who stands in is on a rack of its own where there is one) {
  const auto r = make_ring(6, 16, 3);
  const auto a = make_album(3);
  std::mt19937_64 random{23};
  for (int i = 0; i < 300; ++i) {
    const auto code = random_geocode(random);
    const auto away = replicas(r, a, code)[random() % 3];
    const auto targets = write_targets(r, a, code, [&](uint64_t node) { return node != away; });
    CAF_REQUIRE(targets);
    std::set<std::string_view> racks;
    for (const auto node : *targets) racks.insert(r.rack_of(node));
    CAF_REQUIRE_EQUAL(racks.size(), 3u);
  }
}

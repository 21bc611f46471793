#define CAF_SUITE ring.ring
#include "libstip/ring/ring.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "libstip/core/defaults.hpp"

using namespace stip;

namespace {

constexpr uint64_t seed = 20260731;

ring made(std::vector<ring_node> nodes, uint64_t version = 1) {
  auto out = ring::make(std::move(nodes), version);
  if (!out) CAF_FAIL("no ring: " << to_string(out.error()));
  return *out;
}

/// Racks "a", "b", ...; tokens from a small space in every other case, so that they lie dense.
std::vector<ring_node> random_nodes(std::mt19937_64& rng, size_t count, size_t racks) {
  std::vector<ring_node> nodes;
  std::set<uint64_t> taken;
  const bool dense = rng() % 2 == 0;
  for (size_t i = 0; i < count; ++i) {
    ring_node node{rng(), std::string(1, static_cast<char>('a' + rng() % racks)), {}};
    const auto tokens = rng() % 9;
    while (node.tokens.size() < tokens) {
      const auto token = dense ? rng() % 1000 : rng();
      if (taken.insert(token).second) node.tokens.push_back(token);
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

/// All owners in the order in which a walk clockwise from the token meets them.
std::vector<const ring_node*> walk(const std::vector<ring_node>& nodes, uint64_t token) {
  std::vector<std::pair<uint64_t, const ring_node*>> by_distance;
  for (const auto& node : nodes)
    for (const auto t : node.tokens) by_distance.emplace_back(t - token, &node);
  std::sort(by_distance.begin(), by_distance.end());
  std::vector<const ring_node*> out;
  for (const auto& [distance, node] : by_distance)
    if (std::find(out.begin(), out.end(), node) == out.end()) out.push_back(node);
  return out;
}

std::vector<uint64_t> brute_force(const std::vector<ring_node>& nodes, uint64_t token,
                                  size_t count) {
  std::vector<uint64_t> first;
  std::vector<uint64_t> rest;
  std::set<std::string> racks;
  for (const auto* node : walk(nodes, token))
    (racks.insert(node->rack).second ? first : rest).push_back(node->id);
  first.insert(first.end(), rest.begin(), rest.end());
  if (first.size() > count) first.resize(count);
  return first;
}

/// Tokens at, just before and just after every point, the ends of the space, and random ones.
std::vector<uint64_t> interesting_tokens(const std::vector<ring_node>& nodes,
                                         std::mt19937_64& rng) {
  std::vector<uint64_t> out{0, 1, UINT64_MAX, UINT64_MAX - 1, rng(), rng(), rng()};
  for (const auto& node : nodes)
    for (const auto t : node.tokens) out.insert(out.end(), {t - 1, t, t + 1});
  return out;
}

}  // namespace

CAF_TEST(replicas equal those of a walk over all tokens) {
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 rng(seed);
  for (int round = 0; round < 300; ++round) {
    const auto nodes = random_nodes(rng, rng() % 12, 1 + rng() % 5);
    const auto r = made(nodes);
    for (const auto token : interesting_tokens(nodes, rng)) {
      for (const size_t count :
           {size_t{0}, size_t{1}, size_t{2}, size_t{3}, size_t{5}, size_t{99}}) {
        const auto found = r.replicas(token, count);
        const auto expected = brute_force(nodes, token, count);
        if (found != expected)
          CAF_FAIL("round " << round << " token " << token << " count " << count << ": "
                            << caf::deep_to_string(found) << " instead of "
                            << caf::deep_to_string(expected));
      }
    }
  }
}

CAF_TEST(a node owns the tokens after its predecessor and up to its own) {
  const auto r = made({{1, "", {100}}, {2, "", {200}}});
  const auto owner = [&](uint64_t token) { return r.replicas(token, 1).at(0); };
  CAF_CHECK_EQUAL(owner(100), 1u);
  CAF_CHECK_EQUAL(owner(101), 2u);
  CAF_CHECK_EQUAL(owner(200), 2u);
  CAF_CHECK_EQUAL(owner(201), 1u);
  CAF_CHECK_EQUAL(owner(UINT64_MAX), 1u);
  CAF_CHECK_EQUAL(owner(0), 1u);
}

CAF_TEST(copies lie on distinct racks as far as there are enough) {
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 rng(seed + 1);
  for (int round = 0; round < 200; ++round) {
    const auto nodes = random_nodes(rng, 1 + rng() % 12, 1 + rng() % 5);
    const auto r = made(nodes);
    std::map<uint64_t, std::string> rack_of;
    std::set<std::string> owning_racks;
    size_t owners = 0;
    for (const auto& node : nodes) {
      rack_of[node.id] = node.rack;
      if (node.tokens.empty()) continue;
      owning_racks.insert(node.rack);
      ++owners;
    }
    for (size_t count = 1; count < 7; ++count) {
      const auto found = r.replicas(rng(), count);
      std::set<std::string> racks;
      for (const auto id : found) racks.insert(rack_of.at(id));
      CAF_REQUIRE(found.size() == std::min(count, owners));
      CAF_REQUIRE(std::set<uint64_t>(found.begin(), found.end()).size() == found.size());
      CAF_REQUIRE(racks.size() == std::min(count, owning_racks.size()));
    }
  }
}

CAF_TEST(shares sum to one and say how often a random token falls to a node) {
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 rng(seed + 2);
  for (int round = 0; round < 20; ++round) {
    auto nodes = random_nodes(rng, 2 + rng() % 8, 2);
    nodes.push_back({7, "", derive_tokens(7, 16)});
    const auto r = made(nodes);
    double sum = 0;
    for (const auto& node : nodes) sum += r.share(node.id);
    CAF_REQUIRE(std::abs(sum - 1) < 1e-12);
    constexpr int draws = 20'000;
    std::map<uint64_t, int> hits;
    for (int i = 0; i < draws; ++i) ++hits[r.replicas(rng(), 1).at(0)];
    for (const auto& node : nodes)
      CAF_REQUIRE(std::abs(r.share(node.id) - double(hits[node.id]) / draws) < 0.03);
  }
}

CAF_TEST(shares of special rings) {
  const auto empty = ring();
  CAF_CHECK_EQUAL(empty.share(1), 0.0);
  CAF_CHECK(empty.replicas(5, 3).empty());
  const auto alone = made({{1, "", {42}}});
  CAF_CHECK_EQUAL(alone.share(1), 1.0);
  CAF_CHECK_EQUAL(alone.share(2), 0.0);
  const auto alone_with_many = made({{1, "", {0, 42, UINT64_MAX}}, {2, "", {}}});
  CAF_CHECK_EQUAL(alone_with_many.share(1), 1.0);
  CAF_CHECK_EQUAL(alone_with_many.share(2), 0.0);
  const auto halves = made({{1, "", {0}}, {2, "", {uint64_t{1} << 63}}});
  CAF_CHECK_EQUAL(halves.share(1), 0.5);
  CAF_CHECK_EQUAL(halves.share(2), 0.5);
}

CAF_TEST(a new node takes keys and no other node does) {
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 rng(seed + 3);
  for (int round = 0; round < 100; ++round) {
    auto nodes = random_nodes(rng, 1 + rng() % 8, 1);
    nodes.push_back({1, "a", derive_tokens(1, 8)});
    const auto before = made(nodes);
    nodes.push_back({2, "a", derive_tokens(2, 8)});
    const auto after = made(nodes, 2);
    for (int i = 0; i < 200; ++i) {
      const auto token = rng();
      const auto was = before.replicas(token, 1).at(0);
      const auto is = after.replicas(token, 1).at(0);
      CAF_REQUIRE(is == was || is == 2);
      // Copies: the old ones stay in their order, but for the last that the new node replaces.
      auto copies = after.replicas(token, 3);
      auto old_copies = before.replicas(token, 3);
      if (std::erase(copies, 2u) > 0 && copies.size() < old_copies.size()) old_copies.pop_back();
      CAF_REQUIRE(copies == old_copies);
    }
  }
}

CAF_TEST(a ring does not depend on the order in which nodes and tokens are named) {
  std::mt19937_64 rng(seed + 4);
  auto nodes = random_nodes(rng, 10, 3);
  const auto one = made(nodes, 9);
  std::shuffle(nodes.begin(), nodes.end(), rng);
  for (auto& node : nodes) std::shuffle(node.tokens.begin(), node.tokens.end(), rng);
  const auto other = made(nodes, 9);
  CAF_CHECK(one.nodes() == other.nodes());
  CAF_CHECK_EQUAL(other.version(), 9u);
  for (int i = 0; i < 1000; ++i) {
    const auto token = rng();
    CAF_REQUIRE(one.replicas(token, 3) == other.replicas(token, 3));
  }
}

CAF_TEST(two nodes with one token or one id are refused and named) {
  const auto token_twice = ring::make({{1, "", {5, 9}}, {2, "", {7, 9}}}, 1);
  CAF_REQUIRE(!token_twice.has_value());
  CAF_CHECK(token_twice.error().code == ec::conflict);
  CAF_CHECK(token_twice.error().why.find("0000000000000001") != std::string::npos);
  CAF_CHECK(token_twice.error().why.find("0000000000000002") != std::string::npos);
  CAF_CHECK(token_twice.error().why.find("token 9") != std::string::npos);
  const auto id_twice = ring::make({{3, "", {5}}, {3, "", {7}}}, 1);
  CAF_REQUIRE(!id_twice.has_value());
  CAF_CHECK(id_twice.error().code == ec::conflict);
  CAF_CHECK(ring::make({{3, "", {5, 5}}}, 1).has_value());
}

CAF_TEST(derived tokens are distinct sorted stable and even) {
  const auto tokens = derive_tokens(0x0123456789abcdef, 64);
  CAF_REQUIRE_EQUAL(tokens.size(), 64u);
  CAF_CHECK(std::is_sorted(tokens.begin(), tokens.end()));
  CAF_CHECK(std::adjacent_find(tokens.begin(), tokens.end()) == tokens.end());
  const auto fewer = derive_tokens(0x0123456789abcdef, 8);
  CAF_CHECK(std::includes(tokens.begin(), tokens.end(), fewer.begin(), fewer.end()));
  CAF_CHECK(derive_tokens(1, 0).empty());
  std::vector<ring_node> nodes;
  for (uint64_t id = 1; id <= 10; ++id) nodes.push_back({id, "", derive_tokens(id, 256)});
  const auto r = made(nodes);
  for (const auto& node : nodes) {
    CAF_CHECK(r.share(node.id) > 0.07);
    CAF_CHECK(r.share(node.id) < 0.13);
  }
}

CAF_TEST(tokens of keys and nodes never change) {
  // They decide where stored data lies: another value here would lose it.
  CAF_CHECK_EQUAL(ring_token(""), 0x2d06800538d394c2u);
  CAF_CHECK_EQUAL(ring_token("9x"), 0x6a3b45a58a636fe6u);
  const auto first = derive_tokens(1, 1);
  CAF_CHECK_EQUAL(first.at(0), 0x26f2a1148cf52011u);
}

// So many random tokens a node keep the largest share of 64 nodes within 1.1
// times the mean in 95 of 100 clusters.
CAF_TEST(shares are even at the default number of tokens) {
  constexpr size_t node_count = 64;
  constexpr uint64_t clusters = 60;
  std::vector<double> largest;
  for (uint64_t cluster = 0; cluster < clusters; ++cluster) {
    std::mt19937_64 ids{cluster + 1};
    std::vector<ring_node> nodes;
    for (size_t i = 0; i < node_count; ++i) {
      const auto id = ids();
      nodes.push_back({id, "", derive_tokens(id, defaults::tokens_per_node)});
    }
    const auto r = made(std::move(nodes));
    double most = 0;
    for (const auto& n : r.nodes()) most = std::max(most, r.share(n.id));
    largest.push_back(most * node_count);
  }
  std::sort(largest.begin(), largest.end());
  const auto p95 = largest[largest.size() * 95 / 100];
  CAF_MESSAGE("largest share of the mean: median " << largest[largest.size() / 2]
                                                   << ", 95th percentile " << p95);
  CAF_CHECK(p95 <= 1.10);
}

CAF_TEST(a node that joins takes its share of the space and moves nothing else) {
  for (const size_t node_count : {3, 8, 32}) {
    std::mt19937_64 ids{node_count};
    std::vector<ring_node> nodes;
    for (size_t i = 0; i <= node_count; ++i) {
      const auto id = ids();
      nodes.push_back({id, "", derive_tokens(id, defaults::tokens_per_node)});
    }
    const auto joining = nodes.back().id;
    const auto after = made(nodes);
    nodes.pop_back();
    const auto before = made(nodes);
    CAF_CHECK(after.share(joining) <= 1.1 / double(node_count + 1));
    // Between two neighbouring tokens the owner is one: the first token of each arc stands for it.
    for (const auto& n : after.nodes())
      for (const auto token : n.tokens) {
        const auto now = after.replicas(token, 1).front();
        if (now != joining) CAF_REQUIRE(now == before.replicas(token, 1).front());
      }
  }
}

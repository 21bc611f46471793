#define CAF_SUITE cluster.deletion
#include "libstip/cluster/deletion.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <set>

#include "libstip/cluster/member.hpp"

using namespace stip;

namespace {

ring make_ring(size_t nodes) {
  std::vector<ring_node> all;
  for (size_t i = 1; i <= nodes; ++i) all.push_back({i, "", derive_tokens(i, 64)});
  auto made = ring::make(std::move(all), 1);
  if (!made) CAF_FAIL(to_string(made.error()));
  return *made;
}

image_key key_of(size_t number) {
  constexpr std::string_view base32 = "0123456789bcdefghjkmnpqrstuvwxyz";
  image_key key;
  key.platform = "P";
  key.source = "raw";
  key.tile = "t" + std::to_string(number);
  for (size_t i = 0; i < 5; ++i) key.geocode += base32[(number >> (3 * i)) % base32.size()];
  return key;
}

}  // namespace

CAF_TEST(tombstones of one node come to all others that hold the image) {
  const auto nodes = make_ring(5);
  for (const uint32_t replication : {2u, 3u, 5u}) {
    album a;
    a.name = "a";
    a.replication = replication;
    for (uint64_t away = 0; away <= 5; ++away) {
      const is_reachable reachable = [&](uint64_t node) { return node != away; };
      for (uint64_t teller = 1; teller <= 5; ++teller) {
        if (teller == away) continue;
        std::vector<put_tombstone> told;
        for (size_t i = 0; i < 50; ++i) told.push_back({key_of(i * 97), version{int64_t(i), 0, 1}});
        const auto plan = plan_completion(nodes, a, teller, told, reachable);
        CAF_REQUIRE(plan.has_value());
        CAF_CHECK(plan->to_others.empty());
        CAF_CHECK(!plan->to_holders.contains(teller));
        for (const auto& t : told) {
          std::set<uint64_t> have{teller};
          for (const auto& [node, some] : plan->to_holders)
            if (std::find(some.begin(), some.end(), t) != some.end()) have.insert(node);
          const auto targets = write_targets(nodes, a, t.key.geocode, reachable);
          CAF_REQUIRE(targets.has_value());
          for (const auto node : *targets) CAF_CHECK(have.contains(node));
          // With as many failures as are spared, W nodes are left that have it.
          CAF_CHECK(have.size() - spare_nodes(nodes, a, reachable) >=
                    copies_to_confirm(replication));
        }
      }
    }
  }
}

CAF_TEST(tombstones cannot be completed where too few nodes are left) {
  const auto nodes = make_ring(2);
  album a;
  a.name = "a";
  a.replication = 2;
  const auto plan = plan_completion(nodes, a, 1, {{key_of(1), version{1, 0, 1}}},
                                    [](uint64_t node) { return node == 1; });
  CAF_REQUIRE(!plan);
  CAF_CHECK_EQUAL(int(plan.error().code), int(ec::unavailable));
  CAF_CHECK(plan_completion(nodes, a, 1, {}, [](uint64_t) { return false; }).has_value());
}

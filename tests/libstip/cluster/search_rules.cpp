#define CAF_SUITE cluster.search_rules
#include "libstip/cluster/search_rules.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>

using namespace stip;

CAF_TEST(what came is settled by a round that saw it and left nothing over) {
  settling s;
  constexpr uint64_t ring = 7;
  // Nobody knows what lies on the disk.
  CAF_CHECK(!s.is_settled(ring));
  s.whole_round_ended(s.round_began(), ring);
  CAF_CHECK(s.is_settled(ring));
  s.took();
  CAF_CHECK(!s.is_settled(ring));
  const auto seen = s.round_began();
  // What comes during the round may have been passed over.
  s.took();
  s.whole_round_ended(seen, ring);
  CAF_CHECK(!s.is_settled(ring));
  s.whole_round_ended(s.round_began(), ring);
  CAF_CHECK(s.is_settled(ring));
  // With another ring there are other replicas.
  CAF_CHECK(!s.is_settled(ring + 1));
}

CAF_TEST(rows need no second look when all is settled) {
  CAF_CHECK(all_settled({}));
  CAF_CHECK(all_settled({{1, true, 5}, {2, true, INT64_MAX}}));
  CAF_CHECK(!all_settled({{1, true, 5}, {2, false, INT64_MAX}}));
}

CAF_TEST(replicas and those that are not settled are asked about a row) {
  std::vector<ring_node> members;
  for (uint64_t id = 1; id <= 5; ++id) members.push_back({id, "", derive_tokens(id, 8)});
  const auto made = ring::make(members, 1);
  CAF_REQUIRE(made.has_value());
  album a;
  a.replication = 2;
  const auto owners = replicas(*made, a, "7nkh2");
  for (uint64_t id = 1; id <= 5; ++id) {
    const bool owns = std::find(owners.begin(), owners.end(), id) != owners.end();
    CAF_CHECK_EQUAL(must_be_asked(*made, a, "7nkh2", {id, true, INT64_MAX}), owns);
    CAF_CHECK(must_be_asked(*made, a, "7nkh2", {id, false, INT64_MAX}));
  }
}

CAF_TEST(what was dropped while others were asked makes an answer doubtful) {
  CAF_CHECK(!has_moved({}, 100));
  CAF_CHECK(!has_moved({{1, false, INT64_MAX}, {2, false, 101}}, 100));
  CAF_CHECK(has_moved({{1, false, INT64_MAX}, {2, false, 100}}, 100));
}

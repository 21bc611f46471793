#define CAF_SUITE cluster.member
#include "libstip/cluster/member.hpp"

#include <caf/test/unit_test.hpp>
#include <random>

#include "libstip/core/defaults.hpp"

using namespace stip;

namespace {

member_info sample() {
  return {0x0123456789abcdef, 7,        "prod",  "10.0.0.2", 15606,
          {1, 5, UINT64_MAX}, "rack 3", "0.1.0", 2};
}

}  // namespace

CAF_TEST(what a node says of itself survives the wire) {
  const auto info = sample();
  const auto back = decode_member_info(encode(info));
  CAF_REQUIRE(back.has_value());
  CAF_CHECK(*back == info);
  const auto blank = decode_member_info(encode(member_info{}));
  CAF_REQUIRE(blank.has_value());
  CAF_CHECK(*blank == member_info{});
}

CAF_TEST(a hello that is cut off changed or out of bounds is refused or harmless) {
  const auto bytes = encode(sample());
  for (size_t n = 0; n < bytes.size(); ++n) CAF_REQUIRE(!decode_member_info(bytes.substr(0, n)));
  CAF_CHECK(!decode_member_info(bytes + "x"));
  std::mt19937_64 rng(1);
  for (int i = 0; i < 20'000; ++i) {
    auto broken = bytes;
    for (auto flips = 1 + rng() % 3; flips > 0; --flips)
      broken[rng() % broken.size()] = static_cast<char>(rng());
    if (const auto read = decode_member_info(broken)) CAF_REQUIRE(encode(*read) == broken);
  }
  auto info = sample();
  info.tokens = {5, 5};
  CAF_CHECK(!decode_member_info(encode(info)));
  info = sample();
  info.cluster.assign(defaults::max_member_text_bytes + 1, 'c');
  CAF_CHECK(!decode_member_info(encode(info)));
  info = sample();
  info.tokens.clear();
  for (uint64_t t = 0; t <= defaults::max_tokens_per_node; ++t) info.tokens.push_back(t);
  CAF_CHECK(!decode_member_info(encode(info)));
  info.tokens.pop_back();
  CAF_CHECK(decode_member_info(encode(info)).has_value());
}

CAF_TEST(node ids are sixteen hexadecimal digits) {
  CAF_CHECK_EQUAL(node_name(0x0123456789abcdef), "0123456789abcdef");
  CAF_CHECK_EQUAL(node_name(0), "0000000000000000");
  for (const uint64_t id : {uint64_t{0}, uint64_t{42}, UINT64_MAX}) {
    const auto back = parse_node_name(node_name(id));
    CAF_REQUIRE(back.has_value());
    CAF_CHECK_EQUAL(*back, id);
  }
  for (const auto* text : {"", "123", "0123456789abcdeg", "0123456789abcdef0", "-123456789abcdef",
                           "0x23456789abcdef", " 123456789abcdef"})
    CAF_CHECK(!parse_node_name(text));
}

CAF_TEST(states have the names of the command line) {
  CAF_CHECK_EQUAL(to_string(member_state::joining), "joining");
  CAF_CHECK_EQUAL(to_string(member_state::up), "up");
  CAF_CHECK_EQUAL(to_string(member_state::suspect), "suspect");
  CAF_CHECK_EQUAL(to_string(member_state::down), "down");
  CAF_CHECK_EQUAL(to_string(member_state::leaving), "leaving");
}

#define CAF_SUITE catalog.album
#include "libstip/catalog/album.hpp"

#include <caf/test/unit_test.hpp>
#include <random>

#include "libstip/core/defaults.hpp"

using namespace stip;

namespace {

album some_album() {
  album a;
  a.uid = {7, UINT64_MAX};
  a.name = "alps_2020.v1-a";
  a.algorithm = geocode_algorithm::quadtile;
  a.dht_key_length = -3;
  a.replication = 2;
  a.placement = replica_placement::parent;
  a.closed = true;
  a.deleted = true;
  a.created = {1, 2, 3};
  a.changed = {-4, 5, UINT64_MAX};
  return a;
}

}  // namespace

CAF_TEST(the DHT key keeps or drops characters and never all of them) {
  CAF_CHECK_EQUAL(dht_key("9xj5s", 0), "9xj5s");
  CAF_CHECK_EQUAL(dht_key("9xj5s", 2), "9x");
  CAF_CHECK_EQUAL(dht_key("9xj5s", 5), "9xj5s");
  CAF_CHECK_EQUAL(dht_key("9xj5s", 12), "9xj5s");
  CAF_CHECK_EQUAL(dht_key("9xj5s", -1), "9xj5");
  CAF_CHECK_EQUAL(dht_key("9xj5s", -4), "9");
  CAF_CHECK_EQUAL(dht_key("9xj5s", -5), "9");
  CAF_CHECK_EQUAL(dht_key("9xj5s", INT32_MIN), "9");
  CAF_CHECK_EQUAL(dht_key("9", -1), "9");
  CAF_CHECK_EQUAL(dht_key("", 3), "");
}

CAF_TEST(an album comes back from its packed form) {
  const auto a = some_album();
  const auto back = decode_album(encode(a));
  CAF_REQUIRE(back);
  CAF_CHECK(*back == a);
}

CAF_TEST(names are of letters digits and some signs) {
  auto a = some_album();
  for (const auto& good :
       {std::string("a"), std::string("_"), std::string(defaults::max_album_name_bytes, 'z')}) {
    a.name = good;
    CAF_CHECK(check(a).has_value());
  }
  for (const auto& bad :
       {std::string(""), std::string(defaults::max_album_name_bytes + 1, 'z'), std::string("."),
        std::string("-x"), std::string("a b"), std::string("a/b"), std::string("a~b"),
        std::string("\xc3\xa9"), std::string("a\0b", 3)}) {
    a.name = bad;
    CAF_CHECK(!check(a));
  }
}

CAF_TEST(numbers out of range are refused) {
  const auto refused = [](auto change) {
    auto a = some_album();
    change(a);
    return !check(a) && !decode_album(encode(a));
  };
  CAF_CHECK(check(some_album()).has_value());
  CAF_CHECK(refused([](album& a) { a.replication = 0; }));
  CAF_CHECK(refused([](album& a) { a.replication = defaults::max_replication + 1; }));
  CAF_CHECK(refused([](album& a) { a.dht_key_length = 30; }));
  CAF_CHECK(refused([](album& a) { a.dht_key_length = INT32_MIN; }));
  CAF_CHECK(refused([](album& a) { a.algorithm = geocode_algorithm(2); }));
  CAF_CHECK(refused([](album& a) { a.placement = replica_placement(9); }));
}

CAF_TEST(damaged albums never decode to one that check refuses) {
  std::mt19937_64 random{3};
  const auto bytes = encode(some_album());
  for (size_t n = 0; n < bytes.size(); ++n)
    CAF_CHECK(!decode_album(std::string_view(bytes).substr(0, n)));
  CAF_CHECK(!decode_album(bytes + "x"));
  for (int i = 0; i < 20'000; ++i) {
    auto damaged = bytes;
    for (auto n = 1 + random() % 3; n > 0; --n)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    if (const auto a = decode_album(damaged)) CAF_REQUIRE(check(*a).has_value());
  }
}

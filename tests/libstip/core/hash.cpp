#define CAF_SUITE core.hash

#include "libstip/core/hash.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

std::vector<std::byte> random_bytes(std::mt19937_64& random, size_t size) {
  std::vector<std::byte> out(size);
  for (auto& b : out) b = static_cast<std::byte>(random());
  return out;
}

}  // namespace

CAF_TEST(the hashes are XXH3 with seed 0) {
  // The values that xxHash publishes for the empty input.
  CAF_CHECK_EQUAL(hash64(std::string_view{}), 0x2d06800538d394c2u);
  const auto empty = to_string(hash128_of(std::string_view{}));
  CAF_CHECK_EQUAL(empty, "99aa06d3014798d86001c324468d497f");
}

CAF_TEST(bytes and text of the same content hash alike) {
  const std::string_view text = "S2/u33d/raw/T33UUU/20200101T000000Z";
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  CAF_CHECK_EQUAL(hash64(text), hash64(bytes));
  CAF_CHECK(hash128_of(text) == hash128_of(bytes));
}

CAF_TEST(hex text has 32 digits and reads back) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    // Narrow words now and then, so that leading zeros are met.
    const hash128 value{random() >> (random() % 64), random() >> (random() % 64)};
    auto text = to_string(value);
    CAF_REQUIRE_EQUAL(text.size(), 32u);
    const auto back = parse_hash128(text);
    CAF_REQUIRE(back.has_value());
    CAF_REQUIRE(*back == value);
    std::transform(text.begin(), text.end(), text.begin(), [](char c) { return std::toupper(c); });
    const auto upper = parse_hash128(text);
    CAF_REQUIRE(upper.has_value());
    CAF_REQUIRE(*upper == value);
  }
  const auto small = to_string(hash128{0, 0x1f});
  CAF_CHECK_EQUAL(small, "0000000000000000000000000000001f");
}

CAF_TEST(text that is no hash is refused) {
  const std::string good = "0123456789abcdef0123456789abcdef";
  CAF_REQUIRE(parse_hash128(good).has_value());
  for (size_t length = 0; length < good.size(); ++length)
    CAF_CHECK(!parse_hash128(good.substr(0, length)));
  CAF_CHECK(!parse_hash128(good + "0"));
  CAF_CHECK(!parse_hash128("0x" + good.substr(2)));
  for (const char c : {'g', '/', ':', '@', 'G', '`', ' ', '-', '\0', '\xff'}) {
    auto bad = good;
    bad[17] = c;
    const auto parsed = parse_hash128(bad);
    CAF_REQUIRE(!parsed);
    CAF_CHECK(parsed.error().code == ec::invalid_argument);
  }
}

CAF_TEST(hashes order as their text does) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 1000; ++i) {
    const hash128 a{random() % 3, random()};
    const hash128 b{random() % 3, random()};
    CAF_REQUIRE_EQUAL(a < b, to_string(a) < to_string(b));
  }
}

CAF_TEST(pieces hash as the whole does) {
  std::mt19937_64 random(3);
  hasher pieces;
  for (int i = 0; i < 300; ++i) {
    const auto whole = random_bytes(random, random() % 5000);
    pieces.reset();
    for (size_t at = 0; at < whole.size();) {
      const size_t size = std::min<size_t>(random() % 700, whole.size() - at);
      pieces.update(std::span(whole).subspan(at, size));
      at += size;
      // A digest in between must not disturb what follows.
      CAF_REQUIRE_EQUAL(pieces.digest64(), hash64(std::span(whole).first(at)));
    }
    CAF_REQUIRE_EQUAL(pieces.digest64(), hash64(whole));
    CAF_REQUIRE(pieces.digest128() == hash128_of(whole));
  }
}

CAF_TEST(a moved hasher carries its state on) {
  hasher first;
  first.update("abc");
  hasher second = std::move(first);
  second.update("def");
  CAF_CHECK_EQUAL(second.digest64(), hash64("abcdef"));
}

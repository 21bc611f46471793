#define CAF_SUITE geo.geocode
#include "libstip/geo/geocode.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <random>

using namespace stip;

namespace {

constexpr geocode_algorithm both[] = {geocode_algorithm::geohash, geocode_algorithm::quadtile};

std::string random_code(geocode_algorithm algorithm, std::mt19937_64& random, size_t longest) {
  const auto digits = alphabet(algorithm);
  std::string code(1 + random() % longest, '0');
  for (char& c : code) c = digits[random() % digits.size()];
  return code;
}

}  // namespace

CAF_TEST(names of algorithms are read and written) {
  for (const auto algorithm : both) {
    auto parsed = parse_geocode_algorithm(to_string(algorithm));
    CAF_REQUIRE(parsed.has_value());
    CAF_CHECK(*parsed == algorithm);
  }
  CAF_CHECK(!parse_geocode_algorithm("Geohash"));
  CAF_CHECK(!parse_geocode_algorithm(""));
}

CAF_TEST(only codes of the alphabet and of a possible length pass) {
  using enum geocode_algorithm;
  for (const char* good : {"9", "u33d", "zzzzzzzzzzzz", "0"})
    CAF_CHECK(check_geocode(geohash, good));
  for (const char* bad : {"", "U33", "9a", "9i", "9l", "9o", "zzzzzzzzzzzz0", "9 ", "9/", "\xff"})
    CAF_CHECK(!check_geocode(geohash, bad));
  CAF_CHECK(check_geocode(quadtile, "0123"));
  CAF_CHECK(check_geocode(quadtile, std::string(29, '3')));
  for (const auto& bad : {std::string(), std::string("4"), std::string("01a"), std::string(30, '0'),
                          std::string(5000000, '0')})
    CAF_CHECK(!check_geocode(quadtile, bad));
  CAF_CHECK(check_precision(geohash, 1) && check_precision(geohash, 12));
  CAF_CHECK(!check_precision(geohash, 0) && !check_precision(geohash, 13));
  CAF_CHECK(check_precision(quadtile, 29) && !check_precision(quadtile, 30));
  CAF_CHECK(!check_precision(quadtile, -1));
}

CAF_TEST(packed codes return and sort as their text) {
  CAF_MESSAGE("seed 11");
  std::mt19937_64 random(11);
  for (const auto algorithm : both) {
    const auto longest = static_cast<size_t>(max_precision(algorithm));
    for (int i = 0; i < 20000; ++i) {
      const auto a = random_code(algorithm, random, longest);
      auto b = random_code(algorithm, random, longest);
      if (i % 2 == 0) b = a.substr(0, 1 + random() % a.size()) + b;
      b.resize(std::min(b.size(), longest));
      CAF_REQUIRE_EQUAL(unpack(algorithm, pack(algorithm, a)), a);
      CAF_REQUIRE_EQUAL(pack(algorithm, a) < pack(algorithm, b), a < b);
      CAF_REQUIRE_EQUAL(pack(algorithm, a) == pack(algorithm, b), a == b);
      const auto prefix = a.substr(0, random() % (a.size() + 1));
      const auto [first, last] = prefix_range(algorithm, prefix);
      const auto key = pack(algorithm, b);
      CAF_REQUIRE_EQUAL(key >= first && key <= last, b.starts_with(prefix));
    }
    // Hostile integers become some code of a legal length, never more.
    for (int i = 0; i < 1000; ++i) CAF_REQUIRE(unpack(algorithm, random()).size() <= longest);
    CAF_CHECK_EQUAL(unpack(algorithm, ~uint64_t{0}).size(), longest);
  }
}

CAF_TEST(the range of a prefix ends with its deepest last cell) {
  for (const auto algorithm : both) {
    const auto longest = static_cast<size_t>(max_precision(algorithm));
    const std::string top(longest, alphabet(algorithm).back());
    CAF_CHECK_EQUAL(prefix_range(algorithm, "").second, pack(algorithm, top));
    CAF_CHECK_EQUAL(prefix_range(algorithm, top).first, prefix_range(algorithm, top).second);
  }
}

#define CAF_SUITE core.packed
#include "libstip/core/packed.hpp"

#include <bit>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace stip;

CAF_TEST(every kind of value comes back as it was written) {
  const hash128 hash{0x0123456789abcdef, 0xfedcba9876543210};
  const version stamp{-5, 7, UINT64_MAX};
  const auto bytes = packed_writer{}
                         .u8(255)
                         .u16(65534)
                         .u32(4'000'000'000)
                         .u64(UINT64_MAX - 1)
                         .i64(INT64_MIN)
                         .f32(-0.0f)
                         .f64(0.1)
                         .flag(true)
                         .text("caf\xc3\xa9")
                         .hash(hash)
                         .stamp(stamp)
                         .take();
  packed_reader in{"values", bytes};
  CAF_CHECK_EQUAL(in.u8(), 255);
  CAF_CHECK_EQUAL(in.u16(), 65534);
  CAF_CHECK_EQUAL(in.u32(), 4'000'000'000u);
  CAF_CHECK_EQUAL(in.u64(), UINT64_MAX - 1);
  CAF_CHECK_EQUAL(in.i64(), INT64_MIN);
  CAF_CHECK(std::signbit(in.f32()));
  CAF_CHECK_EQUAL(in.f64(), 0.1);
  CAF_CHECK(in.flag());
  CAF_CHECK_EQUAL(in.text(5), "caf\xc3\xa9");
  CAF_CHECK(in.hash() == hash);
  CAF_CHECK(in.stamp() == stamp);
  CAF_CHECK(in.finish().has_value());
}

CAF_TEST(integers are little endian and varints as short as they can be) {
  CAF_CHECK_EQUAL(packed_writer{}.u32(0x01020304).take(), std::string("\4\3\2\1"));
  CAF_CHECK_EQUAL(packed_writer{}.varint(127).size(), 1u);
  CAF_CHECK_EQUAL(packed_writer{}.varint(128).take(), std::string("\x80\1"));
  CAF_CHECK_EQUAL(packed_writer{}.varint(UINT64_MAX).size(), 10u);
}

CAF_TEST(varints of every size come back) {
  std::mt19937_64 random{11};
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t value = random() >> (random() % 64);
    const auto number = std::bit_cast<int64_t>(random()) >> (random() % 64);
    const auto bytes = packed_writer{}.varint(value).signed_varint(number).take();
    packed_reader in{"varints", bytes};
    CAF_REQUIRE(in.varint() == value);
    CAF_REQUIRE(in.signed_varint() == number);
    CAF_REQUIRE(in.finish().has_value());
  }
}

CAF_TEST(a varint past 64 bits or longer than necessary is refused) {
  for (const auto& bytes :
       {std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
        std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), std::string("\x80\0", 2),
        std::string("\xff\xff\xff\xff\xff\xff\xff\xff\x81\0", 10), std::string("\x80")}) {
    packed_reader in{"varint", bytes};
    CAF_CHECK_EQUAL(in.varint(), 0u);
    CAF_CHECK(!in.finish());
  }
}

CAF_TEST(a text or count that promises more than is there is refused without allocation) {
  const auto bytes = packed_writer{}.varint(UINT64_MAX).take();
  packed_reader text{"text", bytes};
  CAF_CHECK_EQUAL(text.text(SIZE_MAX), "");
  CAF_CHECK(!text.ok());
  packed_reader count{"count", bytes};
  CAF_CHECK_EQUAL(count.count(SIZE_MAX, 1), 0u);
  CAF_CHECK(!count.ok());
  const auto eight = packed_writer{}.varint(3).u64(0).take();
  packed_reader wide{"count", eight};
  CAF_CHECK_EQUAL(wide.count(10, 4), 0u);
  packed_reader narrow{"count", eight};
  CAF_CHECK_EQUAL(narrow.count(10, 2), 3u);
  packed_reader bounded{"count", eight};
  CAF_CHECK_EQUAL(bounded.count(2, 1), 0u);
}

CAF_TEST(after a refusal everything reads as zero and the first reason is kept) {
  packed_reader in{"thing", "\2\1\1\1\1\1\1\1\1\1"};
  CAF_CHECK(!in.flag());
  CAF_CHECK_EQUAL(in.u32(), 0u);
  CAF_CHECK_EQUAL(in.text(100), "");
  in.expect(false, "another reason");
  const auto outcome = in.finish();
  CAF_REQUIRE(!outcome);
  CAF_CHECK(outcome.error().code == ec::malformed);
  CAF_CHECK_EQUAL(outcome.error().what, "read thing");
  CAF_CHECK(outcome.error().why.find("flag") != std::string::npos);
}

CAF_TEST(left over bytes and another version are refused) {
  packed_reader longer{"thing", "\1\1"};
  longer.expect_version(1);
  CAF_CHECK(longer.ok());
  CAF_CHECK(!longer.finish());
  packed_reader newer{"thing", "\2"};
  newer.expect_version(1);
  CAF_CHECK(!newer.finish());
}

CAF_TEST(any cut of a form is refused at its end) {
  const auto bytes = packed_writer{}.u8(1).text("abc").varint(300).stamp({1, 2, 3}).f64(2.5).take();
  for (size_t n = 0; n < bytes.size(); ++n) {
    const auto cut = bytes.substr(0, n);
    packed_reader in{"cut", cut};
    in.expect_version(1);
    in.text(10);
    in.varint();
    in.stamp();
    in.f64();
    CAF_CHECK(!in.finish());
  }
}

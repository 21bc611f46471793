#define CAF_SUITE raster.block_damage

#include <algorithm>
#include <caf/test/unit_test.hpp>

#include "libstip/core/hash.hpp"
#include "sample_blocks.hpp"
#include "tests/support/libstip/code_of.hpp"

// Records that are damaged, cut off or forged, and blocks that are none.

using namespace stip;
using namespace stip::test;

namespace {

/// Makes both checksums of a record match what it says now, as an attacker would.
void sign(bytes& record) {
  if (record.size() < block_header_bytes) return;
  uint32_t payload_bytes;
  std::memcpy(&payload_bytes, &record[12], sizeof payload_bytes);
  const size_t there = record.size() - block_header_bytes;
  const auto payload =
      std::span(record).subspan(block_header_bytes, std::min<size_t>(payload_bytes, there));
  const uint64_t payload_hash = hash64(payload);
  std::memcpy(&record[24], &payload_hash, sizeof payload_hash);
  const uint64_t header_hash = hash64(std::span(record).first(56));
  std::memcpy(&record[56], &header_hash, sizeof header_hash);
}

}  // namespace

CAF_TEST(what is no block is refused and leaves the output as it was) {
  block_encoder encoder;
  bytes out(5, std::byte{1});
  const bytes before = out;
  const auto code = [&](pixel_type type, uint16_t rows, uint16_t columns, const bytes& pixels) {
    const auto size = encoder.append_block(type, rows, columns, pixels, out);
    CAF_REQUIRE(out == before);
    return size ? ec::none : size.error().code;
  };
  CAF_CHECK(code(pixel_type::uint8, 511, 513, bytes(511 * 513)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint8, 513, 1, bytes(513)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint8, 0, 5, {}) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint8, 5, 0, {}) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint16, 2, 2, bytes(7)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint16, 2, 2, bytes(9)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type{0}, 2, 2, bytes(4)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type{11}, 2, 2, {}) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::bit, 1, 2, {std::byte{1}, std::byte{2}}) == ec::invalid_argument);
}

CAF_TEST(room of another size than the pixels is refused) {
  block_encoder encoder;
  const auto record = encode(encoder, pixel_type::uint16, {4, 4}, bytes(32));
  for (const size_t size : {0, 16, 31, 33, 64}) {
    bytes pixels(size);
    CAF_CHECK(code_of(decode_block(record, pixels)) == ec::invalid_argument);
  }
}

CAF_TEST(a flipped bit is found or harmless) {
  for (auto [type, pixels, record] : make_samples(24)) {
    bytes back(pixels.size());
    for (size_t at = 0; at < record.size(); ++at) {
      const auto kept = record[at];
      for (const int flip : {0x01, 0x80, 0xff, 0x10}) {
        record[at] = kept ^ static_cast<std::byte>(flip);
        if (decode_block(record, back) && back != pixels)
          CAF_FAIL("byte " << at << " of " << name_of(type) << " changed unnoticed");
        CAF_REQUIRE(!verify_block(record));
      }
      record[at] = kept;
    }
    CAF_REQUIRE(verify_block(record).has_value());
  }
}

CAF_TEST(a record that is cut off is refused at every length) {
  for (const auto& [type, pixels, record] : make_samples(25)) {
    bytes back(pixels.size());
    for (size_t size = 0; size < record.size(); ++size) {
      const bytes cut(record.begin(), record.begin() + static_cast<ptrdiff_t>(size));
      CAF_REQUIRE(code_of(parse_block(cut)) == ec::malformed);
      CAF_REQUIRE(code_of(verify_block(cut)) == ec::malformed);
      CAF_REQUIRE(code_of(decode_block(cut, back)) == ec::malformed);
    }
  }
}

CAF_TEST(fields that no encoder writes are refused though the checksums match) {
  block_encoder encoder;
  std::mt19937_64 random(26);
  const auto pixels = make_pixels(pixel_type::uint16, {8, 8}, contents.at("smooth"), random);
  const auto good = encode(encoder, pixel_type::uint16, {8, 8}, pixels);
  const auto code = [&](size_t at, uint64_t value, size_t size) {
    auto record = good;
    std::memcpy(&record[at], &value, size);
    sign(record);
    return code_of(parse_block(record));
  };
  CAF_CHECK(code(0, 0, 0) == ec::none);
  CAF_CHECK(code(0, 0, 4) == ec::malformed);
  CAF_CHECK(code(4, 0, 2) == ec::incompatible);
  CAF_CHECK(code(4, 3, 2) == ec::incompatible);
  CAF_CHECK(code(6, 0, 1) == ec::unsupported);
  CAF_CHECK(code(6, 11, 1) == ec::unsupported);
  CAF_CHECK(code(7, 0, 1) == ec::unsupported);
  CAF_CHECK(code(7, 7, 1) == ec::unsupported);
  CAF_CHECK(code(8, 0, 2) == ec::malformed);
  CAF_CHECK(code(8, 513, 2) == ec::malformed);
  CAF_CHECK(code(10, 0, 2) == ec::malformed);
  CAF_CHECK(code(10, 0xffff, 2) == ec::malformed);
  CAF_CHECK(code(12, 0, 4) == ec::malformed);
  CAF_CHECK(code(12, 129, 4) == ec::malformed);
  CAF_CHECK(code(12, 0xffffffff, 4) == ec::malformed);
  CAF_CHECK(code(32, 1, 8) == ec::malformed);
  CAF_CHECK(code(55, 1, 1) == ec::malformed);
}

CAF_TEST(a payload with a forged checksum gives the pixels of the content hash or an error) {
  constexpr uint64_t seed = 27;
  constexpr int rounds = 200000;
  std::mt19937_64 random(seed);
  const auto samples = make_samples(seed);
  block_decoder decoder;
  int harmless = 0;
  std::map<int, int> refusals;
  for (int round = 0; round < rounds; ++round) {
    const auto& original = samples[random() % samples.size()];
    auto record = original.record;
    for (uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      // Mostly the payload and its kind: the rest of the header has its own tests.
      const size_t at = random() % 4 == 0
                            ? 4 + random() % 12
                            : block_header_bytes + random() % (record.size() - block_header_bytes);
      switch (random() % 3) {
        case 0:
          record[at] ^= static_cast<std::byte>(1 << (random() % 8));
          break;
        case 1:
          record[at] = static_cast<std::byte>(random());
          break;
        default:
          record[at] = static_cast<std::byte>(random() % 2 == 0 ? 0 : 0xff);
      }
    }
    if (random() % 8 != 0) sign(record);
    if (random() % 16 == 0) record.resize(random() % record.size());
    const auto header = parse_block(record);
    // Room of exactly the size that the header claims, so that a sanitizer sees a write beyond it.
    bytes pixels(header ? pixel_bytes(*header) : original.pixels.size());
    const auto decoded = decoder.decode_block(record, pixels);
    if (!decoded) {
      ++refusals[static_cast<int>(decoded.error().code)];
      continue;
    }
    ++harmless;
    if (hash64(pixels) != header->content) CAF_FAIL("wrong pixels in round " << round);
  }
  CAF_MESSAGE("seed " << seed << ": " << harmless << " of " << rounds << " harmless, "
                      << refusals[int(ec::corrupt)] << " corrupt, " << refusals[int(ec::malformed)]
                      << " malformed");
  CAF_CHECK(refusals[int(ec::corrupt)] > rounds / 4);
}

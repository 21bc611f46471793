#define CAF_SUITE raster.codec_fuzz

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "libstip/core/hash.hpp"
#include "libstip/raster/block.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

using bytes = std::vector<std::byte>;

constexpr uint64_t seed = 41;
constexpr size_t short_rounds = 30000;

const pixel_type all_types[] = {
    pixel_type::uint8,   pixel_type::int8,    pixel_type::uint16, pixel_type::int16,
    pixel_type::uint32,  pixel_type::int32,   pixel_type::uint64, pixel_type::int64,
    pixel_type::float32, pixel_type::float64, pixel_type::bit,
};

struct sample {
  block_shape shape;
  codec_id codec;
  bytes payload;
  bytes record;
};

/// Records of all types, so that every codec, sparse groups and every kind of plane are met.
std::vector<sample> make_samples(std::mt19937_64& random) {
  std::vector<sample> out;
  block_encoder encoder;
  for (const auto type : all_types)
    for (int kind = 0; kind < 6; ++kind) {
      const block_shape shape{type, 1 + random() % 40, 1 + random() % 90};
      const size_t size = size_of(type);
      bytes pixels(shape.memory_bytes());
      for (size_t i = 0; i < shape.pixels(); ++i) {
        uint64_t word = 0;
        if (kind == 0) word = random();
        if (kind == 1) word = 500 + i % shape.columns + random() % 9;
        if (kind == 2) word = i / 5 % 3;
        if (kind == 3) word = i % shape.columns < shape.columns / 2 ? 0 : 900 + random() % 77;
        if (kind == 4) word = random() % 5 == 0 ? random() : 3;
        if (kind == 5) word = (random() % 3) << (8 * size - 4);
        if (type == pixel_type::bit) word &= 1;
        std::memcpy(&pixels[i * size], &word, size);
      }
      bytes record;
      CAF_REQUIRE(encoder
                      .append_block(type, static_cast<uint16_t>(shape.rows),
                                    static_cast<uint16_t>(shape.columns), pixels, record)
                      .has_value());
      const auto header = parse_block(record);
      CAF_REQUIRE(header.has_value());
      const auto payload = std::span(record).subspan(block_header_bytes, header->payload_bytes);
      out.push_back({shape, header->codec, bytes(payload.begin(), payload.end()), record});
    }
  return out;
}

void mutate(std::mt19937_64& random, bytes& what, const bytes& other) {
  for (uint64_t edits = 1 + random() % 4; edits > 0 && !what.empty(); --edits) {
    const size_t at = random() % what.size();
    switch (random() % 6) {
      case 0:
        what[at] ^= static_cast<std::byte>(1 << random() % 8);
        break;
      case 1:
        what[at] = static_cast<std::byte>(random());
        break;
      case 2:
        what[at] = std::byte{0xff};
        break;
      case 3:
        what.resize(at);
        break;
      case 4:
        what.insert(what.begin() + static_cast<ptrdiff_t>(at), static_cast<std::byte>(random()));
        break;
      default: {
        // A piece of another payload.
        const size_t length = std::min({other.size(), what.size() - at, size_t{1} + random() % 64});
        std::copy_n(other.begin(), length, what.begin() + static_cast<ptrdiff_t>(at));
      }
    }
  }
}

}  // namespace

// The sanitizers see a read or write out of bounds: every buffer has exactly the size that the
// decoder is told. The long form runs for the seconds in STIP_FUZZ_SECONDS.
CAF_TEST(no payload makes a decoder read or write out of bounds) {
  const char* seconds = std::getenv("STIP_FUZZ_SECONDS");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(seconds ? std::strtoul(seconds, nullptr, 10) : 0);
  std::mt19937_64 random(seed);
  const auto samples = make_samples(random);
  codec_scratch scratch;
  block_decoder decoder;
  size_t rounds = 0;
  size_t accepted = 0;
  while (rounds < short_rounds || (seconds && std::chrono::steady_clock::now() < end)) {
    ++rounds;
    const auto& from = samples[random() % samples.size()];
    auto shape = from.shape;
    auto codec = from.codec;
    bytes payload = from.payload;
    if (random() % 16 == 0) {
      payload.resize(random() % 400);
      for (auto& b : payload) b = static_cast<std::byte>(random());
    } else {
      mutate(random, payload, samples[random() % samples.size()].payload);
    }
    // Another shape, type or codec than the payload was made for.
    if (random() % 8 == 0) shape.type = all_types[random() % std::size(all_types)];
    if (random() % 8 == 0) shape.columns = 1 + random() % 90;
    if (random() % 8 == 0) codec = static_cast<codec_id>(random() % 8);
    payload.shrink_to_fit();
    bytes pixels(shape.memory_bytes());
    accepted += decode_pixels(shape, codec, payload, scratch, pixels) ? 1 : 0;
    if (rounds % 4 != 0) continue;
    // Whole records, with checksums that are right again.
    bytes record = from.record;
    mutate(random, record, from.payload);
    if (record.size() >= block_header_bytes) {
      const uint64_t checksum = hash64(std::span(record).first(block_header_bytes - 8));
      std::memcpy(&record[block_header_bytes - 8], &checksum, sizeof checksum);
    }
    const auto header = parse_block(record);
    bytes room(header ? pixel_bytes(*header) : from.shape.memory_bytes());
    const auto decoded = decoder.decode_block(record, room);
    if (decoded) CAF_REQUIRE(header && hash64(room) == header->content);
  }
  CAF_MESSAGE("seed " << seed << ": " << rounds << " rounds, " << accepted << " accepted");
  CAF_CHECK(accepted > rounds / 100);
  CAF_CHECK(accepted < rounds);
}

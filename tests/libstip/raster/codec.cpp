#define CAF_SUITE raster.codec

#include "libstip/raster/codec.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include "libstip/raster/codec_shuffle.hpp"
#include "libstip/raster/codec_vdpfor.hpp"
#include "tests/libstip/raster/slow_groups.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

using slow::bytes;
using slow::load;

/// The words' differences as docs/data-format.md defines them, one word at a time.
std::vector<uint64_t> slow_differences(size_t word_bytes, const bytes& words, size_t columns) {
  const uint64_t mask = word_bytes == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * word_bytes)) - 1;
  std::vector<uint64_t> out;
  for (size_t i = 0; i < words.size() / word_bytes; ++i) {
    const uint64_t word = load(&words[i * word_bytes], word_bytes);
    uint64_t other = 0;
    if (i >= columns)
      other = load(&words[(i - columns) * word_bytes], word_bytes);
    else if (i > 0)
      other = load(&words[(i - 1) * word_bytes], word_bytes);
    const uint64_t difference = (word - other) & mask;
    const bool negative = (difference >> (8 * word_bytes - 1)) != 0;
    out.push_back((negative ? ~(difference << 1) : difference << 1) & mask);
  }
  return out;
}

/// The residuals of a vdpfor payload.
std::vector<uint64_t> slow_residuals(size_t word_bytes, const bytes& payload, size_t count,
                                     size_t* sparse_groups = nullptr) {
  auto out = slow::read_groups(word_bytes, payload, 1, count, sparse_groups);
  const auto shift = std::to_integer<size_t>(payload.at(0));
  // The zeros that the words end with; a negative difference is odd and ends with ones.
  for (uint64_t& value : out)
    value = value << shift | ((value & 1) != 0 ? (uint64_t{1} << shift) - 1 : 0);
  return out;
}

/// Words whose differences have about `bits` bits, with outliers of any size.
bytes make_words(std::mt19937_64& random, size_t word_bytes, size_t count, size_t columns) {
  const size_t bits = random() % (8 * word_bytes + 1);
  const uint64_t outliers = 1 + random() % 100;
  // Some blocks have fill, as scenes have around their swath: runs of words that do not change.
  const size_t fill = random() % 2 == 0 ? 1 + random() % 300 : 0;
  // Others end with zeros, as whole numbers in floats do.
  const size_t zeros = random() % 3 == 0 ? random() % (8 * word_bytes) : 0;
  bytes out(count * word_bytes);
  for (size_t i = 0; i < count; ++i) {
    uint64_t word = bits == 0 ? 0 : random() >> (64 - bits);
    if (random() % 100 >= outliers) word = random() >> (random() % 64);
    if (fill > 0 && i / fill % 2 == 0) word = 0;
    word = word >> zeros << zeros;
    if (i >= columns) word += load(&out[(i - columns) * word_bytes], word_bytes);
    std::memcpy(&out[i * word_bytes], &word, word_bytes);
  }
  return out;
}

const size_t word_sizes[] = {1, 2, 4, 8};

}  // namespace

CAF_TEST(vdpfor writes the documented layout and reads it back) {
  constexpr uint64_t seed = 11;
  std::mt19937_64 random(seed);
  size_t sparse_groups = 0;
  for (int round = 0; round < 400; ++round) {
    const size_t word_bytes = word_sizes[round % 4];
    const size_t columns = 1 + random() % (round % 3 == 0 ? 512 : 40);
    const size_t count = columns * (1 + random() % 9);
    const auto words = make_words(random, word_bytes, count, columns);
    bytes payload(vdpfor::max_bytes(word_bytes, count));
    const size_t done = vdpfor::encode(word_bytes, words, columns, payload);
    CAF_REQUIRE(done <= payload.size());
    payload.resize(done);
    const auto expected = slow_differences(word_bytes, words, columns);
    CAF_REQUIRE(slow_residuals(word_bytes, payload, count, &sparse_groups) == expected);
    bytes back(words.size(), std::byte{0xaa});
    CAF_REQUIRE(vdpfor::decode(word_bytes, payload, columns, back));
    CAF_REQUIRE(back == words);
  }
  CAF_MESSAGE("sparse groups: " << sparse_groups);
  CAF_CHECK(sparse_groups > 100);
}

CAF_TEST(vdpfor packs every width of every word) {
  std::mt19937_64 random(12);
  for (const size_t word_bytes : word_sizes) {
    for (size_t width = 0; width <= 8 * word_bytes; ++width) {
      constexpr size_t columns = 256;
      // Zig-zagged values of exactly the width in the second row; the first is zero.
      bytes words(2 * columns * word_bytes);
      for (size_t i = 0; i < columns && width > 0; ++i) {
        const uint64_t value = (random() >> (64 - width)) | (uint64_t{1} << (width - 1));
        const uint64_t word = (value >> 1) ^ (uint64_t{0} - (value & 1));
        std::memcpy(&words[(columns + i) * word_bytes], &word, word_bytes);
      }
      bytes payload(vdpfor::max_bytes(word_bytes, 2 * columns));
      payload.resize(vdpfor::encode(word_bytes, words, columns, payload));
      CAF_REQUIRE_EQUAL(payload.size(), 3 + 32 * width);
      bytes back(words.size());
      CAF_REQUIRE(vdpfor::decode(word_bytes, payload, columns, back));
      CAF_REQUIRE(back == words);
    }
  }
}

CAF_TEST(vdpfor refuses payloads that are cut off or go on) {
  std::mt19937_64 random(13);
  for (const size_t word_bytes : word_sizes) {
    constexpr size_t columns = 37;
    const size_t count = columns * 11;
    const auto words = make_words(random, word_bytes, count, columns);
    bytes payload(vdpfor::max_bytes(word_bytes, count));
    payload.resize(vdpfor::encode(word_bytes, words, columns, payload));
    bytes back(words.size());
    for (size_t size = 0; size < payload.size(); ++size) {
      // A copy of exactly this size, so that a sanitizer sees a read beyond it.
      const bytes cut(payload.begin(), payload.begin() + static_cast<ptrdiff_t>(size));
      CAF_REQUIRE(!vdpfor::decode(word_bytes, cut, columns, back));
    }
    payload.push_back(std::byte{0});
    CAF_REQUIRE(!vdpfor::decode(word_bytes, payload, columns, back));
  }
}

CAF_TEST(vdpfor refuses widths positions and counts that cannot be) {
  const auto refused = [](size_t word_bytes, std::vector<int> head, size_t shift = 0) {
    bytes payload = {static_cast<std::byte>(shift)};
    for (const int value : head) payload.push_back(static_cast<std::byte>(value));
    payload.resize(4096);
    bytes pixels(100 * word_bytes);
    // Any length: no tail makes the head well-formed.
    for (size_t size = 1 + head.size(); size < payload.size(); ++size)
      if (vdpfor::decode(word_bytes, std::span(payload).first(size), 10, pixels)) return false;
    return true;
  };
  for (const size_t word_bytes : word_sizes) {
    const int bits = static_cast<int>(8 * word_bytes);
    if (bits < 64) {
      CAF_CHECK(refused(word_bytes, {bits + 1}));
      CAF_CHECK(refused(word_bytes, {64}));
      CAF_CHECK(refused(word_bytes, {64 + bits + 1}));
    }
    CAF_CHECK(refused(word_bytes, {0x80 | bits, 1, 1}));
    CAF_CHECK(refused(word_bytes, {0x80, 0, 1}));
    CAF_CHECK(refused(word_bytes, {0x80, 1, 0}));
    CAF_CHECK(refused(word_bytes, {0x80, 1, static_cast<int>(word_bytes) + 1}));
    CAF_CHECK(refused(word_bytes, {0x80, 1, 1, 100, 1}));
    CAF_CHECK(!refused(word_bytes, {0x80, 1, 1, 99, 1}));
    CAF_CHECK(refused(word_bytes, {0}, 8 * word_bytes));
    CAF_CHECK(!refused(word_bytes, {0}, 8 * word_bytes - 1));
  }
}

CAF_TEST(join undoes split at any alignment) {
  std::mt19937_64 random(14);
  for (int round = 0; round < 200; ++round) {
    const size_t word_bytes = word_sizes[round % 4];
    const size_t columns = 1 + random() % 512;
    const size_t count = columns * (1 + random() % 7);
    const auto words = make_words(random, word_bytes, count, columns);
    bytes planes(words.size());
    bytes back(words.size() + 1);
    const auto target = std::span(back).subspan(1);
    shuffle::split(word_bytes, words, planes);
    for (size_t i = 0; i < count; ++i)
      for (size_t b = 0; b < word_bytes; ++b)
        if (planes[b * count + i] != words[i * word_bytes + b]) CAF_FAIL("not split by byte");
    shuffle::join(word_bytes, planes, target);
    CAF_REQUIRE(std::equal(words.begin(), words.end(), target.begin()));
    shuffle::split_differences(word_bytes, words, columns, planes);
    const auto differences = slow_differences(word_bytes, words, columns);
    for (size_t i = 0; i < count; ++i)
      for (size_t b = 0; b < word_bytes; ++b)
        if (std::to_integer<uint64_t>(planes[b * count + i]) != ((differences[i] >> (8 * b)) & 255))
          CAF_FAIL("not the split differences");
    std::fill(back.begin(), back.end(), std::byte{0x55});
    shuffle::join_differences(word_bytes, planes, columns, target);
    CAF_REQUIRE(std::equal(words.begin(), words.end(), target.begin()));
  }
}

CAF_TEST(every codec has a number that is stored and a name) {
  const std::pair<codec_id, int> stored[] = {
      {codec_id::raw, 1},    {codec_id::constant, 2},  {codec_id::vdpfor, 3},
      {codec_id::planes, 4}, {codec_id::up_planes, 5}, {codec_id::classes, 6},
  };
  for (const auto& [codec, number] : stored) {
    CAF_CHECK_EQUAL(static_cast<int>(codec), number);
    CAF_CHECK(is_known(codec, pixel_type::uint16));
    CAF_CHECK(to_string(codec) != "unknown");
    CAF_CHECK(!is_known(codec, pixel_type{0}));
  }
  for (const auto type : {pixel_type::int32, pixel_type::float32, pixel_type::bit})
    CAF_CHECK(!is_known(codec_id::classes, type));
  for (const int number : {0, 7, 255}) {
    const auto codec = static_cast<codec_id>(number);
    CAF_CHECK(!is_known(codec, pixel_type::uint8));
    CAF_CHECK_EQUAL(std::string(to_string(codec)), "unknown");
  }
}

CAF_TEST(the codec is chosen by what the pixels look like) {
  std::mt19937_64 random(15);
  const block_shape shape{pixel_type::uint16, 256, 256};
  codec_scratch scratch;
  bytes out;
  const auto chosen = [&](block_shape s, auto pixel) {
    std::vector<decltype(pixel(0, 0))> pixels;
    for (size_t r = 0; r < s.rows; ++r)
      for (size_t c = 0; c < s.columns; ++c) pixels.push_back(pixel(r, c));
    out.clear();
    return std::string(to_string(encode_pixels(s, std::as_bytes(std::span(pixels)), scratch, out)));
  };
  const auto same = chosen(shape, [](size_t, size_t) { return uint16_t{7}; });
  CAF_CHECK_EQUAL(same, "constant");
  CAF_CHECK_EQUAL(out.size(), 2u);
  const auto noise = chosen(shape, [&](size_t, size_t) { return uint16_t(random()); });
  CAF_CHECK_EQUAL(noise, "raw");
  CAF_CHECK_EQUAL(out.size(), shape.raw_bytes());
  const auto smooth =
      chosen(shape, [&](size_t r, size_t c) { return uint16_t(900 + r + 2 * c + random() % 32); });
  CAF_CHECK_EQUAL(smooth, "vdpfor");
  CAF_CHECK(out.size() < shape.raw_bytes() / 2);
  // Fields of one class each, in a pattern that repeats.
  const auto classes = chosen({pixel_type::uint8, 256, 256},
                              [](size_t r, size_t c) { return uint8_t(1 + (r / 16 + c / 5) % 7); });
  CAF_CHECK_EQUAL(classes, "classes");
  CAF_CHECK(out.size() < 256 * 256 / 20);
  const auto flags =
      chosen(shape, [](size_t r, size_t c) { return uint16_t(1 << (r / 16 + c / 5) % 16); });
  CAF_CHECK_EQUAL(flags, "classes");
  CAF_CHECK(out.size() < shape.raw_bytes() / 20);
  // As many pixels equal the one above, but there are too many values for a table.
  const auto many =
      chosen(shape, [](size_t r, size_t c) { return uint16_t(7 * (r / 16) + 91 * c); });
  CAF_CHECK(many != "classes");
  const auto floats = chosen({pixel_type::float32, 256, 256},
                             [](size_t r, size_t c) { return float(r / 8 + c / 8); });
  CAF_CHECK(floats.find("planes") != std::string::npos);
  CAF_CHECK(out.size() < 256 * 256 * 4 / 20);
  const auto mask = chosen({pixel_type::bit, 512, 512}, [](size_t r, size_t c) {
    return uint8_t((r - 256) * (r - 256) + (c - 256) * (c - 256) < 40000);
  });
  CAF_CHECK(mask != "raw");
  CAF_CHECK(out.size() < 512 * 512 / 8 / 8);
}

CAF_TEST(any payload is safe in any codec) {
  constexpr uint64_t seed = 16;
  std::mt19937_64 random(seed);
  codec_scratch scratch;
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    static const pixel_type types[] = {pixel_type::uint8, pixel_type::int16,   pixel_type::uint32,
                                       pixel_type::int64, pixel_type::float32, pixel_type::bit};
    const block_shape shape{types[random() % std::size(types)], 1 + random() % 9,
                            1 + random() % 40};
    const auto codec = static_cast<codec_id>(random() % 8);
    bytes payload(random() % (shape.raw_bytes() + 2));
    for (auto& b : payload) b = static_cast<std::byte>(random() % 3 == 0 ? random() : random() % 4);
    bytes pixels(shape.memory_bytes());
    accepted += decode_pixels(shape, codec, payload, scratch, pixels) ? 1 : 0;
  }
  CAF_MESSAGE("payloads that happen to be well-formed: " << accepted);
  CAF_CHECK(accepted > 0);
}

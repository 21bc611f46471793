#define CAF_SUITE raster.codec_classes

#include "libstip/raster/codec_classes.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/libstip/raster/slow_groups.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

using slow::bytes;
using slow::load;

/// The words of a classes payload, read as docs/data-format.md defines it.
std::vector<uint64_t> slow_classes(size_t word_bytes, const bytes& payload, size_t count,
                                   size_t columns, size_t* sparse_groups) {
  const auto values = std::to_integer<size_t>(payload.at(0));
  auto ranks = slow::read_groups(1, payload, 1 + values * word_bytes, count, sparse_groups);
  std::vector<uint64_t> out;
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (i > 0) ranks[i] ^= ranks[i >= columns ? i - columns : i - 1];
    if (ranks[i] >= values) return {};
    out.push_back(load(&payload.at(1 + ranks[i] * word_bytes), word_bytes));
  }
  return out;
}

/// Pixels of `values` classes in fields of random size, now and then one of another class.
bytes make_classes(std::mt19937_64& random, size_t word_bytes, size_t count, size_t columns,
                   size_t values) {
  std::vector<uint64_t> names;
  for (size_t i = 0; i < values; ++i) {
    uint64_t name = random() % (word_bytes == 1 ? 256 : 65536);
    while (std::find(names.begin(), names.end(), name) != names.end()) name = (name + 1) % 256;
    names.push_back(name);
  }
  const size_t field = 1 + random() % 60;
  const size_t strays = 1 + random() % 100;
  bytes out(count * word_bytes);
  for (size_t i = 0; i < count; ++i) {
    size_t rank = (i / columns / field + i % columns / field) % values;
    if (random() % strays == 0) rank = random() % values;
    std::memcpy(&out[i * word_bytes], &names[i < values ? i : rank], word_bytes);
  }
  return out;
}

}  // namespace

CAF_TEST(classes write the documented layout and read it back) {
  constexpr uint64_t seed = 17;
  std::mt19937_64 random(seed);
  classes::workspace space;
  size_t sparse_groups = 0;
  size_t refused = 0;
  for (int round = 0; round < 600; ++round) {
    const size_t word_bytes = 1 + random() % 2;
    const size_t columns = 1 + random() % (round % 3 == 0 ? 512 : 40);
    const size_t count = columns * (1 + random() % 19);
    const size_t values = std::min(count, 1 + random() % (classes::max_values + 8));
    const auto words = make_classes(random, word_bytes, count, columns, values);
    const auto payload = classes::encode(word_bytes, words, columns, space);
    if (values > classes::max_values) {
      CAF_REQUIRE(payload.empty());
      ++refused;
      continue;
    }
    const bytes exact(payload.begin(), payload.end());
    const auto read = slow_classes(word_bytes, exact, count, columns, &sparse_groups);
    CAF_REQUIRE_EQUAL(read.size(), count);
    for (size_t i = 0; i < count; ++i)
      if (read[i] != load(&words[i * word_bytes], word_bytes)) CAF_FAIL("another word at " << i);
    bytes back(words.size(), std::byte{0xaa});
    CAF_REQUIRE(classes::decode(word_bytes, exact, columns, space, back));
    CAF_REQUIRE(back == words);
  }
  CAF_MESSAGE("seed " << seed << ": " << sparse_groups << " sparse groups, " << refused
                      << " with too many values");
  CAF_CHECK(sparse_groups > 100);
  CAF_CHECK(refused > 10);
}

CAF_TEST(classes refuse payloads that are cut off or go on and ranks that have no value) {
  std::mt19937_64 random(18);
  classes::workspace space;
  for (const size_t word_bytes : {1, 2})
    for (const size_t values : {3, 16, 17, 40, 64}) {
      constexpr size_t columns = 37;
      const auto words = make_classes(random, word_bytes, columns * 19, columns, values);
      const auto payload = classes::encode(word_bytes, words, columns, space);
      const bytes good(payload.begin(), payload.end());
      bytes back(words.size());
      for (size_t size = 0; size < good.size(); ++size) {
        const bytes cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
        CAF_REQUIRE(!classes::decode(word_bytes, cut, columns, space, back));
      }
      bytes longer(good);
      longer.push_back(std::byte{0});
      CAF_REQUIRE(!classes::decode(word_bytes, longer, columns, space, back));
      // One value less: the last rank is in use, and now has no value.
      bytes shorter(good);
      shorter[0] = static_cast<std::byte>(values - 1);
      const auto last = static_cast<ptrdiff_t>(1 + (values - 1) * word_bytes);
      shorter.erase(shorter.begin() + last,
                    shorter.begin() + last + static_cast<ptrdiff_t>(word_bytes));
      CAF_REQUIRE(!classes::decode(word_bytes, shorter, columns, space, back));
      for (const int count : {0, 65, 255}) {
        bytes other(good);
        other[0] = static_cast<std::byte>(count);
        CAF_REQUIRE(!classes::decode(word_bytes, other, columns, space, back));
      }
      CAF_REQUIRE(classes::decode(word_bytes, good, columns, space, back));
      CAF_REQUIRE(back == words);
    }
}

#define CAF_SUITE raster.codec_targets

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "libstip/raster/codec_classes.hpp"
#include "libstip/raster/codec_vdpfor.hpp"
#include "libstip/raster/simd_targets.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

using bytes = std::vector<std::byte>;

/// Makes the dispatch choose one target; gives it back its choice at the end.
class only_target {
 public:
  explicit only_target(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
  }
  ~only_target() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

struct shape {
  size_t rows;
  size_t columns;
};

const shape shapes[] = {{1, 1},   {1, 2},   {1, 255}, {1, 257}, {2, 1},     {511, 1}, {300, 2},
                        {90, 3},  {70, 7},  {33, 15}, {40, 16}, {29, 17},   {31, 31}, {19, 32},
                        {23, 33}, {12, 63}, {9, 100}, {5, 255}, {131, 256}, {3, 511}, {512, 512}};

const size_t word_sizes[] = {1, 2, 4, 8};

/// Words that are hard on one part or other of the codec.
bytes make_words(std::mt19937_64& random, size_t kind, size_t word_bytes, shape s) {
  const size_t count = s.rows * s.columns;
  const size_t bits = random() % (8 * word_bytes + 1);
  const size_t run = 1 + random() % 400;
  bytes out(count * word_bytes);
  uint64_t walk = random();
  for (size_t i = 0; i < count; ++i) {
    uint64_t above = 0;
    if (i >= s.columns) std::memcpy(&above, &out[(i - s.columns) * word_bytes], word_bytes);
    uint64_t word = 0;
    switch (kind) {
      case 0:  // noise
        word = random();
        break;
      case 1:  // differences of one width
        word = above + (bits == 0 ? 0 : random() >> (64 - bits));
        break;
      case 2:  // the same with outliers
        word = above + (random() % 20 == 0 ? random() : random() % 8);
        break;
      case 3:  // fill in runs: sparse groups
        word = i / run % 2 == 0 ? 0 : 700 + random() % 64;
        break;
      case 4:  // the smallest and the largest by turns
        word = i % 2 == 0 ? 0 : ~uint64_t{0};
        break;
      case 5:  // the sign's border
        word = (uint64_t{1} << (8 * word_bytes - 1)) + random() % 3 - 1;
        break;
      case 6:  // ends with zeros
        word = random() << (8 * word_bytes / 2);
        break;
      default:  // a walk
        walk += random() % 33 - 16;
        word = walk;
    }
    std::memcpy(&out[i * word_bytes], &word, word_bytes);
  }
  return out;
}
constexpr size_t kinds = 8;

std::string name_of(int64_t target) {
  return hwy::TargetName(target);
}

}  // namespace

CAF_TEST(every set of vector instructions writes the bytes of the scalar code) {
  constexpr uint64_t seed = 31;
  const auto targets = hwy::SupportedAndGeneratedTargets();
  CAF_REQUIRE(!targets.empty());
  for (const int64_t target : targets) {
    const only_target chosen(target);
    std::mt19937_64 random(seed);
    size_t blocks = 0;
    for (const size_t word_bytes : word_sizes)
      for (size_t kind = 0; kind < kinds; ++kind)
        for (const auto s : shapes) {
          // Off any alignment.
          auto shifted = make_words(random, kind, word_bytes, s);
          const size_t size = shifted.size();
          shifted.insert(shifted.begin(), std::byte{0});
          const auto words = std::span(shifted).subspan(1);
          const size_t room = vdpfor::max_bytes(word_bytes, s.rows * s.columns);
          bytes expected(room);
          bytes got(room, std::byte{0x77});
          const size_t by_scalar = vdpfor::scalar::encode(word_bytes, words, s.columns, expected);
          const size_t by_vector = vdpfor::encode(word_bytes, words, s.columns, got);
          if (by_scalar != by_vector ||
              !std::equal(got.begin(), got.begin() + static_cast<ptrdiff_t>(by_vector),
                          expected.begin()))
            CAF_FAIL("seed " << seed << ": " << name_of(target) << " writes another payload for "
                             << word_bytes << " bytes, kind " << kind << ", " << s.rows << " x "
                             << s.columns);
          got.resize(by_vector);
          // Copies of exactly these sizes, so that a sanitizer sees what lies beyond.
          const bytes payload(got);
          bytes back(size, std::byte{0x55});
          if (!vdpfor::decode(word_bytes, payload, s.columns, back) ||
              !std::equal(back.begin(), back.end(), words.begin()))
            CAF_FAIL("seed " << seed << ": " << name_of(target) << " reads other pixels");
          ++blocks;
        }
    CAF_MESSAGE(name_of(target) << ": " << blocks << " blocks");
  }
}

CAF_TEST(
    every set of vector instructions takes and refuses the payloads that the scalar code does) {
  constexpr uint64_t seed = 32;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const only_target chosen(target);
    std::mt19937_64 random(seed);
    size_t accepted = 0;
    size_t refused = 0;
    for (int round = 0; round < 6000; ++round) {
      const size_t word_bytes = word_sizes[random() % 4];
      const shape s{1 + random() % 12, 1 + random() % 90};
      const auto words = make_words(random, random() % kinds, word_bytes, s);
      bytes payload(vdpfor::max_bytes(word_bytes, s.rows * s.columns));
      payload.resize(vdpfor::scalar::encode(word_bytes, words, s.columns, payload));
      for (uint64_t edits = random() % 4; edits > 0; --edits)
        payload[random() % payload.size()] ^= static_cast<std::byte>(1 << random() % 8);
      if (random() % 8 == 0) payload.resize(random() % payload.size());
      const bytes exact(payload);
      bytes expected(words.size());
      bytes got(words.size());
      const bool by_scalar = vdpfor::scalar::decode(word_bytes, exact, s.columns, expected);
      const bool by_vector = vdpfor::decode(word_bytes, exact, s.columns, got);
      if (by_scalar != by_vector || (by_scalar && expected != got))
        CAF_FAIL("seed " << seed << ", round " << round << ": " << name_of(target) << " differs");
      ++(by_scalar ? accepted : refused);
    }
    CAF_MESSAGE(name_of(target) << ": " << accepted << " accepted, " << refused << " refused");
    CAF_CHECK(accepted > 1000);
    CAF_CHECK(refused > 1000);
  }
}

CAF_TEST(every set of vector instructions writes the classes of the scalar code) {
  constexpr uint64_t seed = 33;
  bytes first;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const only_target chosen(target);
    std::mt19937_64 random(seed);
    classes::workspace space;
    bytes all;
    size_t accepted = 0;
    size_t refused = 0;
    for (size_t word_bytes = 1; word_bytes <= 2; ++word_bytes)
      for (const size_t values : {1, 2, 5, 16, 17, 33, 64})
        for (const auto s : shapes) {
          const size_t count = s.rows * s.columns;
          const size_t run = 1 + random() % 70;
          const uint64_t factor = 2 * (random() % 100) + 1;
          bytes shifted(1 + count * word_bytes);
          for (size_t i = 0; i < count; ++i) {
            const uint64_t value = (i % s.columns / run + random() % 40 / 39) % values * factor;
            std::memcpy(&shifted[1 + i * word_bytes], &value, word_bytes);
          }
          const auto words = std::span(shifted).subspan(1);
          const auto made = classes::encode(word_bytes, words, s.columns, space);
          CAF_REQUIRE(!made.empty());
          bytes payload(made.begin(), made.end());
          all.insert(all.end(), payload.begin(), payload.end());
          // The groups are those of the scalar code.
          const size_t table = 1 + std::to_integer<size_t>(payload[0]) * word_bytes;
          const auto groups = std::span(payload).subspan(table);
          bytes ranks(count);
          bytes ranks_again(count);
          CAF_REQUIRE(vdpfor::scalar::decode_changes(groups, s.columns, ranks));
          CAF_REQUIRE(vdpfor::decode_changes(groups, s.columns, ranks_again));
          CAF_REQUIRE(ranks == ranks_again);
          bytes again(vdpfor::max_bytes(1, count));
          again.resize(vdpfor::scalar::encode_changes(word_bytes, ranks, s.columns, again));
          CAF_REQUIRE(std::equal(again.begin(), again.end(), groups.begin(), groups.end()));
          bytes back(words.size(), std::byte{0x55});
          CAF_REQUIRE(classes::decode(word_bytes, payload, s.columns, space, back));
          CAF_REQUIRE(std::equal(back.begin(), back.end(), words.begin()));
          // Damage is taken or refused alike; where it is taken it gives the same pixels.
          payload[random() % payload.size()] ^= static_cast<std::byte>(1 << random() % 8);
          const bytes exact(payload);
          const bool good = classes::decode(word_bytes, exact, s.columns, space, back);
          ++(good ? accepted : refused);
          all.push_back(static_cast<std::byte>(good));
          if (good) all.insert(all.end(), back.begin(), back.end());
        }
    CAF_MESSAGE(name_of(target) << ": " << accepted << " accepted, " << refused << " refused");
    CAF_CHECK(accepted > 10);
    CAF_CHECK(refused > 10);
    if (first.empty()) first = all;
    CAF_CHECK(all == first);
  }
}

#define CAF_SUITE store.image_state

#include "libstip/store/image_state.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <variant>

#include "tests/support/libstip/sample_chips.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr uint64_t seed = 20200714;
constexpr int rounds = 3000;

using fact = std::variant<sample_chip, put_tombstone>;

void apply(image_state& state, const fact& f) {
  if (const auto* sample = std::get_if<sample_chip>(&f))
    state.put({sample->chip, {}});
  else
    state.hide(std::get<put_tombstone>(f).when);
}

/// Everything that another node can see of it, parts of no image included.
std::vector<chip_description> all_of(const image_state& state) {
  std::vector<chip_description> chips;
  for (const auto& [id, set] : state.sets())
    for (const auto& [index, held] : set) {
      chips.push_back(held.record.chip);
      chips.back().token = 0;
    }
  if (state.tombstone()) chips.emplace_back().written = *state.tombstone();
  return chips;
}

bool lacks(const image_state& state, const fact& f) {
  if (const auto* sample = std::get_if<sample_chip>(&f)) return state.lacks(sample->chip);
  return state.lacks(std::get<put_tombstone>(f).when);
}

std::vector<chip_description> chips_of(const image_state& state) {
  std::vector<chip_description> chips;
  if (const auto* image = state.image())
    for (const auto& [index, held] : *image) chips.push_back(held.record.chip);
  if (const auto* mask = state.clouds()) chips.push_back(mask->record.chip);
  return chips;
}

}  // namespace

CAF_TEST(facts in any order give the image that a look at all of them gives) {
  std::mt19937_64 random{seed};
  const auto key = sample_key(1);
  // Pixels are made once: making them is what takes time.
  std::vector<sample_chip> pool;
  for (int i = 0; i < 24; ++i) pool.push_back(random_chip(random, key, 0, 1, 0, {}));
  std::vector<sample_chip> masks;
  for (int i = 0; i < 12; ++i) masks.push_back(random_mask(random, key, random() % 2, 0, {}));
  size_t images = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<fact> facts;
    const auto count = 1 + random() % 9;
    for (size_t i = 0; i < count; ++i) {
      if (random() % 8 == 0) {
        facts.emplace_back(put_tombstone{key, sample_version(static_cast<int64_t>(random() % 6))});
        continue;
      }
      if (random() % 4 == 0) {
        auto mask = masks[random() % masks.size()];
        mask.chip.scene = sample_scene(4 + random() % 2).id;
        mask.chip.written = sample_version(static_cast<int64_t>(random() % 6));
        mask.chip.token = 0;
        facts.emplace_back(std::move(mask));
        continue;
      }
      auto sample = pool[random() % pool.size()];
      sample.chip.subdataset_count = static_cast<uint16_t>(1 + random() % 2);
      sample.chip.subdataset_index = static_cast<uint16_t>(random() % sample.chip.subdataset_count);
      sample.chip.scene = sample_scene(random() % 2).id;
      sample.chip.written = sample_version(static_cast<int64_t>(random() % 6));
      sample.chip.token = 0;
      facts.emplace_back(std::move(sample));
    }
    store_twin twin;
    for (const auto& f : facts) {
      if (const auto* sample = std::get_if<sample_chip>(&f))
        twin.apply({{*sample}, {}});
      else
        twin.apply({{}, {std::get<put_tombstone>(f)}});
    }
    std::vector<chip_description> expected;
    const auto visible = twin.images();
    if (!visible.empty())
      for (const auto* sample : visible.begin()->second) expected.push_back(sample->chip);
    images += visible.size();
    for (int order = 0; order < 4; ++order) {
      std::shuffle(facts.begin(), facts.end(), random);
      image_state state;
      for (const auto& f : facts) apply(state, f);
      CAF_REQUIRE(chips_of(state) == expected);
      // Twice the same changes nothing.
      for (const auto& f : facts) apply(state, f);
      CAF_REQUIRE(chips_of(state) == expected);
    }
  }
  CAF_MESSAGE("seed " << seed << ": " << images << " images in " << rounds << " rounds");
  CAF_CHECK(images > rounds / 4);
}

CAF_TEST(quality subdatasets count only where nothing is measured) {
  coverage_of_image coverage;
  CAF_CHECK_EQUAL(coverage.value(), 0.0);
  coverage.add(true, 0.25);
  CAF_CHECK_EQUAL(coverage.value(), 0.25);
  coverage.add(false, 0.75);
  CAF_CHECK_EQUAL(coverage.value(), 0.75);
  coverage.add(false, 0.5);
  CAF_CHECK_EQUAL(coverage.value(), 0.5);
}

CAF_TEST(facts in any order leave the same facts and what would change them is lacked) {
  std::mt19937_64 random{seed};
  const auto key = sample_key(1);
  std::vector<sample_chip> pool;
  for (int i = 0; i < 6; ++i) pool.push_back(random_chip(random, key, 0, 1, 0, {}));
  std::vector<sample_chip> masks;
  for (int i = 0; i < 4; ++i) masks.push_back(random_mask(random, key, random() % 2, 0, {}));
  size_t lacked = 0, asked = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<fact> facts;
    for (auto count = 1 + random() % 9; count > 0; --count) {
      if (random() % 6 == 0) {
        facts.emplace_back(put_tombstone{key, sample_version(static_cast<int64_t>(random() % 6))});
        continue;
      }
      if (random() % 4 == 0) {
        auto mask = masks[random() % masks.size()];
        mask.chip.scene = sample_scene(3 + random() % 2).id;
        mask.chip.written = sample_version(static_cast<int64_t>(random() % 6));
        mask.chip.token = random();
        facts.emplace_back(std::move(mask));
        continue;
      }
      auto sample = pool[random() % pool.size()];
      auto& chip = sample.chip;
      chip.subdataset_count = static_cast<uint16_t>(1 + random() % 3);
      chip.subdataset_index = static_cast<uint16_t>(random() % chip.subdataset_count);
      chip.scene = sample_scene(random() % 3).id;
      chip.written = sample_version(static_cast<int64_t>(random() % 6));
      chip.token = random();
      // The same content told in another way.
      chip.column = static_cast<int64_t>(random() % 2);
      facts.emplace_back(std::move(sample));
    }
    std::vector<chip_description> expected;
    for (int order = 0; order < 6; ++order) {
      std::shuffle(facts.begin(), facts.end(), random);
      image_state state;
      for (const auto& f : facts) {
        const auto before = all_of(state);
        const bool is_lacked = lacks(state, f);
        apply(state, f);
        const bool changed = all_of(state) != before;
        CAF_REQUIRE_EQUAL(is_lacked, changed);
        lacked += is_lacked;
        ++asked;
      }
      if (order == 0) expected = all_of(state);
      CAF_REQUIRE(all_of(state) == expected);
      for (const auto& f : facts) CAF_REQUIRE(!lacks(state, f));
    }
  }
  CAF_MESSAGE("seed " << seed << ": " << lacked << " of " << asked << " facts were lacked");
  CAF_CHECK(lacked > asked / 4);
  CAF_CHECK(lacked < asked);
}

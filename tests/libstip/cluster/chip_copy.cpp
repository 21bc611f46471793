#define CAF_SUITE cluster.chip_copy

#include "libstip/cluster/chip_copy.hpp"

#include <caf/test/unit_test.hpp>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/block.hpp"
#include "libstip/raster/chip_content.hpp"
#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/store_fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// A part may have so many bytes: none of the chips' blocks is larger than a message.
constexpr size_t most_part_bytes = defaults::max_message_bytes;

struct fixture : store_fixture {
  uint64_t uploads = 0;

  std::unique_ptr<album_store> open_named(const std::string& name) {
    auto opened = album_store::open(directory / name, geocode_algorithm::geohash, {}, files);
    if (!opened) CAF_FAIL(to_string(opened.error()));
    return std::move(*opened);
  }

  /// A chip of noise in blocks of 512 x 512, each of which takes half a message; every third is
  /// empty.
  sample_chip large_chip(size_t key, int64_t t) {
    auto sample = random_chip(random, sample_key(key), 0, 1, 0, sample_version(t));
    auto& chip = sample.chip;
    chip.type = pixel_type::uint16;
    chip.bands = 1;
    chip.mask_planes = 0;
    chip.block_edge = 512;
    chip.width = 4 * 512;
    chip.height = 2 * 512;
    chip.valid_pixels = chip.cell_pixels = 1;
    chip.outline.clear();
    sample.records.assign(chip.blocks(), {});
    std::vector<uint64_t> contents(chip.blocks(), 0);
    block_encoder encoder;
    for (size_t i = 0; i < sample.records.size(); ++i) {
      if (i % 3 == 2) continue;
      std::vector<std::byte> pixels(size_t{512} * 512 * 2);
      for (auto& pixel : pixels) pixel = std::byte(random());
      (void)encoder.append_block(chip.type, 512, 512, pixels, sample.records[i]);
      contents[i] = parse_block(sample.records[i])->content;
    }
    chip.content =
        chip_content(chip.type, chip.width, chip.height, chip.planes(), chip.block_edge, contents);
    return sample;
  }

  /// Reads the chip part by part and gives each to a writer of another store.
  size_t bring(const album_store& from, album_store& to, const chip_description& chip) {
    chip_writer writer{to, system_clock()};
    size_t parts = 0;
    for (chip_copy copy{from, chip, {1, ++uploads}}; !copy.done(); ++parts) {
      auto part = copy.next();
      if (!part) CAF_FAIL(to_string(part.error()));
      CAF_REQUIRE(part->records.size() <= most_part_bytes);
      CAF_REQUIRE_EQUAL(part->description.empty(), !copy.done());
      chip_parts message;
      const auto scene = from.scene(chip.scene);
      CAF_REQUIRE(scene);
      if (copy.done()) message.scenes.push_back({chip.scene, *scene});
      message.parts.push_back(std::move(*part));
      const std::vector<const chip_parts*> messages{&message};
      const auto written = writer.write(messages);
      if (!written.outcomes[0]) CAF_FAIL(to_string(written.outcomes[0].error()));
      CAF_REQUIRE_EQUAL(written.outcomes[0]->chips.size(), copy.done() ? 1u : 0u);
    }
    CAF_CHECK_EQUAL(writer.open_uploads(), 0u);
    return parts;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(chip_copy_tests, fixture)

CAF_TEST(a chip of any size arrives byte by byte in parts of a message each) {
  const auto a = open_named("a"), b = open_named("b");
  const auto large = large_chip(1, 1);
  store_well(*a, {{large}, {}});
  CAF_CHECK_EQUAL(bring(*a, *b, large.chip), 6u);
  CAF_CHECK_EQUAL(difference(*b), "");
}

CAF_TEST(chips of complete images and parts of others and chips without a byte are copied) {
  const auto a = open_named("a"), b = open_named("b");
  workload work{seed};
  sample_commit all;
  for (int i = 0; i < 25; ++i) {
    const auto next = work.next();
    all.chips.insert(all.chips.end(), next.chips.begin(), next.chips.end());
  }
  auto empty = random_chip(random, sample_key(20), 0, 1, 0, sample_version(1));
  for (auto& record : empty.records) record.clear();
  empty.chip.content =
      chip_content(empty.chip.type, empty.chip.width, empty.chip.height, empty.chip.planes(),
                   empty.chip.block_edge, std::vector<uint64_t>(empty.records.size(), 0));
  all.chips.push_back(empty);
  store_well(*a, all);
  const slice_of everywhere = [](std::string_view) { return std::optional<uint32_t>{0}; };
  const auto facts = a->facts(everywhere, {}, defaults::max_facts);
  CAF_REQUIRE(facts);
  size_t chips = 0;
  for (const auto& fact : facts->facts) {
    if (!fact.chip) continue;
    CAF_CHECK_EQUAL(bring(*a, *b, *fact.chip), 1u);
    ++chips;
  }
  CAF_CHECK_EQUAL(chips, a->statistics().chips);
  CAF_CHECK(a->statistics().chips > a->statistics().images);
  CAF_CHECK_EQUAL(difference(*b), "");
  CAF_CHECK(*a->digests(everywhere) == *b->digests(everywhere));
}

CAF_TEST(a chip that is compacted on the way arrives and one that is replaced is given up) {
  auto with = options;
  with.max_segment_bytes = 2 << 20;
  const auto a = open(with), b = open_named("b");
  const auto moved = large_chip(1, 1), other = large_chip(2, 1);
  CAF_REQUIRE(store(*a, {{moved, other}, {}}));
  chip_copy copy{*a, moved.chip, {7, 7}};
  chip_parts message;
  auto part = copy.next();
  CAF_REQUIRE(part);
  message.parts.push_back(std::move(*part));
  CAF_REQUIRE(store(*a, {{}, {{other.chip.key, sample_version(9)}}}));
  auto eager = eager_compaction();
  eager.dead_share = 0;
  auto begun = a->begin_compaction(eager, {});
  CAF_REQUIRE(begun);
  CAF_REQUIRE(*begun);
  for (auto turn = compaction_turn::step; turn != compaction_turn::done;) {
    uint64_t cost = 0;
    const auto next = turn == compaction_turn::publish ? a->publish_compaction() : a->compact(cost);
    CAF_REQUIRE(next);
    turn = *next;
  }
  CAF_CHECK(a->end_compaction().chips_moved > 0);
  // The same pixels again: the newer version goes.
  auto again = moved;
  again.chip.written = sample_version(5);
  CAF_REQUIRE(store(*a, {{again}, {}}));
  while (!copy.done()) {
    part = copy.next();
    if (!part) CAF_FAIL(to_string(part.error()));
    message.parts.push_back(std::move(*part));
  }
  message.scenes.push_back({sample_scene(0).id, sample_scene(0).json});
  chip_writer writer{*b, system_clock()};
  const std::vector<const chip_parts*> messages{&message};
  const auto written = writer.write(messages);
  CAF_REQUIRE(written.outcomes[0]);
  CAF_CHECK(written.outcomes[0]->chips == std::vector{put_outcome::stored});
  store_twin expected;
  expected.apply({{again}, {}});
  const auto wrong = expected.difference(*b).value_or("");
  CAF_CHECK_EQUAL(wrong, "");

  chip_copy late{*a, moved.chip, {7, 8}};
  const auto fresh = large_chip(1, 8);
  CAF_REQUIRE(store(*a, {{fresh}, {}}));
  CAF_CHECK(code_of(late.next()) == ec::not_found);
  CAF_CHECK(!late.done());
}

CAF_TEST_FIXTURE_SCOPE_END()

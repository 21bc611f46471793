#define CAF_SUITE analysis.chip_blocks
#include "libstip/analysis/chip_blocks.hpp"

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <random>
#include <thread>

#include "libstip/raster/block.hpp"

using namespace stip;

namespace {

constexpr uint16_t edge = 16;

/// Chips of 4 x 4 blocks of one band; a block's pixels say which it is. Every fifth has no data.
struct numbered_blocks final : block_source {
  result<void> read(const chip_place& chip, uint64_t first, uint64_t end,
                    const take_block& take) override {
    ++questions;
    if (broken) return fail(ec::unavailable, "read", "broken");
    block_encoder encoder;
    for (auto i = first; i < end; ++i) {
      ++read_blocks;
      if (i % 5 == 4) continue;
      const std::vector<std::byte> pixels(edge * edge, pixel(chip.window.column, i));
      std::vector<std::byte> record;
      STIP_TRY(encoder.append_block(pixel_type::uint8, edge, edge, pixels, record));
      STIP_TRY(take(i, record));
    }
    return {};
  }
  static std::byte pixel(int64_t chip, uint64_t block) {
    return static_cast<std::byte>(chip / 64 * 16 + static_cast<int64_t>(block));
  }

  std::atomic<int> questions{0};
  std::atomic<int> read_blocks{0};
  std::atomic<bool> broken{false};
};

chip_place chip(int64_t i) {
  return {std::make_shared<const std::string>("chip"), 0, edge, 1, {64 * i, 0, 64, 64}, {}};
}

}  // namespace

CAF_TEST(many threads get the right blocks under the bound) {
  constexpr uint64_t bound = 20 * (edge * edge + 128);
  numbered_blocks source;
  block_cache cache{source, bound};
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (uint64_t t = 0; t < 6; ++t)
      threads.emplace_back([&, t] {
        std::mt19937_64 random(t);
        for (int round = 0; round < 400; ++round) {
          const auto which = static_cast<int64_t>(random() % 8);
          std::vector<uint64_t> numbers;
          for (uint64_t i = 0; i < 16; ++i)
            if (random() % 3 == 0) numbers.push_back(i);
          const auto got = cache.get(static_cast<uint64_t>(which), chip(which), numbers);
          if (!got || got->size() != numbers.size()) {
            ++wrong;
            continue;
          }
          for (size_t i = 0; i < numbers.size(); ++i) {
            const auto& block = (*got)[i];
            if (numbers[i] % 5 == 4)
              wrong += block != nullptr ? 1 : 0;
            else
              wrong += !block || block->size() != edge * edge ||
                               block->front() != numbered_blocks::pixel(64 * which, numbers[i])
                           ? 1
                           : 0;
          }
        }
      });
  }
  CAF_CHECK_EQUAL(wrong.load(), 0);
  CAF_CHECK(cache.peak_bytes() <= bound);
  CAF_CHECK(cache.reads() < cache.requests());
}

CAF_TEST(what is there is not read again and neighbours come in one question) {
  numbered_blocks source;
  block_cache cache{source, 1 << 20};
  const std::vector<uint64_t> numbers = {0, 1, 2, 3, 6, 12};
  CAF_REQUIRE(cache.get(0, chip(0), numbers).has_value());
  // 0 to 6 with a gap of two, and 12.
  CAF_CHECK_EQUAL(source.questions.load(), 2);
  CAF_REQUIRE(cache.get(0, chip(0), numbers).has_value());
  CAF_CHECK_EQUAL(source.questions.load(), 2);
  CAF_REQUIRE(cache.get(1, chip(1), numbers).has_value());
  CAF_CHECK_EQUAL(source.questions.load(), 4);
}

CAF_TEST(a failure reaches those who asked and is forgotten) {
  numbered_blocks source;
  block_cache cache{source, 1 << 20};
  const std::vector<uint64_t> numbers = {1, 2};
  source.broken = true;
  const auto failed = cache.get(0, chip(0), numbers);
  CAF_REQUIRE(!failed);
  CAF_CHECK(failed.error().code == ec::unavailable);
  source.broken = false;
  CAF_CHECK(cache.get(0, chip(0), numbers).has_value());
}

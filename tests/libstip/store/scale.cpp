#define CAF_SUITE store.scale

#include <caf/test/unit_test.hpp>
#include <chrono>
#include <numeric>

#include "libstip/store/album_store.hpp"
#include "tests/support/libstip/sample_chips.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

// Many images. Times are printed, and decide nothing.

using namespace stip;
using namespace stip::test;

namespace {

constexpr uint64_t seed = 20200714;
constexpr size_t commits = 10;
constexpr size_t images_per_commit = 10'000;

}  // namespace

CAF_TEST(a store with a hundred thousand images opens and tells them all) {
  const scratch_directory scratch;
  const auto open = [&] {
    return album_store::open(scratch / "album", geocode_algorithm::geohash, {},
                             posix_file_system());
  };
  std::mt19937_64 random{seed};
  const auto pixels = random_chip(random, sample_key(0), 0, 1, 0, sample_version(1));
  const auto since = [](auto start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start)
        .count();
  };
  {
    const auto s = open();
    CAF_REQUIRE(s);
    const auto start = std::chrono::steady_clock::now();
    for (size_t c = 0; c < commits; ++c) {
      commit_request request;
      request.scenes.push_back(sample_scene(0));
      const auto places = (*s)->append(joined(pixels.records));
      CAF_REQUIRE(places);
      put_chip put{pixels.chip, {}};
      put.blocks.resize(pixels.records.size());
      auto place = places->begin();
      for (size_t b = 0; b < put.blocks.size(); ++b)
        if (!pixels.records[b].empty()) put.blocks[b] = *place++;
      for (size_t i = 0; i < images_per_commit; ++i) {
        auto packed = random();
        put.chip.key.geocode = unpack(geocode_algorithm::geohash, packed << 4 | 6);
        put.chip.key.timestamp = static_cast<epoch_seconds>(c * images_per_commit + i);
        request.chips.push_back(put);
      }
      CAF_REQUIRE((*s)->commit(request));
    }
    CAF_MESSAGE("commits: " << since(start) << " ms");
  }
  auto start = std::chrono::steady_clock::now();
  const auto s = open();
  CAF_REQUIRE(s);
  CAF_MESSAGE("open: " << since(start) << " ms");
  start = std::chrono::steady_clock::now();
  const auto entries = (*s)->scan_index();
  CAF_REQUIRE(entries);
  CAF_MESSAGE("scan: " << since(start) << " ms");
  CAF_CHECK_EQUAL(entries->size(), commits * images_per_commit);
  std::vector<image_key> keys;
  for (size_t i = 0; i < 1000; ++i) keys.push_back((*entries)[i * 100].key);
  start = std::chrono::steady_clock::now();
  const auto rows = (*s)->rows(keys, "n");
  CAF_REQUIRE(rows);
  CAF_MESSAGE("1000 rows: " << since(start) << " ms");
  CAF_CHECK_EQUAL(rows->size(), keys.size());
  const slice_of slices = [](std::string_view geocode) {
    return std::optional{static_cast<uint32_t>(hash64(geocode) % ring_slices)};
  };
  start = std::chrono::steady_clock::now();
  const auto sums = (*s)->digests(slices);
  CAF_REQUIRE(sums);
  CAF_MESSAGE("digests: " << since(start) << " ms");
  start = std::chrono::steady_clock::now();
  uint64_t sum = 0, facts = 0;
  std::string from;
  do {
    const auto page = (*s)->facts(slices, from, 1000);
    CAF_REQUIRE(page);
    for (auto fact : page->facts) {
      fact.chip->token = 0;
      sum += digest_of(fact);
    }
    facts += page->facts.size();
    from = page->next;
  } while (!from.empty());
  CAF_MESSAGE("pages of facts: " << since(start) << " ms");
  CAF_CHECK_EQUAL(facts, entries->size());
  CAF_CHECK_EQUAL(sum, std::accumulate(sums->begin(), sums->end(), uint64_t{0}));
}

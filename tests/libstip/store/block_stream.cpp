#define CAF_SUITE store.block_stream

#include "libstip/store/block_stream.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "libstip/store/segment.hpp"
#include "tests/support/libstip/store_fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : store_fixture {
  std::unique_ptr<album_store> s = open();
  std::vector<block_location> places;

  fixture() {
    for (size_t i = 0; i < 60; ++i) CAF_REQUIRE(store(*s, image(i, 1)));
    const auto entries = s->scan_index();
    CAF_REQUIRE(entries);
    for (const auto& entry : *entries) {
      const auto chips = s->chips(entry.key);
      CAF_REQUIRE(chips);
      for (const auto& record : *chips)
        places.insert(places.end(), record.blocks.begin(), record.blocks.end());
    }
  }

  std::vector<std::byte> alone(const block_location& place) {
    std::vector<std::byte> bytes;
    CAF_REQUIRE(s->read(place, bytes));
    return bytes;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(block_stream_tests, fixture)

CAF_TEST(blocks come in the order of the list whatever it is) {
  CAF_MESSAGE("seed " << seed << ": " << places.size() << " blocks");
  for (int round = 0; round < 12; ++round) {
    auto wanted = places;
    if (round > 0) std::shuffle(wanted.begin(), wanted.end(), random);
    if (round > 6) wanted.insert(wanted.end(), wanted.begin(), wanted.begin() + 40);
    block_stream::options o;
    o.depth = 1 + random() % 9;
    o.request_bytes = uint64_t{1} << (random() % 18);
    o.gap_bytes = random() % 3 == 0 ? 0 : random() % 9000;
    o.ahead_bytes = uint64_t{1} << (random() % 20);
    const auto stream = s->stream(wanted, o);
    size_t count = 0;
    while (const auto block = stream->next()) {
      CAF_REQUIRE_EQUAL(block->number, count);
      CAF_REQUIRE(block->outcome);
      const auto expected = alone(wanted[count]);
      CAF_REQUIRE(
          std::equal(block->record.begin(), block->record.end(), expected.begin(), expected.end()));
      ++count;
    }
    CAF_CHECK_EQUAL(count, wanted.size());
    CAF_CHECK(!stream->next());
    uint64_t largest = 0;
    for (const auto& place : wanted) largest = std::max<uint64_t>(largest, place.bytes);
    CAF_CHECK(stream->high_water() <=
              std::max({o.ahead_bytes, std::max(largest, o.request_bytes)}));
  }
}

CAF_TEST(neighbours are read together) {
  const auto stream = s->stream(places, {});
  CAF_MESSAGE(places.size() << " blocks, " << stream->requests() << " requests");
  CAF_CHECK(stream->requests() < places.size() / 4);
}

CAF_TEST(an empty list and one of blocks without bytes need no read) {
  CAF_CHECK(!s->stream({}, {})->next());
  const auto stream = s->stream(std::vector<block_location>(3), {});
  for (size_t i = 0; i < 3; ++i) {
    const auto block = stream->next();
    CAF_REQUIRE(block);
    CAF_CHECK_EQUAL(block->number, i);
    CAF_CHECK(block->record.empty());
    CAF_CHECK(block->outcome);
  }
  CAF_CHECK(!stream->next());
}

CAF_TEST(a stream may be left in the middle) {
  for (size_t take = 0; take < 20; ++take) {
    block_stream::options o;
    o.ahead_bytes = 2000;
    const auto stream = s->stream(places, o);
    for (size_t i = 0; i < take; ++i) CAF_CHECK(stream->next());
  }
}

CAF_TEST(what cannot be read is told of the block alone) {
  s.reset();
  const auto gone = places.back().segment == 0 ? places[0].segment : places.back().segment;
  std::filesystem::remove(directory / "album/" + segment_name(gone));
  block_location hurt;
  for (const auto& place : places)
    if (place.bytes > 0 && place.segment != gone) hurt = place;
  {
    std::fstream file{directory / "album/" + segment_name(hurt.segment),
                      std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(hurt.offset + 20));
    file.put('!').put('?');
  }
  s = open();
  const auto stream = s->stream(places, {});
  while (const auto block = stream->next()) {
    const auto& place = places[block->number];
    if (place.bytes == 0) continue;
    if (place.segment == gone) {
      CAF_REQUIRE(!block->outcome);
      CAF_CHECK(block->outcome.error().code == ec::not_found);
    } else if (place == hurt) {
      CAF_REQUIRE(!block->outcome);
      CAF_CHECK(block->outcome.error().code == ec::corrupt);
    } else {
      CAF_CHECK(block->outcome);
    }
  }
}

CAF_TEST_FIXTURE_SCOPE_END()

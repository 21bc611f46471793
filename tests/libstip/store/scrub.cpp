#define CAF_SUITE store.scrub

#include "libstip/store/scrub.hpp"

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/libstip/store_fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : store_fixture {
  std::unique_ptr<album_store> s = open();

  void fill() {
    workload work{seed};
    for (int i = 0; i < 60; ++i) CAF_REQUIRE(store(*s, work.next()));
  }

  /// A whole pass; how many steps it took.
  size_t pass(uint64_t bytes, std::vector<scrub_finding>& found, scrub_state& state) {
    for (size_t steps = 1;; ++steps) {
      const auto done = s->scrub(state, bytes);
      if (!done) CAF_FAIL(to_string(done.error()));
      state = done->state;
      found.insert(found.end(), done->damaged.begin(), done->damaged.end());
      if (done->finished) return steps;
    }
  }

  std::string path(uint32_t segment) { return directory / "album/" + segment_name(segment); }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(scrub_tests, fixture)

CAF_TEST(a pass looks at every chip however small its steps are) {
  fill();
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{5000}, uint64_t{1} << 30}) {
    std::vector<scrub_finding> found;
    scrub_state state;
    const auto steps = pass(bytes, found, state);
    CAF_MESSAGE(steps << " steps of " << bytes << " bytes");
    CAF_CHECK(found.empty());
    CAF_CHECK_EQUAL(state.chips, s->statistics().chips);
    CAF_CHECK(state.after_key.empty());
    CAF_CHECK(!state.in_pending);
  }
}

CAF_TEST(each damaged chip is found with its place and the others are not accused) {
  fill();
  const auto entries = s->scan_index();
  CAF_REQUIRE(entries);
  CAF_REQUIRE(entries->size() >= 4);
  std::set<std::string> hurt;
  std::vector<block_location> places;
  for (const size_t i : {size_t{0}, entries->size() / 2}) {
    const auto chips = s->chips((*entries)[i].key);
    CAF_REQUIRE(chips);
    for (const auto& block : (*chips)[0].blocks) {
      if (block.bytes == 0) continue;
      std::fstream file{path(block.segment), std::ios::in | std::ios::out | std::ios::binary};
      file.seekp(static_cast<std::streamoff>(block.offset + 20));
      file.put('!').put('?');
      hurt.insert(to_string((*entries)[i].key) + "/" + (*chips)[0].chip.subdataset);
      places.push_back(block);
      break;
    }
  }
  std::vector<scrub_finding> found;
  scrub_state state;
  pass(4000, found, state);
  std::set<std::string> accused;
  for (const auto& finding : found) {
    accused.insert(finding.chip);
    CAF_CHECK(std::any_of(places.begin(), places.end(), [&](const block_location& place) {
      return place.segment == finding.segment && place.offset == finding.offset;
    }));
  }
  CAF_CHECK(accused == hurt);
  CAF_CHECK_EQUAL(state.damaged, hurt.size());
}

CAF_TEST(a segment that ends too early or is gone is found) {
  fill();
  const auto entries = s->scan_index();
  CAF_REQUIRE(entries);
  std::set<uint32_t> segments;
  for (const auto& entry : *entries) {
    const auto chips = s->chips(entry.key);
    CAF_REQUIRE(chips);
    for (const auto& record : *chips)
      for (const auto& block : record.blocks)
        if (block.bytes > 0) segments.insert(block.segment);
  }
  CAF_REQUIRE(segments.size() >= 2);
  s = open();
  std::filesystem::remove(path(*segments.begin()));
  std::filesystem::resize_file(path(*segments.rbegin()), 100);
  std::vector<scrub_finding> found;
  scrub_state state;
  pass(uint64_t{1} << 30, found, state);
  std::set<uint32_t> accused;
  for (const auto& finding : found) accused.insert(finding.segment);
  CAF_CHECK(accused.contains(*segments.begin()));
  CAF_CHECK(accused.contains(*segments.rbegin()));
}

CAF_TEST(a pass goes on where it was after the store was opened again) {
  fill();
  scrub_state state;
  state.began_ms = 17;
  for (int i = 0; i < 3; ++i) {
    const auto done = s->scrub(state, 3000);
    CAF_REQUIRE(done);
    state = done->state;
  }
  CAF_CHECK(state.chips > 0);
  CAF_REQUIRE(s->keep(state));
  s.reset();
  s = open();
  const auto kept = s->scrub_position();
  CAF_REQUIRE(kept);
  CAF_CHECK(*kept == state);
  std::vector<scrub_finding> found;
  pass(3000, found, state);
  CAF_CHECK_EQUAL(state.chips, s->statistics().chips);
}

CAF_TEST_FIXTURE_SCOPE_END()

#define CAF_SUITE store.compaction

#include "libstip/store/compaction.hpp"

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/store_fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr size_t sample_keys = 12;

struct fixture : store_fixture {
  compaction_options eager = eager_compaction();

  fixture() { options.max_segment_bytes = 64 << 10; }

  void erase_all(album_store& s, int64_t t) {
    sample_commit gone;
    for (size_t i = 0; i < sample_keys; ++i)
      gone.tombstones.push_back({sample_key(i), sample_version(t)});
    store_well(s, gone);
  }

  /// One step or publication. False: there is none under way.
  result<bool> go_on(album_store& s) {
    uint64_t cost = 0;
    STIP_ASSIGN(const auto turn, s.compact(cost));
    if (turn == compaction_turn::publish) STIP_TRY(s.publish_compaction());
    return turn != compaction_turn::done;
  }

  bool begin(album_store& s, const std::set<uint32_t>& in_use = {}) {
    const auto begun = s.begin_compaction(eager, in_use);
    if (!begun) CAF_FAIL(to_string(begun.error()));
    return *begun;
  }

  compaction_report finish(album_store& s) {
    while (true) {
      const auto more = go_on(s);
      if (!more) CAF_FAIL(to_string(more.error()));
      if (!*more) return s.end_compaction();
    }
  }

  std::set<uint32_t> segment_files() {
    std::set<uint32_t> ids;
    for (const auto& entry : std::filesystem::directory_iterator(directory / "album"))
      if (const auto id = parse_segment_name(entry.path().filename().string())) ids.insert(*id);
    return ids;
  }

  uint64_t file_bytes() {
    uint64_t bytes = 0;
    for (const auto id : segment_files())
      bytes += std::filesystem::file_size(directory / "album/" + segment_name(id));
    return bytes;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(compaction_tests, fixture)

CAF_TEST(whatever is stored and deleted between its steps a compaction keeps every byte) {
  CAF_MESSAGE("seed " << seed);
  workload work{seed};
  auto s = open();
  uint64_t moved = 0, changed = 0, removed = 0;
  bool under_way = false;
  for (int i = 0; i < 400; ++i) {
    store_well(*s, work.next());
    if (!under_way) under_way = begin(*s);
    for (auto steps = random() % 8; under_way && steps > 0; --steps) {
      const auto more = go_on(*s);
      CAF_REQUIRE(more);
      if (*more) continue;
      const auto report = s->end_compaction();
      moved += report.chips_moved;
      changed += report.chips_changed;
      removed += report.segments_removed;
      under_way = false;
    }
    if (i % 20 == 0) {
      const auto wrong = difference(*s);
      CAF_REQUIRE_EQUAL(wrong, "");
    }
    if (i % 90 == 89) {
      // Closed in the middle of a compaction.
      const auto before = s->statistics();
      s.reset();
      under_way = false;
      s = open();
      const auto after = s->statistics();
      CAF_CHECK_EQUAL(after.live_bytes, before.live_bytes);
      CAF_CHECK_EQUAL(after.segment_bytes, before.segment_bytes);
      CAF_CHECK_EQUAL(after.chips, before.chips);
      const auto wrong = difference(*s);
      CAF_REQUIRE_EQUAL(wrong, "");
    }
  }
  CAF_MESSAGE(moved << " chips moved, " << changed << " changed meanwhile, " << removed
                    << " segments removed");
  CAF_CHECK(moved > 100);
  CAF_CHECK(changed > 0);
  CAF_CHECK(removed > 50);
  if (under_way) finish(*s);
  // At rest no file has more dead than is allowed; the active one has room ahead of it, and what
  // follows a publication begins a new page.
  eager.publish_chips = 1000;
  eager.least_dead_bytes = 8 << 10;
  while (begin(*s)) finish(*s);
  const auto live = s->statistics().live_bytes;
  CAF_MESSAGE(live << " live bytes in files of " << file_bytes());
  CAF_CHECK(file_bytes() < live * 5 / 4 + options.max_segment_bytes);
  erase_all(*s, int64_t{1} << 40);
  CAF_CHECK_EQUAL(s->statistics().live_bytes, 0u);
  CAF_REQUIRE(begin(*s));
  finish(*s);
  CAF_CHECK(segment_files().empty());
  CAF_CHECK_EQUAL(s->statistics().segment_bytes, 0u);
}

CAF_TEST(segments without a live byte are removed without copying) {
  auto s = open();
  for (int64_t t = 1; t <= 40; ++t) store_well(*s, image(static_cast<size_t>(t) % sample_keys, t));
  erase_all(*s, 1000);
  CAF_CHECK(!segment_files().empty());
  CAF_REQUIRE(begin(*s));
  const auto report = finish(*s);
  CAF_CHECK_EQUAL(report.bytes_copied, 0u);
  CAF_CHECK(report.segments_removed > 0);
  CAF_CHECK(segment_files().empty());
  CAF_CHECK(!begin(*s));
  // The store goes on, and its segments have new names.
  store_well(*s, image(1, 2000));
  s.reset();
  s = open();
  const auto wrong = difference(*s);
  CAF_CHECK_EQUAL(wrong, "");
}

CAF_TEST(a reader that finds its file gone looks up again) {
  auto s = open();
  for (size_t i = 0; i < 12; ++i) store_well(*s, image(i, static_cast<int64_t>(i) + 1));
  const auto before = s->chips(sample_key(0));
  CAF_REQUIRE(before);
  sample_commit gone;
  for (size_t i = 1; i < 12; ++i)
    if (sample_key(i) != sample_key(0))
      gone.tombstones.push_back({sample_key(i), sample_version(100)});
  store_well(*s, gone);
  CAF_REQUIRE(begin(*s));
  CAF_CHECK(finish(*s).chips_moved > 0);
  std::vector<std::byte> bytes;
  result<void> read;
  for (const auto& block : (*before)[0].blocks)
    if (read) read = s->read(block, bytes);
  CAF_CHECK(code_of(read) == ec::not_found);
  const auto wrong = difference(*s);
  CAF_CHECK_EQUAL(wrong, "");
}

CAF_TEST(blocks that a commit is still to name are left alone and others can be named no more) {
  auto s = open();
  store_well(*s, image(0, 1));
  const auto waiting = image(1, 2).chips[0];
  const auto places = s->append(joined(waiting.records));
  CAF_REQUIRE(places);
  std::set<uint32_t> in_use;
  for (const auto& place : *places) in_use.insert(place.segment);
  sample_commit gone;
  gone.tombstones.push_back({sample_key(0), sample_version(10)});
  store_well(*s, gone);
  CAF_CHECK(!begin(*s, in_use));
  put_chip put{waiting.chip, std::vector<block_location>(waiting.records.size())};
  auto place = places->begin();
  for (size_t i = 0; i < put.blocks.size(); ++i)
    if (!waiting.records[i].empty()) put.blocks[i] = *place++;
  // Without its word for them they are garbage.
  const auto forgotten = s->append(joined(waiting.records));
  CAF_REQUIRE(forgotten);
  commit_request request;
  request.scenes.push_back(sample_scene(0));
  request.chips.push_back(put);
  CAF_REQUIRE(s->commit(request));
  twin.apply({{waiting}, {}});
  CAF_REQUIRE(begin(*s));
  finish(*s);
  place = forgotten->begin();
  for (size_t i = 0; i < put.blocks.size(); ++i)
    if (!waiting.records[i].empty()) request.chips[0].blocks[i] = *place++;
  CAF_CHECK(code_of(s->commit(request)) == ec::conflict);
  const auto wrong = difference(*s);
  CAF_CHECK_EQUAL(wrong, "");
}

CAF_TEST(a chip that cannot be read stays where it is and the others move) {
  auto s = open();
  for (size_t i = 0; i < 8; ++i) store_well(*s, image(i, static_cast<int64_t>(i) + 1));
  const auto chips = s->chips(sample_key(7));
  CAF_REQUIRE(chips);
  block_location hurt;
  for (const auto& block : (*chips)[0].blocks)
    if (block.bytes > 0) hurt = block;
  {
    std::fstream file{directory / "album/" + segment_name(hurt.segment),
                      std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(hurt.offset + hurt.bytes - 9));
    file.put('!').put('?');
  }
  eager.dead_share = 0;
  eager.publish_chips = 1000;
  CAF_REQUIRE(begin(*s));
  const auto report = finish(*s);
  CAF_CHECK_EQUAL(report.chips_unreadable, 1u);
  CAF_CHECK(report.chips_moved >= 1);
  CAF_CHECK(segment_files().contains(hurt.segment));
  const auto now = s->chips(sample_key(7));
  CAF_REQUIRE(now);
  CAF_CHECK((*now)[0].blocks == (*chips)[0].blocks);
  // It is not tried again and again.
  eager.least_dead_bytes = 8 << 10;
  while (begin(*s)) CAF_CHECK_EQUAL(finish(*s).chips_unreadable, 0u);
}

CAF_TEST(a disk without room or with failing syncs ends the compaction and loses nothing) {
  auto s = open();
  for (int64_t t = 1; t <= 60; ++t)
    store_well(*s, image(static_cast<size_t>(t) % 9, t, static_cast<uint64_t>(t) % 4));
  const auto names = segment_files();
  CAF_REQUIRE(begin(*s));
  files.limit_space(1000);
  auto failed = go_on(*s);
  while (failed && *failed) failed = go_on(*s);
  CAF_CHECK(code_of(failed) == ec::no_space);
  s->end_compaction();
  files.unlimit_space();
  auto wrong = difference(*s);
  CAF_CHECK_EQUAL(wrong, "");
  CAF_REQUIRE(begin(*s));
  files.fail_syncs(1);
  failed = go_on(*s);
  while (failed && *failed) failed = go_on(*s);
  CAF_CHECK(code_of(failed) == ec::io_error);
  s->end_compaction();
  wrong = difference(*s);
  CAF_CHECK_EQUAL(wrong, "");
  CAF_REQUIRE(begin(*s));
  finish(*s);
  wrong = difference(*s);
  CAF_CHECK_EQUAL(wrong, "");
  const auto live = segment_files();
  s.reset();
  s = open();
  CAF_CHECK(segment_files() == live);
}

CAF_TEST(many small segments are put together) {
  for (int64_t t = 1; t <= 20; ++t) {
    auto s = open();
    store_well(*s, image(static_cast<size_t>(t), t));
  }
  auto s = open();
  const auto before = segment_files().size();
  eager.least_dead_bytes = 1 << 20;
  eager.small_segment_bytes = 1 << 20;
  CAF_REQUIRE(begin(*s));
  finish(*s);
  CAF_MESSAGE(before << " files, then " << segment_files().size());
  CAF_CHECK(segment_files().size() < before / 2);
  const auto wrong = difference(*s);
  CAF_CHECK_EQUAL(wrong, "");
  CAF_CHECK(!begin(*s));
}

CAF_TEST(scene records that no chip refers to are dropped and those that come to be used stay) {
  auto s = open();
  const auto alone = [&](size_t key, int64_t t, uint64_t scene) {
    const auto commit = image(key, t, scene);
    commit_request request;
    request.scenes.push_back(sample_scene(scene));
    const auto places = s->append(joined(commit.chips[0].records));
    CAF_REQUIRE(places);
    put_chip put{commit.chips[0].chip, std::vector<block_location>(commit.chips[0].records.size())};
    auto place = places->begin();
    for (size_t i = 0; i < put.blocks.size(); ++i)
      if (!commit.chips[0].records[i].empty()) put.blocks[i] = *place++;
    request.chips.push_back(put);
    CAF_REQUIRE(s->commit(request));
    twin.apply(commit);
  };
  alone(0, 1, 1);
  alone(1, 1, 2);
  alone(2, 1, 3);
  sample_commit gone;
  for (const size_t key : {0u, 1u}) gone.tombstones.push_back({sample_key(key), sample_version(9)});
  commit_request request;
  request.tombstones = gone.tombstones;
  CAF_REQUIRE(s->commit(request));
  twin.apply(gone);
  CAF_REQUIRE(begin(*s));
  // While the tables are looked through, scene 2 comes into use again.
  CAF_REQUIRE(go_on(*s));
  CAF_REQUIRE(go_on(*s));
  alone(1, 20, 2);
  finish(*s);
  CAF_CHECK(code_of(s->scene(sample_scene(1).id)) == ec::not_found);
  CAF_CHECK(s->scene(sample_scene(2).id));
  CAF_CHECK(s->scene(sample_scene(3).id));
  const auto wrong = difference(*s);
  CAF_CHECK_EQUAL(wrong, "");
}

CAF_TEST(tombstones go when they are old enough and not before) {
  auto s = open();
  store_well(*s, image(0, 1));
  store_well(*s, image(1, 1));
  sample_commit gone;
  gone.tombstones.push_back({sample_key(0), sample_version(100)});
  gone.tombstones.push_back({sample_key(1), sample_version(200)});
  store_well(*s, gone);
  eager.drop_tombstones_before_ms = 150;
  CAF_REQUIRE(begin(*s));
  CAF_CHECK_EQUAL(finish(*s).tombstones_dropped, 1u);
  // A late replay is hidden by the one that is left alone.
  const auto hidden = image(1, 50);
  CAF_REQUIRE(store(*s, hidden));
  CAF_CHECK_EQUAL(s->statistics().images, 0u);
  const auto shown = image(0, 50);
  CAF_REQUIRE(store(*s, shown));
  CAF_CHECK_EQUAL(s->statistics().images, 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()

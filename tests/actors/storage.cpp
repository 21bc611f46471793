#define CAF_SUITE actors.storage
#include "actors/storage.hpp"

#include <fstream>
#include <numeric>

#include "libstip/store/segment.hpp"
#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : actor_fixture {
  fixture() {
    context->writers = held_executor(jobs);
    auto opened = open_album_view(context, make_album("europe"));
    CAF_REQUIRE(opened);
    view = std::move(*opened);
    aut = keep(sys.spawn(storage_behavior, context_ptr{context}, view));
  }

  awaited<parcel_answer> put(chip_parts content) {
    parcel p;
    p.target = view->definition;
    p.content = std::move(content);
    auto answer = begin<parcel_answer>(aut, atom::put_v, p);
    settle();
    return answer;
  }
  awaited<parcel_answer> put_image(size_t number, int64_t written_ms = 1000) {
    return put(image_message(sample_key(number), written_ms));
  }

  std::string tombstones_of(const std::vector<size_t>& numbers, const version& when) {
    std::vector<put_tombstone> out;
    for (const auto i : numbers) out.push_back({sample_key(i), when});
    return encode(out);
  }

  void run_jobs() {
    settle();
    while (jobs->size() > 0) {
      jobs->run_one();
      settle();
    }
  }

  size_t images_in_index() {
    return view->index().find({}, sort_field::timestamp, 1000, std::nullopt).size();
  }

  std::shared_ptr<held_jobs> jobs = std::make_shared<held_jobs>();
  album_view_ptr view;
  storage_actor aut;
};

put_outcome outcome_of(const awaited<parcel_answer>& answer) {
  CAF_REQUIRE(answer->has_value());
  if (!**answer) CAF_FAIL(to_string((*answer)->error()));
  const auto chips = (*answer)->value().chips;
  CAF_REQUIRE_EQUAL(chips.size(), 1u);
  return static_cast<put_outcome>(chips[0]);
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(storage_tests, fixture)

CAF_TEST(what arrives during a commit goes into the next one together) {
  const auto first = put_image(0);
  CAF_CHECK_EQUAL(jobs->size(), 1u);
  std::vector<awaited<parcel_answer>> others;
  for (size_t i = 1; i <= 3; ++i) others.push_back(put_image(i));
  CAF_CHECK_EQUAL(jobs->size(), 1u);
  jobs->run_one();
  settle();
  CAF_CHECK(outcome_of(first) == put_outcome::stored);
  CAF_CHECK_EQUAL(images_in_index(), 1u);
  // One commit for all three.
  CAF_REQUIRE_EQUAL(jobs->size(), 1u);
  for (const auto& other : others) CAF_CHECK(!other->has_value());
  jobs->run_one();
  settle();
  CAF_CHECK_EQUAL(jobs->size(), 0u);
  for (const auto& other : others) CAF_CHECK(outcome_of(other) == put_outcome::stored);
  CAF_CHECK_EQUAL(images_in_index(), 4u);
}

CAF_TEST(large levels of the index are merged beside commits) {
  const auto merges = std::make_shared<held_jobs>();
  context->readers = held_executor(merges);
  std::vector<index_entry> some, others;
  for (size_t i = 0; i < 2 * defaults::max_inline_merge_rows; ++i) {
    auto& entry = i % 2 == 0 ? some.emplace_back() : others.emplace_back();
    entry.key = sample_key(i);
    entry.key.tile = std::to_string(i);
  }
  std::vector<index_change> changes;
  for (const auto& entry : others) changes.push_back({index_change::kind::put, entry});
  constexpr size_t never_at_once = 0;
  view->set_index(image_index{view->definition.algorithm, some}.with(changes, never_at_once));
  put_image(0);
  run_jobs();
  CAF_CHECK_EQUAL(view->index().levels(), 3u);
  CAF_REQUIRE_EQUAL(merges->size(), 1u);
  // Commits go on while it is under way, and it comes in between two of them.
  const auto meanwhile = put_image(1);
  run_jobs();
  CAF_CHECK(outcome_of(meanwhile) == put_outcome::stored);
  merges->run_one();
  run_jobs();
  CAF_CHECK(view->index().levels() < 3);
  CAF_CHECK_EQUAL(view->index().size(), some.size() + others.size() + 2);
  CAF_CHECK_EQUAL(merges->size(), 0u);
}

CAF_TEST(nothing is acknowledged before it is committed) {
  const auto answer = put_image(0);
  CAF_CHECK(!answer->has_value());
  CAF_CHECK_EQUAL(view->store->statistics().images, 0u);
  run_jobs();
  CAF_CHECK(answer->has_value());
  CAF_CHECK_EQUAL(view->store->statistics().images, 1u);
}

CAF_TEST(the same chip is stored once) {
  const auto message = image_message(sample_key(0), 1000);
  auto again = message;
  again.parts[0].upload.low += 1000;
  const auto first = put(message);
  run_jobs();
  const auto second = put(again);
  run_jobs();
  CAF_CHECK(outcome_of(first) == put_outcome::stored);
  CAF_CHECK(outcome_of(second) == put_outcome::unchanged);
  CAF_CHECK_EQUAL(images_in_index(), 1u);
}

CAF_TEST(a damaged message does not harm the others of its commit) {
  put_image(0);  // keeps the writer busy
  const auto before = put_image(1);
  auto damaged = image_message(sample_key(2), 1000);
  damaged.parts[0].records = "these are no blocks";
  damaged.parts[0].blocks = {0};
  const auto bad = put(damaged);
  const auto after = put_image(3);
  run_jobs();
  CAF_CHECK(outcome_of(before) == put_outcome::stored);
  CAF_CHECK(outcome_of(after) == put_outcome::stored);
  CAF_REQUIRE(bad->has_value());
  CAF_CHECK(!**bad);
  CAF_CHECK_EQUAL(images_in_index(), 3u);
}

// A chip that the store refuses made the whole group fail.
CAF_TEST(a chip that the store refuses does not harm the others of its commit) {
  put_image(0);
  const auto before = put_image(1);
  auto key = sample_key(2);
  key.geocode = "aaaa";  // a is no digit of a geohash
  const auto bad = put(image_message(key, 1000));
  const auto after = put_image(3);
  run_jobs();
  CAF_CHECK(outcome_of(before) == put_outcome::stored);
  CAF_CHECK(outcome_of(after) == put_outcome::stored);
  CAF_REQUIRE(bad->has_value());
  CAF_REQUIRE(!**bad);
  CAF_CHECK_EQUAL(int((*bad)->error().code), int(ec::invalid_argument));
  CAF_CHECK_EQUAL(images_in_index(), 3u);
}

CAF_TEST(a chip that comes in parts is there with its last part) {
  auto whole = image_message(sample_key(0), 1000);
  while (whole.parts[0].blocks.empty()) whole = image_message(sample_key(0), 1000);
  auto begin_of_it = whole;
  begin_of_it.parts[0].description.clear();
  auto end_of_it = whole;
  end_of_it.parts[0].blocks.clear();
  end_of_it.parts[0].records.clear();
  const auto first = put(begin_of_it);
  run_jobs();
  CAF_REQUIRE(first->has_value() && (*first)->has_value());
  CAF_CHECK((*first)->value().chips.empty());
  CAF_CHECK_EQUAL(images_in_index(), 0u);
  const auto last = put(end_of_it);
  run_jobs();
  CAF_CHECK(outcome_of(last) == put_outcome::stored);
  CAF_CHECK_EQUAL(images_in_index(), 1u);
}

CAF_TEST(tombstones hide what is older and count it) {
  for (size_t i = 0; i < 4; ++i) put_image(i, 1000);
  put_image(7, 3000);
  run_jobs();
  CAF_REQUIRE_EQUAL(images_in_index(), 5u);
  const auto settled = [this] { return view->copies.is_settled(1); };
  view->copies.whole_round_ended(view->copies.round_began(), 1);
  CAF_CHECK(settled());
  // One of an image that is not here (yet) is kept as well.
  const auto erased =
      begin<uint64_t>(aut, atom::hide_v, tombstones_of({0, 1, 2, 3, 5, 7}, {2000, 0, own_id}));
  run_jobs();
  CAF_REQUIRE(erased->has_value() && (*erased)->has_value());
  CAF_CHECK_EQUAL((*erased)->value(), 4u);
  // Other replicas may lack it.
  CAF_CHECK(!settled());
  const auto unseen = put_image(5, 1500);
  run_jobs();
  CAF_CHECK(outcome_of(unseen) == put_outcome::superseded);
  CAF_CHECK_EQUAL(images_in_index(), 1u);
  // What comes late stays hidden, what is newer does not.
  const auto late = put_image(0, 1500);
  run_jobs();
  CAF_CHECK(outcome_of(late) == put_outcome::superseded);
  const auto fresh = put_image(1, 2500);
  run_jobs();
  CAF_CHECK(outcome_of(fresh) == put_outcome::stored);
  CAF_CHECK_EQUAL(images_in_index(), 2u);
}

CAF_TEST(a closed album takes stores and has them when it is opened again) {
  put_image(0);
  run_jobs();
  const auto closed = begin<bool>(aut, atom::close_v);
  run_jobs();
  CAF_REQUIRE(closed->has_value() && (*closed)->has_value());
  CAF_CHECK(view->closed);
  CAF_CHECK_EQUAL(images_in_index(), 0u);
  const auto stored = put_image(1);
  run_jobs();
  CAF_CHECK(outcome_of(stored) == put_outcome::stored);
  CAF_CHECK_EQUAL(images_in_index(), 0u);
  const auto opened = begin<bool>(aut, atom::open_v);
  run_jobs();
  CAF_REQUIRE(opened->has_value() && (*opened)->has_value());
  CAF_CHECK(!view->closed);
  CAF_CHECK_EQUAL(images_in_index(), 2u);
}

// close overtook an open that waited behind a commit, and the album stayed open.
CAF_TEST(an album that is opened and then closed during a commit is closed) {
  const auto closed = begin<bool>(aut, atom::close_v);
  run_jobs();
  put_image(0);
  begin<bool>(aut, atom::open_v);
  settle();
  begin<bool>(aut, atom::close_v);
  run_jobs();
  CAF_CHECK(view->closed);
  CAF_CHECK_EQUAL(images_in_index(), 0u);
}

CAF_TEST(a commit that ends after the album was closed leaves its index empty) {
  put_image(0);
  put_image(1);
  begin<bool>(aut, atom::close_v);
  run_jobs();
  CAF_CHECK(view->closed);
  CAF_CHECK_EQUAL(images_in_index(), 0u);
  CAF_CHECK_EQUAL(view->store->statistics().images, 2u);
}

CAF_TEST(a deletion and an opening wait for the commit and stores wait for them) {
  put_image(0);
  const auto erased = begin<uint64_t>(aut, atom::hide_v, tombstones_of({0}, {2000, 0, own_id}));
  settle();
  const auto later = put_image(1, 3000);
  CAF_CHECK_EQUAL(jobs->size(), 1u);
  run_jobs();
  CAF_REQUIRE(erased->has_value() && (*erased)->has_value());
  CAF_CHECK_EQUAL((*erased)->value(), 1u);
  CAF_CHECK(outcome_of(later) == put_outcome::stored);
  CAF_CHECK_EQUAL(images_in_index(), 1u);
}

// The refusal was never sent, and the request ran into its deadline.
CAF_TEST(images of a closed album are not deleted and whoever asks is told) {
  put_image(0);
  begin<bool>(aut, atom::close_v);
  run_jobs();
  const auto erased = begin<uint64_t>(aut, atom::hide_v, tombstones_of({0}, {2000, 0, own_id}));
  run_jobs();
  CAF_REQUIRE(erased->has_value());
  CAF_REQUIRE(!**erased);
  CAF_CHECK_EQUAL(int((*erased)->error().code), int(ec::unavailable));
  CAF_CHECK_EQUAL(view->store->statistics().images, 1u);
}

CAF_TEST(status counts images and bytes) {
  for (size_t i = 0; i < 3; ++i) put_image(i);
  run_jobs();
  const auto status = ask<storage_status>(aut, atom::status_v);
  CAF_REQUIRE(status);
  CAF_CHECK_EQUAL(status->images, 3u);
  CAF_CHECK_EQUAL(status->chips, 3u);
  CAF_CHECK(status->disk_bytes >= status->live_bytes);
}

CAF_TEST(who waits for a storage that ends hears so at once) {
  const auto under_way = put_image(0);
  const auto queued = put_image(1);
  const auto deleted = begin<uint64_t>(aut, atom::hide_v, tombstones_of({0}, sample_version(5000)));
  const auto closed = begin<bool>(aut, atom::close_v);
  settle();
  CAF_CHECK(!under_way->has_value());
  caf::anon_send_exit(caf::actor_cast<caf::actor>(aut), caf::exit_reason::user_shutdown);
  settle();
  for (const auto& answer : {under_way, queued}) {
    CAF_REQUIRE(answer->has_value());
    CAF_CHECK((*answer)->error().code == ec::unavailable);
  }
  CAF_REQUIRE(deleted->has_value());
  CAF_CHECK((*deleted)->error().code == ec::unavailable);
  CAF_REQUIRE(closed->has_value());
  CAF_CHECK((*closed)->error().code == ec::unavailable);
  // What the pool has taken is done all the same; the rest is not.
  run_jobs();
  CAF_CHECK_EQUAL(view->store->statistics().images, 1u);
}

CAF_TEST(what is deleted gives its space back by and by) {
  for (size_t i = 0; i < 12; ++i) put_image(i);
  run_jobs();
  const auto before = view->store->statistics();
  CAF_CHECK(before.segment_bytes > 0);
  begin<uint64_t>(aut, atom::hide_v, tombstones_of({0}, {time.now_ms, 0, own_id}));
  run_jobs();
  const auto kept = view->store->chips(sample_key(1));
  CAF_REQUIRE(kept);
  std::vector<size_t> all(12);
  std::iota(all.begin(), all.end(), size_t{0});
  begin<uint64_t>(aut, atom::hide_v, tombstones_of(all, {time.now_ms + 1, 0, own_id}));
  run_jobs();
  CAF_CHECK_EQUAL(view->store->statistics().segment_bytes, before.segment_bytes);
  for (int i = 0; i < 40; ++i) {
    pass(defaults::tick_interval);
    run_jobs();
  }
  CAF_MESSAGE(log_text());
  CAF_CHECK_EQUAL(view->store->statistics().segment_bytes, 0u);
  CAF_CHECK(log_text().find("album europe is compacted") != std::string::npos);
  // And the album goes on.
  time.now_ms += 10'000;
  const auto again = put_image(3, time.now_ms);
  run_jobs();
  CAF_CHECK(outcome_of(again) == put_outcome::stored);
}

CAF_TEST(a damaged chip is found by the scrub and told) {
  put_image(0);
  put_image(1);
  run_jobs();
  const auto chips = view->store->chips(sample_key(1));
  CAF_REQUIRE(chips);
  block_location hurt;
  for (const auto& block : (*chips)[0].blocks)
    if (block.bytes > 0) hurt = block;
  CAF_REQUIRE(hurt.bytes > 0);
  const auto path =
      files / "node/albums/" + to_string(view->definition.uid) + "/" + segment_name(hurt.segment);
  {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(hurt.offset + 20));
    file.put('!').put('?');
  }
  const auto day = std::chrono::hours{24};
  for (int i = 0; i < 20; ++i) {
    time.now_ms += std::chrono::milliseconds{day}.count();
    advance_time(caf::timespan{day});
    run_jobs();
    for (int j = 0; j < 10; ++j) {
      pass(defaults::tick_interval);
      run_jobs();
    }
  }
  CAF_MESSAGE(log_text());
  CAF_CHECK(log_text().find("is damaged in segment") != std::string::npos);
  CAF_CHECK(log_text().find("is scrubbed: 2 chips, 1 damaged") != std::string::npos);
  const auto status = ask<storage_status>(aut, atom::status_v);
  CAF_REQUIRE(status);
  CAF_CHECK_EQUAL(status->damaged_chips, 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()

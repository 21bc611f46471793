#define CAF_SUITE store.album_store

#include "libstip/store/album_store.hpp"

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "libstip/catalog/scene_record.hpp"
#include "libstip/raster/block.hpp"
#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/store_fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : store_fixture {
  fixture() {
    options.min_segment_bytes = 16 << 10;
    options.max_segment_bytes = 64 << 10;
  }

  sample_chip chip(size_t key, uint16_t index, uint16_t count, uint64_t scene, int64_t t) {
    return random_chip(random, sample_key(key), index, count, scene, sample_version(t));
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(album_store_tests, fixture)

CAF_TEST(what was committed is there with every byte and is there after opening again) {
  workload work{seed};
  {
    auto s = open();
    for (int i = 0; i < 60; ++i) {
      const auto commit = work.next();
      const auto stored = store(*s, commit);
      CAF_REQUIRE(stored);
      twin.apply(commit);
      const auto difference = twin.difference(*s).value_or("");
      CAF_REQUIRE_EQUAL(difference, "");
    }
    CAF_CHECK(s->statistics().live_bytes > 0);
    CAF_CHECK(s->statistics().segment_bytes >= s->statistics().live_bytes);
  }
  const auto s = open();
  const auto difference = twin.difference(*s).value_or("");
  CAF_CHECK_EQUAL(difference, "");
}

CAF_TEST(the changes that commits tell keep an index equal to a scan) {
  auto s = open();
  workload work{seed + 1};
  std::map<std::string, float> told;
  for (int i = 0; i < 80; ++i) {
    const auto outcome = store(*s, work.next());
    CAF_REQUIRE(outcome);
    for (const auto& change : outcome->changes) {
      if (change.what == index_change::kind::put)
        told[to_string(change.entry.key)] = change.entry.pixel_coverage;
      else
        told.erase(to_string(change.entry.key));
    }
    const auto scanned = s->scan_index();
    CAF_REQUIRE(scanned);
    std::map<std::string, float> there;
    for (const auto& entry : *scanned) there[to_string(entry.key)] = entry.pixel_coverage;
    CAF_REQUIRE(there == told);
  }
}

CAF_TEST(the same chip again is unchanged and an older one is superseded) {
  auto s = open();
  const auto chip = this->chip(1, 0, 1, 0, 5);
  auto first = store(*s, {{chip}, {}});
  CAF_REQUIRE(first);
  CAF_CHECK(first->chips == std::vector{put_outcome::stored});
  const auto images = s->statistics().images;
  CAF_CHECK_EQUAL(images, 1u);
  auto again = store(*s, {{chip}, {}});
  CAF_REQUIRE(again);
  CAF_CHECK(again->chips == std::vector{put_outcome::unchanged});
  CAF_CHECK(again->changes.empty());
  auto older = store(*s, {{this->chip(1, 0, 1, 0, 4)}, {}});
  CAF_REQUIRE(older);
  CAF_CHECK(older->chips == std::vector{put_outcome::superseded});
  CAF_CHECK(older->changes.empty());
}

CAF_TEST(an image shows when all its subdatasets are there) {
  auto s = open();
  const auto first = chip(2, 0, 2, 0, 1);
  const auto second = chip(2, 1, 2, 0, 1);
  auto outcome = store(*s, {{second}, {}});
  CAF_REQUIRE(outcome);
  CAF_CHECK(outcome->changes.empty());
  CAF_CHECK(code_of(s->chips(first.chip.key)) == ec::not_found);
  outcome = store(*s, {{first}, {}});
  CAF_REQUIRE(outcome);
  CAF_REQUIRE_EQUAL(outcome->changes.size(), 1u);
  CAF_CHECK(outcome->changes[0].what == index_change::kind::put);
  const auto chips = s->chips(first.chip.key);
  CAF_REQUIRE(chips);
  CAF_REQUIRE_EQUAL(chips->size(), 2u);
  CAF_CHECK((*chips)[0].chip == first.chip);
  CAF_CHECK((*chips)[1].chip == second.chip);
}

CAF_TEST(the old image stays until all of the new one is there) {
  auto s = open();
  const std::vector<image_key> keys = {sample_key(3)};
  CAF_REQUIRE(store(*s, {{chip(3, 0, 2, 0, 1), chip(3, 1, 2, 0, 1)}, {}}));
  CAF_REQUIRE(store(*s, {{chip(3, 1, 2, 1, 2)}, {}}));
  auto old_one = s->holds(keys, sample_scene(0).id);
  CAF_REQUIRE(old_one);
  CAF_CHECK(old_one->at(0));
  CAF_REQUIRE(store(*s, {{chip(3, 0, 2, 1, 2)}, {}}));
  old_one = s->holds(keys, sample_scene(0).id);
  const auto new_one = s->holds(keys, sample_scene(1).id);
  CAF_REQUIRE(old_one && new_one);
  CAF_CHECK(!old_one->at(0));
  CAF_CHECK(new_one->at(0));
  const auto statistics = s->statistics();
  CAF_CHECK_EQUAL(statistics.images, 1u);
  CAF_CHECK_EQUAL(statistics.chips, 2u);
}

CAF_TEST(a tombstone hides what is older and not what is newer) {
  auto s = open();
  CAF_REQUIRE(store(*s, {{chip(4, 0, 1, 0, 5)}, {}}));
  const auto deleted = store(*s, {{}, {{sample_key(4), sample_version(6)}}});
  CAF_REQUIRE(deleted);
  CAF_REQUIRE_EQUAL(deleted->changes.size(), 1u);
  CAF_CHECK(deleted->changes[0].what == index_change::kind::erase);
  const auto late = store(*s, {{chip(4, 0, 1, 0, 5)}, {}});
  CAF_REQUIRE(late);
  CAF_CHECK(late->chips == std::vector{put_outcome::superseded});
  const auto newer = store(*s, {{chip(4, 0, 1, 0, 7)}, {}});
  CAF_REQUIRE(newer);
  CAF_CHECK(newer->chips == std::vector{put_outcome::stored});
  const auto stale = store(*s, {{}, {{sample_key(4), sample_version(6)}}});
  CAF_REQUIRE(stale);
  CAF_CHECK(stale->changes.empty());
  const auto images = s->statistics().images;
  CAF_CHECK_EQUAL(images, 1u);
}

CAF_TEST(deleting needs no sync of segments) {
  auto s = open();
  CAF_REQUIRE(store(*s, {{chip(5, 0, 1, 0, 5)}, {}}));
  // Something that waits for its sync.
  CAF_REQUIRE(s->append(joined(chip(6, 0, 1, 0, 6).records)));
  const auto before = files.syncs();
  CAF_REQUIRE(store(*s, {{}, {{sample_key(5), sample_version(9)}}}));
  const auto after = files.syncs();
  CAF_CHECK_EQUAL(after, before);
}

CAF_TEST(a request that is wrong changes nothing) {
  auto s = open();
  auto good = chip(6, 0, 1, 0, 1);
  CAF_REQUIRE(store(*s, {{good}, {}}));
  const auto before = s->statistics();

  commit_request no_scene;
  no_scene.chips.push_back({chip(7, 0, 1, 0, 2).chip, {}});
  no_scene.chips[0].chip.scene = {1, 2};
  no_scene.chips[0].blocks.resize(no_scene.chips[0].chip.blocks());
  CAF_CHECK(code_of(s->commit(no_scene)) == ec::invalid_argument);

  auto too_few = no_scene;
  too_few.chips[0].blocks.pop_back();
  CAF_CHECK(code_of(s->commit(too_few)) == ec::invalid_argument);

  auto not_appended = no_scene;
  not_appended.chips[0].chip.scene = sample_scene(0).id;
  not_appended.chips[0].blocks[0] = {64, 77, 128};
  CAF_CHECK(code_of(s->commit(not_appended)) == ec::conflict);
  not_appended.chips[0].blocks[0] = {65, 1, 128};
  CAF_CHECK(code_of(s->commit(not_appended)) == ec::invalid_argument);

  auto no_geohash = no_scene;
  no_geohash.chips[0].chip.key.geocode = "aaaa";
  CAF_CHECK(code_of(s->commit(no_geohash)) == ec::invalid_argument);

  auto bad_shape = no_scene;
  bad_shape.chips[0].chip.width = 0;
  CAF_CHECK(code_of(s->commit(bad_shape)) == ec::malformed);

  commit_request bad_tombstone;
  bad_tombstone.tombstones.push_back({{}, sample_version(1)});
  CAF_CHECK(!s->commit(bad_tombstone));

  const std::vector<std::byte> noise(200, std::byte{7});
  CAF_CHECK(!s->append(noise));
  const auto after = s->statistics();
  CAF_CHECK_EQUAL(after.images, before.images);
  CAF_CHECK_EQUAL(after.chips, before.chips);
  CAF_CHECK_EQUAL(after.live_bytes, before.live_bytes);
  CAF_CHECK(code_of(s->chips(no_scene.chips[0].chip.key)) == ec::not_found);
}

CAF_TEST(rows tell bands and properties from the scene record) {
  auto s = open();
  scene_description scene;
  scene.format = "generic";
  scene.platform = "Sentinel-2A";
  scene.tile = "T";
  scene.properties["cloudy"] = "no";
  subdataset_description subdataset;
  subdataset.id = "10m";
  auto sample = chip(8, 0, 1, 0, 3);
  for (int band = 0; band < sample.chip.bands; ++band) {
    subdataset.bands.emplace_back();
    subdataset.bands.back().name = "B0" + std::to_string(band + 2);
  }
  scene.subdatasets.push_back(subdataset);
  const auto json = encode(scene);
  commit_request request;
  request.scenes.push_back({scene_id(json), json});
  sample.chip.scene = scene_id(json);
  put_chip put{sample.chip, {}};
  uint64_t bytes = 0;
  for (const auto& record : sample.records) {
    put.blocks.emplace_back();
    if (record.empty()) continue;
    const auto places = s->append(record);
    CAF_REQUIRE(places);
    put.blocks.back() = places->at(0);
    bytes += record.size();
  }
  request.chips.push_back(put);
  CAF_REQUIRE(s->commit(request));
  const std::vector<image_key> keys = {sample_key(9), sample.chip.key};
  const auto rows = s->rows(keys, "node-1");
  CAF_REQUIRE(rows);
  CAF_REQUIRE_EQUAL(rows->size(), 1u);
  const auto& row = rows->front();
  CAF_CHECK(row.key == sample.chip.key);
  CAF_CHECK(row.nodes == std::vector<std::string>{"node-1"});
  CAF_CHECK_EQUAL(row.properties.at("cloudy"), "no");
  CAF_CHECK_EQUAL(row.pixel_coverage, sample.chip.pixel_coverage());
  CAF_REQUIRE_EQUAL(row.subdatasets.size(), 1u);
  CAF_CHECK_EQUAL(row.subdatasets[0].id, "10m");
  CAF_CHECK_EQUAL(row.subdatasets[0].bands.at(0), "B02");
  CAF_CHECK_EQUAL(row.subdatasets[0].bytes, bytes);
  const auto kept = s->scene(scene_id(json));
  CAF_REQUIRE(kept);
  CAF_CHECK_EQUAL(*kept, json);
  CAF_CHECK(code_of(s->scene({3, 4})) == ec::not_found);
}

CAF_TEST(a scan comes in the order of the index) {
  auto s = open();
  workload work{seed + 2};
  for (int i = 0; i < 60; ++i) CAF_REQUIRE(store(*s, work.next()));
  const auto entries = s->scan_index();
  CAF_REQUIRE(entries);
  CAF_REQUIRE(entries->size() > 5);
  for (size_t i = 1; i < entries->size(); ++i) {
    const auto& a = (*entries)[i - 1].key;
    const auto& b = (*entries)[i].key;
    CAF_CHECK(std::tie(a.platform, a.geocode, a.timestamp, a.source, a.tile) <
              std::tie(b.platform, b.geocode, b.timestamp, b.source, b.tile));
  }
}

CAF_TEST(a damaged block is told and nothing is handed out) {
  auto s = open();
  auto sample = chip(10, 0, 1, 0, 1);
  CAF_REQUIRE(store(*s, {{sample}, {}}));
  const auto chips = s->chips(sample.chip.key);
  CAF_REQUIRE(chips);
  block_location place;
  for (const auto& block : chips->at(0).blocks)
    if (block.bytes > 0) place = block;
  CAF_REQUIRE(place.bytes > 0);
  {
    std::fstream file{directory / "album/00000001.segment",
                      std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(static_cast<std::streamoff>(place.offset + block_header_bytes));
    const auto old = file.peek();
    file.seekp(static_cast<std::streamoff>(place.offset + block_header_bytes));
    file.put(static_cast<char>(old ^ 1));
  }
  std::vector<std::byte> out(3);
  CAF_CHECK(code_of(s->read(place, out)) == ec::corrupt);
  CAF_CHECK_EQUAL(out.size(), 3u);
  CAF_CHECK(code_of(s->read({64, 99, 128}, out)) == ec::not_found);
  CAF_CHECK(code_of(s->read({64, 1, 0xfffffff8}, out)) == ec::invalid_argument);
  CAF_CHECK(code_of(s->read({uint64_t{1} << 50, 1, 128}, out)) == ec::corrupt);
}

CAF_TEST(a store for reading takes no writes and makes no files) {
  auto reading = options;
  reading.mode = open_mode::read_only;
  {
    const auto absent = open(reading);
    const auto entries = absent->scan_index();
    CAF_REQUIRE(entries);
    CAF_CHECK(entries->empty());
    CAF_CHECK(!std::filesystem::exists(directory / "album"));
  }
  workload work{seed + 3};
  {
    auto s = open();
    for (int i = 0; i < 10; ++i) {
      const auto commit = work.next();
      CAF_REQUIRE(store(*s, commit));
      twin.apply(commit);
    }
  }
  const auto list = [&] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory / "album"))
      names.insert(entry.path().filename());
    return names;
  };
  std::filesystem::remove(directory / "album/metadata.mdb-lock");
  const auto before = list();
  const auto one = open(reading);
  const auto other = open(reading);
  for (const auto* s : {one.get(), other.get()}) {
    const auto difference = twin.difference(*s).value_or("");
    CAF_CHECK_EQUAL(difference, "");
  }
  CAF_CHECK(code_of(store(*one, work.next())) == ec::forbidden);
  CAF_CHECK(code_of(one->commit({})) == ec::forbidden);
  CAF_CHECK(list() == before);
}

CAF_TEST(a store of another algorithm or format is refused) {
  open();
  const auto other =
      album_store::open(directory / "album", geocode_algorithm::quadtile, options, files);
  CAF_CHECK(code_of(other) == ec::invalid_argument);
  std::filesystem::create_directories(directory / "junk");
  std::ofstream{directory / "junk/metadata.mdb"} << std::string(20000, 'x');
  const auto junk =
      album_store::open(directory / "junk", geocode_algorithm::geohash, options, files);
  CAF_CHECK(code_of(junk) == ec::corrupt);
}

CAF_TEST(a small map grows while readers look) {
  auto small = options;
  small.initial_map_bytes = 128 << 10;
  auto s = open(small);
  workload work{seed + 4};
  for (int i = 0; i < 40; ++i) {
    auto commit = work.next();
    CAF_REQUIRE(store(*s, commit));
    twin.apply(commit);
    commit_request scenes;
    scenes.scenes.push_back({hash128{uint64_t(i), 1}, std::string(40000, 'j')});
    const auto grown = s->commit(scenes);
    CAF_REQUIRE(grown);
  }
  const auto difference = twin.difference(*s).value_or("");
  CAF_CHECK_EQUAL(difference, "");
  CAF_CHECK(std::filesystem::file_size(directory / "album/metadata.mdb") > (1 << 20));
}

CAF_TEST_FIXTURE_SCOPE_END()

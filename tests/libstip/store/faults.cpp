#define CAF_SUITE store.faults

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <caf/test/unit_test.hpp>
#include <csignal>
#include <filesystem>

#include "tests/support/libstip/code_of.hpp"
#include "tests/support/libstip/store_fixture.hpp"

// Disks that are full, syncs that fail, files that are gone.

using namespace stip;
using namespace stip::test;

CAF_TEST_FIXTURE_SCOPE(fault_tests, store_fixture)

CAF_TEST(a full disk refuses stores and takes deletes and recovers when there is room) {
  auto s = open();
  store_well(*s, image(1, 1));
  files.limit_space(20 << 10);
  bool refused = false;
  int64_t t = 2;
  for (; t < 400 && !refused; ++t) {
    const auto commit = image(static_cast<size_t>(t) % 9, t);
    const auto stored = store(*s, commit);
    if (stored)
      twin.apply(commit);
    else
      refused = code_of(stored) == ec::no_space;
    CAF_REQUIRE(stored || refused);
  }
  CAF_CHECK(refused);
  auto said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
  store_well(*s, {{}, {{sample_key(1), sample_version(t)}}});
  said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
  files.unlimit_space();
  store_well(*s, image(2, t + 1));
  said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
  s.reset();
  s = open();
  said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
}

CAF_TEST(lock files have their space on disk and a full one ends no process) {
  const auto s = open();
  size_t found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory / "album")) {
    const auto name = entry.path().string();
    if (!name.ends_with("-lock")) continue;
    ++found;
    struct stat status {};
    CAF_REQUIRE_EQUAL(stat(name.c_str(), &status), 0);
    CAF_CHECK(status.st_size > 0);
    // Blocks of 512 bytes: a mapped hole raises SIGBUS when the disk is full.
    CAF_CHECK(status.st_blocks * 512 >= status.st_size);
  }
  CAF_CHECK(found > 0);
}

CAF_TEST(below the watermark stores are refused and deletes go on) {
  options.free_bytes_watermark = 1 << 20;
  auto s = open();
  store_well(*s, image(1, 1));
  files.limit_space((1 << 20) - 1);
  CAF_CHECK(code_of(store(*s, image(2, 2))) == ec::no_space);
  store_well(*s, {{}, {{sample_key(1), sample_version(3)}}});
  const auto said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
}

CAF_TEST(blocks of a failed sync cannot be committed by trying again) {
  auto s = open();
  store_well(*s, image(1, 1));
  const auto lost = image(2, 2);
  commit_request request;
  request.scenes.push_back(sample_scene(0));
  put_chip put{lost.chips[0].chip, {}};
  put.blocks.resize(lost.chips[0].records.size());
  const auto places = s->append(joined(lost.chips[0].records));
  CAF_REQUIRE(places);
  auto place = places->begin();
  for (size_t i = 0; i < put.blocks.size(); ++i)
    if (!lost.chips[0].records[i].empty()) put.blocks[i] = *place++;
  request.chips.push_back(put);
  files.fail_syncs(1);
  CAF_CHECK(code_of(s->commit(request)) == ec::io_error);
  auto said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
  // The next sync would succeed, and the data might still be gone.
  CAF_CHECK(code_of(s->commit(request)) == ec::conflict);
  store_well(*s, lost);
  files.drop_unsynced();
  said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
  s.reset();
  s = open();
  said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
}

CAF_TEST(a directory whose sync fails names no segment) {
  auto s = open();
  const auto commit = image(1, 1);
  files.fail_directory_syncs(1);
  CAF_CHECK(code_of(store(*s, commit)) == ec::io_error);
  store_well(*s, commit);
  s.reset();
  files.drop_unsynced();
  s = open();
  const auto said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
}

CAF_TEST(faults at random leave the store as its acknowledged commits made it) {
  workload work{seed + 5};
  auto s = open();
  size_t failed = 0;
  for (int i = 0; i < 80; ++i) {
    const auto commit = work.next();
    switch (random() % 8) {
      case 0:
        files.fail_syncs(1);
        break;
      case 1:
        files.limit_space(random() % 3000);
        break;
      case 2:
        files.fail_directory_syncs(1);
        break;
      default:
        break;
    }
    if (store(*s, commit))
      twin.apply(commit);
    else
      ++failed;
    files.fail_syncs(0);
    files.fail_directory_syncs(0);
    files.unlimit_space();
    if (random() % 10 == 0) {
      s.reset();
      files.drop_unsynced();
      s = open();
    }
    const auto said = difference(*s);
    CAF_REQUIRE_EQUAL(said, "");
  }
  CAF_MESSAGE("seed " << seed << ": " << failed << " commits failed");
  CAF_CHECK(failed > 5);
}

CAF_TEST(a segment that is gone or short makes lost chips until they are stored again) {
  auto s = open();
  const auto first = image(1, 1);
  store_well(*s, first);
  s.reset();
  s = open();
  const auto second = image(2, 2);
  store_well(*s, second);
  s.reset();
  std::filesystem::remove(directory / "album/00000001.segment");
  std::filesystem::resize_file(directory / "album/00000002.segment", 100);
  for (int life = 0; life < 2; ++life) {
    s = open();
    const auto lost = s->lost_chips();
    CAF_REQUIRE_EQUAL(lost.size(), 2u);
    const auto name = to_string(first.chips[0].chip.key) + "/10m";
    CAF_CHECK(std::find(lost.begin(), lost.end(), name) != lost.end());
    const auto entries = s->scan_index();
    CAF_REQUIRE(entries);
    CAF_CHECK(entries->empty());
    CAF_CHECK(code_of(s->chips(first.chips[0].chip.key)) == ec::not_found);
    const auto images = s->statistics().images;
    CAF_CHECK_EQUAL(images, 0u);
    s.reset();
  }
  s = open();
  const auto again = store(*s, first);
  CAF_REQUIRE(again);
  CAF_CHECK(again->chips == std::vector{put_outcome::stored});
  CAF_REQUIRE_EQUAL(again->changes.size(), 1u);
  CAF_CHECK(again->changes[0].what == index_change::kind::put);
  CAF_REQUIRE(store(*s, second));
  s.reset();
  s = open();
  const auto said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
}

CAF_TEST(files that no commit names are removed and those of others are left) {
  auto s = open();
  store_well(*s, image(1, 1));
  s.reset();
  s = open();
  CAF_REQUIRE(s->append(joined(image(2, 2).chips[0].records)));
  CAF_CHECK(std::filesystem::exists(directory / "album/00000002.segment"));
  s.reset();
  CAF_CHECK(!std::filesystem::exists(directory / "album/00000002.segment"));
  // A process that was killed could not tidy up.
  posix_file_system().create(directory / "album/00000002.segment");
  posix_file_system().create(directory / "album/notes.segment");
  posix_file_system().create(directory / "album/0000000A.segment");
  s = open();
  CAF_CHECK(!std::filesystem::exists(directory / "album/00000002.segment"));
  CAF_CHECK(std::filesystem::exists(directory / "album/00000001.segment"));
  CAF_CHECK(std::filesystem::exists(directory / "album/notes.segment"));
  CAF_CHECK(std::filesystem::exists(directory / "album/0000000A.segment"));
}

CAF_TEST(metadata that cannot be written leaves the store as it was) {
  auto s = open();
  store_well(*s, image(1, 1));
  s.reset();
  const auto commit = image(2, 2);
  const auto child = ::fork();
  CAF_REQUIRE(child >= 0);
  if (child == 0) {
    // No file of this process may grow beyond this: LMDB's writes fail like on a full disk.
    ::signal(SIGXFSZ, SIG_IGN);
    auto opened =
        album_store::open(directory / "album", geocode_algorithm::geohash, options, files);
    if (!opened) ::_exit(10);
    rlimit limit{};
    limit.rlim_cur = limit.rlim_max =
        std::filesystem::file_size(directory / "album/metadata.mdb") + 40000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    commit_request large;
    large.scenes.push_back({hash128{7, 7}, std::string(200000, 'j')});
    if ((*opened)->commit(large)) ::_exit(11);
    if (!twin.difference(**opened)) {
      if (!store(**opened, commit)) ::_exit(12);
      ::_exit(0);
    }
    ::_exit(13);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CAF_REQUIRE(WIFEXITED(status));
  CAF_CHECK_EQUAL(WEXITSTATUS(status), 0);
  twin.apply(commit);
  s = open();
  const auto said = difference(*s);
  CAF_CHECK_EQUAL(said, "");
}

CAF_TEST_FIXTURE_SCOPE_END()

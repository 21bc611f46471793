#define CAF_SUITE cluster.processes
#include <signal.h>

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <map>
#include <random>
#include <thread>

#include "actors/network.hpp"
#include "tests/support/cluster/image_contents.hpp"
#include "tests/support/cluster/sample_request.hpp"
#include "tests/support/cluster/stipd_process.hpp"
#include "tests/support/libstip/environment.hpp"
#include "tests/support/libstip/sample_scene.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr int scenes = 4;

std::vector<image_row> list(const client& node, const std::string& album) {
  std::vector<image_row> all;
  find_request request;
  request.album = album;
  while (true) {
    auto page = node.find(request);
    if (!page) CAF_FAIL(to_string(page.error()));
    all.insert(all.end(), page->rows.begin(), page->rows.end());
    if (!page->more) return all;
    request.has_after = true;
    request.after = all.back().facts();
  }
}

task_record begin_store(const client& node, const std::string& album, const std::string& glob) {
  stip::album wanted;
  wanted.name = album;
  auto created = node.create_album(wanted);
  if (!created && created.error().code != ec::already_exists) CAF_FAIL(to_string(created.error()));
  auto task = node.store(sample_request(album, glob));
  if (!task) CAF_FAIL(to_string(task.error()));
  return *task;
}

task_record wait(const client& node, const std::string& id) {
  while (true) {
    auto task = node.get_task(id);
    if (!task) CAF_FAIL(to_string(task.error()));
    if (!task->running()) return *task;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

/// Reads the pixels of every image back; each is checked against its checksums on the way.
size_t unreadable(const client& node, const std::string& album,
                  const std::vector<image_row>& rows) {
  std::mutex mutex;
  size_t bad = 0;
  node.chips_of(album, rows, [&](pulled_chip chip) {
    const std::lock_guard guard{mutex};
    bad += !chip.pixels.has_value();
    return true;
  });
  return bad;
}

}  // namespace

CAF_TEST(kill - 9 during a load loses nothing that was acknowledged and a rerun completes it) {
  if (stipd_binary().empty()) {
    CAF_MESSAGE("skipped: no stipd in $STIP_BIN_DIR");
    return;
  }
  // More with STIP_KILL_ROUNDS=200.
  const int rounds = from_environment("STIP_KILL_ROUNDS", 10);
  const scratch_directory files;
  const auto glob = write_scenes(files.path(), scenes);
  system_config config{system_config::networking::on};
  caf::actor_system system{config};

  image_contents reference;
  {
    stipd_process process{files / "reference"};
    const auto node = connect(system, process);
    const auto task = wait(node, begin_store(node, "a", glob).id);
    CAF_REQUIRE_EQUAL(task.completed, uint64_t{scenes});
    reference = contents_of(list(node, "a"));
    CAF_CHECK_EQUAL(process.end(SIGTERM), 0);
  }
  CAF_REQUIRE(reference.size() > 100);

  std::mt19937_64 random{20261122};
  size_t interrupted = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto album = "round" + std::to_string(round);
    image_contents acknowledged;
    {
      stipd_process process{files / "node"};
      const auto node = connect(system, process);
      const auto task = begin_store(node, album, glob);
      // Dies after a random number of images is visible: what is visible is durable.
      const auto enough = random() % reference.size();
      while (true) {
        acknowledged = contents_of(list(node, album));
        auto now = node.get_task(task.id);
        if (acknowledged.size() >= enough || !now || !now->running()) break;
      }
      std::this_thread::sleep_for(std::chrono::microseconds{random() % 20'000});
      CAF_CHECK_EQUAL(process.end(SIGKILL), -SIGKILL);
    }
    stipd_process process{files / "node"};
    const auto node = connect(system, process);
    const auto rows = list(node, album);
    const auto found = contents_of(rows);
    CAF_CHECK(std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()));
    CAF_CHECK(std::includes(reference.begin(), reference.end(), found.begin(), found.end()));
    CAF_CHECK_EQUAL(unreadable(node, album, rows), 0u);
    interrupted += found.size() < reference.size();
    const auto rerun = wait(node, begin_store(node, album, glob).id);
    CAF_CHECK_EQUAL(rerun.completed, uint64_t{scenes});
    CAF_CHECK(contents_of(list(node, album)) == reference);
    CAF_REQUIRE(node.remove_album(album).has_value());
    CAF_CHECK_EQUAL(process.end(SIGTERM), 0);
  }
  CAF_MESSAGE(rounds << " rounds, " << interrupted << " of them in the middle of the load");
}

CAF_TEST(a node stays within its memory while it stores a scene that is larger) {
  if (stipd_binary().empty()) {
    CAF_MESSAGE("skipped: no stipd in $STIP_BIN_DIR");
    return;
  }
  // A scene of several GB with STIP_LARGE_SCENE=20000 (pixels a side; four bands of two bytes).
  sample_scene scene;
  scene.width = scene.height = from_environment("STIP_LARGE_SCENE", 7'000);
  scene.bands = 4;
  scene.pixel_metres = 10;
  scene.tile = 512;
  scene.compress = false;
  const scratch_directory files;
  write_scene(files / "large.tif", scene);
  system_config config{system_config::networking::on};
  caf::actor_system system{config};
  constexpr uint64_t limit_mib = 256;
  stipd_process process{files / "node", {"--stip.memory-limit=" + std::to_string(limit_mib)}};
  const auto node = connect(system, process);
  const auto task = begin_store(node, "a", files / "large.tif");
  uint64_t most = 0;
  while (true) {
    most = std::max(most, process.anonymous_bytes());
    auto now = node.get_task(task.id);
    if (!now) CAF_FAIL(to_string(now.error()));
    if (!now->running()) {
      for (const auto& err : now->errors) CAF_MESSAGE(err.reason);
      CAF_CHECK_EQUAL(now->completed, 1u);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  const auto scene_mib = uint64_t(scene.width) * uint64_t(scene.height) * 8 >> 20;
  CAF_MESSAGE("scene of " << scene_mib << " MiB: at most " << (most >> 20)
                          << " MiB of anonymous memory, the bound is " << limit_mib);
  CAF_CHECK(most <= limit_mib << 20);
}

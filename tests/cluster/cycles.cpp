#define CAF_SUITE cluster.cycles
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <mutex>
#include <thread>

#include "actors/network.hpp"
#include "tests/support/cluster/sample_request.hpp"
#include "tests/support/cluster/stipd_process.hpp"
#include "tests/support/libstip/environment.hpp"
#include "tests/support/libstip/sample_scene.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

// The same data stored, listed, read and deleted over and over: nothing may pile up.

using namespace stip;
using namespace stip::test;

namespace {

constexpr int cycles = 10;
constexpr int few_scenes = 2;
constexpr double allowed_growth = 1.10;
/// LMDB takes pages that are free again from the second transaction on: where the data is small,
/// that is more than the data; and ten tasks leave their records behind.
constexpr uint64_t metadata_noise_bytes = 512 << 10;
/// Of little data what LMDB keeps for its largest transaction, which may come later than in the
/// first cycle, and the gaps in malloc's arenas are more than a tenth.
constexpr uint64_t heap_noise_bytes = 4 << 20;

uint64_t disk_bytes(const std::string& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat info = {};
    if (::stat(entry.path().c_str(), &info) == 0) bytes += uint64_t(info.st_blocks) * 512;
  }
  return bytes;
}

bool has_segments(const std::string& directory) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    if (entry.path().extension() == ".segment") return true;
  return false;
}

void store(const client& node, const std::string& glob, int precision, uint64_t inputs) {
  auto task = node.store(sample_request("a", glob, precision));
  if (!task) CAF_FAIL(to_string(task.error()));
  while (true) {
    const auto now = node.get_task(task->id);
    if (!now) CAF_FAIL(to_string(now.error()));
    if (!now->running()) {
      CAF_REQUIRE_EQUAL(now->completed, inputs);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

/// Lists all images and reads their pixels; how many there are.
size_t read_all(const client& node) {
  find_request request;
  request.album = "a";
  size_t images = 0;
  std::mutex mutex;
  while (true) {
    const auto page = node.find(request);
    if (!page) CAF_FAIL(to_string(page.error()));
    images += page->rows.size();
    std::string failure;
    node.chips_of("a", page->rows, [&](pulled_chip chip) {
      const std::lock_guard guard{mutex};
      if (!chip.pixels) failure = to_string(chip.pixels.error());
      return failure.empty();
    });
    CAF_REQUIRE_EQUAL(failure, "");
    if (!page->more) return images;
    request.has_after = true;
    request.after = page->rows.back().facts();
  }
}

}  // namespace

CAF_TEST(ten times the same data leaves memory and disk where they were after the first) {
  if (stipd_binary().empty()) {
    CAF_MESSAGE("skipped: no stipd in $STIP_BIN_DIR");
    return;
  }
  // Scenes of a cycle, and the length of their images' geohashes.
  const int scenes = from_environment("STIP_CYCLE_SCENES", few_scenes);
  const int precision = from_environment("STIP_CYCLE_PRECISION", 6);
  const scratch_directory files;
  const bool much = scenes > few_scenes;
  const auto glob = write_scenes(files.path(), scenes);
  system_config config{system_config::networking::on};
  caf::actor_system system{config};
  stipd_process process{files / "node", {"--stip.maintenance-rate=1024"}};
  const auto node = connect(system, process);
  album wanted;
  wanted.name = "a";
  CAF_REQUIRE(node.create_album(wanted));
  // What is deleted gives its space back in its own time.
  const auto settle = [&] {
    for (int attempt = 0; attempt < 600; ++attempt) {
      const auto status = node.status_of("a");
      CAF_REQUIRE(status);
      if (status->total.disk_bytes == 0 && !has_segments(files / "node")) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    CAF_FAIL("the space of deleted images is not given back");
  };
  uint64_t disk_first = 0, memory_first = 0, disk = 0, memory = 0;
  size_t images_first = 0;
  for (int cycle = 1; cycle <= cycles; ++cycle) {
    store(node, glob, precision, uint64_t(scenes));
    const auto images = read_all(node);
    const auto erased = node.erase("a", {});
    CAF_REQUIRE(erased);
    CAF_CHECK_EQUAL(*erased, images);
    if (cycle == 1) images_first = images;
    CAF_CHECK_EQUAL(images, images_first);
    // Between the others compaction goes on beside the next store.
    if (cycle == 1 || cycle == cycles) settle();
    // Of much data much lies free within the heap until stipd gives it back.
    if ((cycle == 1 || cycle == cycles) && much)
      std::this_thread::sleep_for(2 * defaults::malloc_trim_interval);
    disk = disk_bytes(files / "node");
    memory = process.anonymous_bytes();
    CAF_MESSAGE("cycle " << cycle << ": " << images << " images, " << disk << " bytes on disk, "
                         << memory << " bytes of memory");
    if (cycle == 1) {
      disk_first = disk;
      memory_first = memory;
    }
  }
  const auto disk_noise = much ? 0.0 : double(metadata_noise_bytes);
  const auto heap_noise = much ? 0.0 : double(heap_noise_bytes);
  CAF_CHECK(double(disk) <= double(disk_first) * allowed_growth + disk_noise);
  CAF_CHECK(double(memory) <= double(memory_first) * allowed_growth + heap_noise);
  CAF_CHECK_EQUAL(process.end(SIGTERM), 0);
}

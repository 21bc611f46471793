#define CAF_SUITE store.threads

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <mutex>
#include <thread>

#include "libstip/store/album_store.hpp"
#include "libstip/store/environment.hpp"
#include "tests/support/libstip/sample_chips.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

// One thread writes while others read.

using namespace stip;
using namespace stip::test;

namespace {

constexpr uint64_t seed = 20200714;
constexpr int readers = 3;
constexpr int commits = 60;

}  // namespace

CAF_TEST(readers see whole images while a writer replaces them and the map grows) {
  const scratch_directory scratch;
  store_options options;
  options.min_segment_bytes = 16 << 10;
  options.max_segment_bytes = 64 << 10;
  options.initial_map_bytes = 128 << 10;
  const auto opened = album_store::open(scratch / "album", geocode_algorithm::geohash, options,
                                        posix_file_system());
  CAF_REQUIRE(opened);
  auto& s = **opened;
  std::atomic<bool> done{false};
  std::atomic<size_t> images_read{0};
  std::mutex mutex;
  std::string wrong;
  const auto read = [&] {
    const auto note = [&](const std::string& what) {
      std::lock_guard lock{mutex};
      wrong = what;
    };
    while (!done) {
      const auto entries = s.scan_index();
      if (!entries) return note(to_string(entries.error()));
      for (const auto& entry : *entries) {
        const auto chips = s.chips(entry.key);
        // It may have been deleted since the scan.
        if (!chips && chips.error().code == ec::not_found) continue;
        if (!chips) return note(to_string(chips.error()));
        if (chips->size() != chips->front().chip.subdataset_count) return note("not all chips");
        for (const auto& record : *chips) {
          if (record.chip.scene != chips->front().chip.scene) return note("mixed scenes");
          for (const auto& block : record.blocks) {
            std::vector<std::byte> bytes;
            if (const auto got = s.read(block, bytes); !got) return note(to_string(got.error()));
          }
        }
        ++images_read;
      }
      (void)s.statistics();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < readers; ++i) threads.emplace_back(read);
  workload work{seed};
  store_twin twin;
  bool stored_all = true;
  for (int i = 0; i < commits; ++i) {
    const auto commit = work.next();
    stored_all = stored_all && store(s, commit);
    twin.apply(commit);
  }
  // The writer may be through before a reader began.
  while (images_read == 0) {
    std::this_thread::yield();
    std::lock_guard lock{mutex};
    if (!wrong.empty()) break;
  }
  done = true;
  for (auto& thread : threads) thread.join();
  CAF_CHECK(stored_all);
  CAF_CHECK_EQUAL(wrong, "");
  CAF_MESSAGE("images read meanwhile: " << images_read.load());
  const auto difference = twin.difference(s).value_or("");
  CAF_CHECK_EQUAL(difference, "");
}

CAF_TEST(who waits to be alone in a gate is let in and sees nobody) {
  gate g;
  std::atomic<int> inside{0};
  std::atomic<bool> done{false}, met{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < readers; ++i)
    threads.emplace_back([&] {
      while (!done) {
        g.enter();
        ++inside;
        std::this_thread::yield();
        --inside;
        g.leave();
      }
    });
  for (int i = 0; i < 200; ++i) {
    g.enter_alone();
    if (inside != 0) met = true;
    g.leave_alone();
  }
  done = true;
  for (auto& thread : threads) thread.join();
  CAF_CHECK(!met);
}

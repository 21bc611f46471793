#define CAF_SUITE store.threads

#include <atomic>
#include <caf/test/unit_test.hpp>
#include <mutex>
#include <thread>

#include "libstip/store/environment.hpp"
#include "tests/support/libstip/store_fixture.hpp"

// One thread writes while others read.

using namespace stip;
using namespace stip::test;

namespace {

constexpr int readers = 3;
constexpr int commits = 60;

}  // namespace

CAF_TEST_FIXTURE_SCOPE(thread_tests, store_fixture)

CAF_TEST(readers see whole images while a writer replaces them and the map grows) {
  options.min_segment_bytes = 16 << 10;
  options.max_segment_bytes = 64 << 10;
  options.initial_map_bytes = 128 << 10;
  const auto s = open();
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
      const auto entries = s->scan_index();
      if (!entries) return note(to_string(entries.error()));
      for (const auto& entry : *entries) {
        const auto chips = s->chips(entry.key);
        // It may have been deleted since the scan.
        if (!chips && chips.error().code == ec::not_found) continue;
        if (!chips) return note(to_string(chips.error()));
        const size_t own = chips->size() - (chips->back().chip.clouds ? 1 : 0);
        if (own != chips->front().chip.subdataset_count) return note("not all chips");
        for (const auto& record : *chips) {
          if (!record.chip.clouds && record.chip.scene != chips->front().chip.scene)
            return note("mixed scenes");
          for (const auto& block : record.blocks) {
            std::vector<std::byte> bytes;
            if (const auto got = s->read(block, bytes); !got) return note(to_string(got.error()));
          }
        }
        ++images_read;
      }
      (void)s->statistics();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < readers; ++i) threads.emplace_back(read);
  workload work{seed};
  bool stored_all = true;
  for (int i = 0; i < commits; ++i) {
    const auto commit = work.next();
    stored_all = stored_all && store(*s, commit);
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
  const auto different = difference(*s);
  CAF_CHECK_EQUAL(different, "");
}

CAF_TEST(commits and readers go on beside a compaction) {
  options.max_segment_bytes = 64 << 10;
  auto s = open();
  std::atomic<bool> done{false};
  std::mutex writer, wrong_mutex;
  std::string wrong;
  const auto note = [&](const std::string& what) {
    std::lock_guard lock{wrong_mutex};
    wrong = what;
  };
  std::atomic<size_t> images_read{0}, looked_up_again{0}, compactions{0};
  const auto read = [&] {
    while (!done) {
      const auto entries = s->scan_index();
      if (!entries) return note(to_string(entries.error()));
      for (const auto& entry : *entries) {
        for (int attempt = 0;; ++attempt) {
          const auto chips = s->chips(entry.key);
          if (!chips && chips.error().code == ec::not_found) break;
          if (!chips) return note(to_string(chips.error()));
          result<void> got;
          for (const auto& record : *chips)
            for (const auto& block : record.blocks) {
              std::vector<std::byte> bytes;
              if (got) got = s->read(block, bytes);
            }
          if (got) break;
          if (got.error().code != ec::not_found || attempt > 100)
            return note(to_string(got.error()));
          ++looked_up_again;
        }
        ++images_read;
      }
    }
  };
  const auto compact = [&] {
    while (!done) {
      bool begun = false;
      {
        std::lock_guard turn{writer};
        const auto outcome = s->begin_compaction(eager_compaction(), {});
        if (!outcome) return note(to_string(outcome.error()));
        begun = *outcome;
      }
      while (begun) {
        uint64_t cost = 0;
        auto turn = s->compact(cost);
        if (turn && *turn == compaction_turn::publish) {
          std::lock_guard alone{writer};
          turn = s->publish_compaction();
        }
        if (!turn) return note(to_string(turn.error()));
        if (*turn == compaction_turn::done) {
          std::lock_guard alone{writer};
          s->end_compaction();
          ++compactions;
          break;
        }
      }
      std::this_thread::yield();
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(read);
  threads.emplace_back(read);
  threads.emplace_back(compact);
  workload work{seed};
  bool stored_all = true;
  const auto failed = [&] {
    std::lock_guard lock{wrong_mutex};
    return !wrong.empty();
  };
  for (int i = 0; !failed() && (i < 150 || compactions < 5 || images_read == 0); ++i) {
    const auto commit = work.next();
    std::lock_guard alone{writer};
    stored_all = stored_all && store(*s, commit);
    twin.apply(commit);
  }
  done = true;
  for (auto& thread : threads) thread.join();
  CAF_CHECK(stored_all);
  CAF_CHECK_EQUAL(wrong, "");
  CAF_MESSAGE(compactions << " compactions, " << images_read << " images read, " << looked_up_again
                          << " looked up again");
  s->end_compaction();
  const auto different = difference(*s);
  CAF_CHECK_EQUAL(different, "");
}

CAF_TEST_FIXTURE_SCOPE_END()

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

#define CAF_SUITE store.crash

#include <caf/test/unit_test.hpp>
#include <filesystem>

#include "libstip/store/album_store.hpp"
#include "tests/support/libstip/sample_chips.hpp"
#include "tests/support/libstip/scratch_directory.hpp"
#include "tests/support/libstip/store_trace.hpp"

// Power fails after every event of a recorded life of a store. What was acknowledged must be there,
// byte by byte; what was not must be there whole or not at all.

using namespace stip;
using namespace stip::test;

namespace {

constexpr uint64_t seed = 20200714;
constexpr int commits = 14;
constexpr int reopen_every = 5;
constexpr int forget_every = 3;
constexpr int random_crashes = 3;

/// Small, so that the life goes through several segments.
store_options small_segments() {
  store_options o;
  o.min_segment_bytes = 8 << 10;
  o.max_segment_bytes = 24 << 10;
  return o;
}

result<std::unique_ptr<album_store>> open_store(const std::string& directory, file_system& files,
                                                metadata_observer* observer = nullptr) {
  return album_store::open(directory, geocode_algorithm::geohash, small_segments(), files,
                           observer);
}

/// Every segment with anything dead in it is compacted, in steps as small as they can be.
compaction_options eager() {
  compaction_options o;
  o.dead_share = 0;
  o.least_dead_bytes = 1;
  o.step_bytes = 1;
  o.publish_chips = 2;
  o.drop_tombstones_before_ms = 0;
  return o;
}

/// One step, or publication; begins when nothing is under way. Returns whether there is more to do.
bool compact_on(album_store& s) {
  uint64_t cost = 0;
  const auto turn = s.compact(cost);
  CAF_REQUIRE(turn);
  if (*turn == compaction_turn::publish) CAF_REQUIRE(s.publish_compaction());
  if (*turn != compaction_turn::done) return true;
  (void)s.end_compaction();
  return false;
}

/// Of which cell everything is forgotten after the commit of that number; nothing: of none.
std::optional<std::string> forgotten_after(int commit) {
  if (commit % forget_every != forget_every - 1) return {};
  return sample_geocode(static_cast<size_t>(commit / forget_every));
}

void forget_cell(album_store& s, const std::string& wanted) {
  const auto page = s.facts(
      [&](std::string_view geocode) {
        return geocode == wanted ? std::optional<uint32_t>{0} : std::nullopt;
      },
      {}, defaults::max_facts);
  CAF_REQUIRE(page);
  CAF_REQUIRE(s.forget(page->facts));
}

/// A life of a store with several openings. Compactions go on between the commits and are cut off
/// by the closings.
void live(const std::string& directory, store_recorder& recorder) {
  workload work{seed};
  std::unique_ptr<album_store> s;
  for (int i = 0; i < commits; ++i) {
    if (i % reopen_every == 0) {
      s.reset();
      auto opened = open_store(directory, recorder, &recorder);
      CAF_REQUIRE(opened);
      s = std::move(*opened);
    }
    CAF_REQUIRE(store(*s, work.next()));
    recorder.acknowledge();
    if (const auto cell = forgotten_after(i)) {
      forget_cell(*s, *cell);
      recorder.acknowledge();
    }
    if (i % 3 == 2 && !compact_on(*s)) CAF_REQUIRE(s->begin_compaction(eager(), {}));
    for (int step = 0; step < 12 && compact_on(*s);) ++step;
    // Blocks that no commit comes to name.
    std::mt19937_64 random{seed + static_cast<uint64_t>(i)};
    const auto orphan = random_chip(random, sample_key(1), 0, 1, 0, sample_version(1));
    CAF_REQUIRE(s->append(joined(orphan.records)));
  }
}

/// What the store holds after the first so many commits; to forget is one as well.
std::vector<store_twin> twins() {
  workload work{seed};
  std::vector<store_twin> after(1);
  for (int i = 0; i < commits; ++i) {
    after.push_back(after.back());
    after.back().apply(work.next());
    if (const auto cell = forgotten_after(i)) {
      after.push_back(after.back());
      after.back().forget(*cell);
    }
  }
  return after;
}

/// How many commits the first so many transactions hold: those of a creation, and of compactions,
/// are not acknowledged.
std::vector<size_t> commits_in_transactions(const std::vector<trace_event>& events) {
  std::vector<size_t> commits_after{0};
  for (const auto& event : events) {
    if (event.what == trace_event::kind::committed)
      commits_after.push_back(commits_after.back());
    else if (event.what == trace_event::kind::acknowledged)
      ++commits_after.back();
  }
  return commits_after;
}

/// Bytes of the files of segments.
uint64_t segment_file_bytes(const std::string& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().extension() == ".segment") bytes += entry.file_size();
  return bytes;
}

/// Files whose syncs cost nothing: what a crash left is looked at, not kept.
class hasty_files final : public file_system {
 public:
  result<std::unique_ptr<writable_file>> create(const std::string& path) override {
    STIP_ASSIGN(auto real, posix_file_system().create(path));
    return std::make_unique<file>(std::move(real));
  }
  result<void> sync_directory(const std::string&) override { return {}; }
  result<void> remove(const std::string& path) override { return posix_file_system().remove(path); }
  result<uint64_t> free_bytes(const std::string& path) override {
    return posix_file_system().free_bytes(path);
  }

 private:
  class file final : public writable_file {
   public:
    explicit file(std::unique_ptr<writable_file> real) : real_(std::move(real)) {}
    result<void> write(uint64_t offset, std::span<const std::byte> bytes) override {
      return real_->write(offset, bytes);
    }
    result<void> preallocate(uint64_t bytes) override { return real_->preallocate(bytes); }
    result<void> sync() override { return {}; }

   private:
    std::unique_ptr<writable_file> real_;
  };
};

/// With `go_on`, a further commit and another opening are tried as well.
std::optional<std::string> check_crashed(const std::string& directory, store_twin expected,
                                         bool go_on) {
  hasty_files files;
  {
    const auto s = open_store(directory, files);
    if (!s) return "open: " + to_string(s.error());
    if (auto difference = expected.difference(**s)) return difference;
    if (!go_on) return {};
    std::mt19937_64 random{seed};
    sample_commit more;
    more.chips.push_back(
        random_chip(random, sample_key(7), 0, 1, 0, sample_version(int64_t{1} << 40)));
    const auto stored = store(**s, more);
    if (!stored) return "store: " + to_string(stored.error());
    expected.apply(more);
    if (auto difference = expected.difference(**s)) return "after a store: " + *difference;
    // Whatever the crash left can be compacted as well.
    if (const auto begun = (*s)->begin_compaction(eager(), {}); !begun)
      return "compact: " + to_string(begun.error());
    while (compact_on(**s)) {
    }
    if (auto difference = expected.difference(**s)) return "after a compaction: " + *difference;
  }
  const auto again = open_store(directory, files);
  if (!again) return "open again: " + to_string(again.error());
  if (auto difference = expected.difference(**again)) return "opened again: " + *difference;
  // Nothing is doubled, nothing forgotten: with the last image the last byte goes.
  sample_commit all;
  for (size_t i = 0; i < 12; ++i)
    all.tombstones.push_back({sample_key(i), sample_version(int64_t{1} << 41)});
  if (const auto gone = store(**again, all); !gone) return "delete: " + to_string(gone.error());
  if ((*again)->statistics().live_bytes != 0 || (*again)->statistics().chips != 0)
    return "bytes are live that no chip has";
  if (const auto begun = (*again)->begin_compaction(eager(), {}); !begun || !*begun)
    return "the dead are not compacted";
  while (compact_on(**again)) {
  }
  if (segment_file_bytes(directory) != 0) return "files are left of an empty store";
  return {};
}

struct findings {
  size_t crash_points = 0;
  size_t crashes = 0;
  std::string violation;
};

/// Crashes after every event; ends at the first violation.
findings replay(const std::vector<trace_event>& events, const std::string& recorded) {
  const scratch_directory scratch;
  const scratch_directory crashed;
  const auto expected = twins();
  const auto commits_after = commits_in_transactions(events);
  crash_replay disk{recorded, scratch.path()};
  std::mt19937_64 random{seed};
  findings found;
  for (const auto& event : events) {
    if (!disk.advance(event)) continue;
    ++found.crash_points;
    for (int i = 0; i < 2 + random_crashes; ++i) {
      const auto how = i == 0   ? crash_kind::keep_all
                       : i == 1 ? crash_kind::lose_all
                                : crash_kind::random;
      for (const bool with_doubtful : {false, true}) {
        if (with_doubtful && !disk.in_doubt()) continue;
        const auto commits_there = commits_after[disk.committed() + (with_doubtful ? 1 : 0)];
        if (commits_there < disk.acknowledged()) {
          found.violation = "an acknowledged commit has no transaction";
          return found;
        }
        ++found.crashes;
        const auto directory = crashed / "album";
        disk.write_crashed(directory, how, with_doubtful, random);
        if (const auto violation = check_crashed(directory, expected[commits_there],
                                                 i == 2 && found.crash_points % 3 == 0)) {
          found.violation = "crash point " + std::to_string(found.crash_points) + ", kind " +
                            std::to_string(i) + ": " + *violation;
          return found;
        }
      }
    }
  }
  return found;
}

}  // namespace

CAF_TEST(after every crash what was acknowledged is there and the rest is cleanly absent) {
  const scratch_directory directory;
  store_recorder recorder;
  live(directory / "album", recorder);
  const auto found = replay(recorder.events(), directory / "album");
  CAF_MESSAGE("seed " << seed << ": " << found.crash_points << " crash points, " << found.crashes
                      << " crashes");
  CAF_CHECK_EQUAL(found.violation, "");
  CAF_CHECK(found.crash_points >= 100);
}

CAF_TEST(the replay finds a store that does not sync) {
  const scratch_directory directory;
  store_recorder recorder{true};
  live(directory / "album", recorder);
  const auto found = replay(recorder.events(), directory / "album");
  CAF_MESSAGE("found: " << found.violation);
  CAF_CHECK_NOT_EQUAL(found.violation, "");
}

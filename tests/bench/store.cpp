#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "libstip/core/pacer.hpp"
#include "libstip/raster/block.hpp"
#include "libstip/raster/chip_content.hpp"
#include "libstip/store/album_store.hpp"
#include "libstip/store/environment.hpp"
#include "libstip/store/records.hpp"
#include "tests/bench/harness.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

// The store: durable inserts, cold reads, compaction.

using namespace stip;
using namespace stip::bench;

namespace {

constexpr uint64_t seed = 20240117;
constexpr size_t batch = 10'000;
constexpr double mb = 1e-6;

put_scene scene() {
  const std::string json = "{\"scene\": 1}";
  return {hash128_of(json), json};
}

std::unique_ptr<album_store> open_store(const std::string& directory) {
  return value_or_give_up(
      album_store::open(directory, geocode_algorithm::geohash, {}, posix_file_system()));
}

/// A block of pixels that no codec makes smaller.
std::vector<std::byte> noise_block(std::mt19937_64& random, uint16_t rows, uint16_t columns) {
  std::vector<std::byte> pixels(size_t{rows} * columns * 2);
  for (auto& pixel : pixels) pixel = std::byte(random());
  std::vector<std::byte> record;
  block_encoder encoder;
  value_or_give_up(encoder.append_block(pixel_type::uint16, rows, columns, pixels, record));
  return record;
}

std::string geocode(uint64_t number) {
  static constexpr char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  std::string code = "7nkh";
  for (int shift = 0; shift < 25; shift += 5) code += digits[number >> shift & 31];
  return code;
}

/// Chips of one block each; every one another image. In the order of a load: cells at random.
class chip_maker {
 public:
  put_chip make(const block_location& place, const std::vector<std::byte>& record) {
    put_chip put;
    auto& chip = put.chip;
    const auto n = count_++;
    chip.key = {"Sentinel-2A", geocode(n * 2654435761u), "raw", "scene-" + std::to_string(n / 5000),
                epoch_seconds(1'600'000'000 + (n % 365) * 86400)};
    chip.subdataset = "10m";
    chip.scene = scene().id;
    chip.type = pixel_type::uint16;
    chip.bands = 1;
    const auto header = value_or_give_up(parse_block(record));
    chip.block_edge = defaults::max_block_edge;
    chip.width = header.columns;
    chip.height = header.rows;
    chip.cell_pixels = chip.valid_pixels = uint64_t{chip.width} * chip.height;
    const std::vector<uint64_t> contents{header.content};
    chip.content =
        chip_content(chip.type, chip.width, chip.height, chip.planes(), chip.block_edge, contents);
    chip.written = {int64_t(n) + 1, 0, 1};
    chip.token = n;
    put.blocks = {place};
    return put;
  }

 private:
  uint64_t count_ = 0;
};

void check(int code, sqlite3* db) {
  if (code != SQLITE_OK && code != SQLITE_DONE) give_up(sqlite3_errmsg(db));
}

/// One table with the columns that stip keeps of a chip, its key as the primary key, and commits
/// that are as durable.
class sqlite_table {
 public:
  explicit sqlite_table(const std::string& path) {
    check(sqlite3_open(path.c_str(), &db_), db_);
    for (const char* statement :
         {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-262144",
          "CREATE TABLE chips (platform TEXT, geocode TEXT, time INTEGER, source TEXT, tile TEXT, "
          "subdataset INTEGER, value BLOB, PRIMARY KEY (platform, geocode, time, source, tile, "
          "subdataset)) WITHOUT ROWID"})
      check(sqlite3_exec(db_, statement, nullptr, nullptr, nullptr), db_);
    check(sqlite3_prepare_v2(db_, "INSERT OR REPLACE INTO chips VALUES (?, ?, ?, ?, ?, ?, ?)", -1,
                             &insert_, nullptr),
          db_);
  }
  ~sqlite_table() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }
  void insert(const std::vector<put_chip>& chips) {
    check(sqlite3_exec(db_, "BEGIN", nullptr, nullptr, nullptr), db_);
    for (const auto& put : chips) {
      const auto& key = put.chip.key;
      const auto value = encode_chip({put.chip, put.blocks}, 0);
      int at = 0;
      const auto text = [&](const std::string& bytes) {
        sqlite3_bind_text(insert_, ++at, bytes.data(), int(bytes.size()), SQLITE_STATIC);
      };
      text(key.platform);
      text(key.geocode);
      sqlite3_bind_int64(insert_, ++at, key.timestamp);
      text(key.source);
      text(key.tile);
      sqlite3_bind_int(insert_, ++at, put.chip.subdataset_index);
      sqlite3_bind_blob(insert_, ++at, value.data(), int(value.size()), SQLITE_STATIC);
      check(sqlite3_step(insert_), db_);
      check(sqlite3_reset(insert_), db_);
    }
    check(sqlite3_exec(db_, "COMMIT", nullptr, nullptr, nullptr), db_);
  }

 private:
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

/// LMDB alone, with keys and values of the same sizes.
class lmdb_table {
 public:
  explicit lmdb_table(const std::string& path) {
    environment::options o;
    o.databases = {"chips"};
    o.map_bytes = uint64_t{1} << 32;
    env_ = value_or_give_up(environment::open(path, o, posix_file_system()));
  }
  void insert(const std::vector<put_chip>& chips) {
    const auto written = env_->write([&](write_transaction& txn) -> result<void> {
      for (const auto& put : chips) {
        const auto id = image_id(put.chip.key);
        std::string key(image_prefix_bytes + 2, '\0');
        std::copy_n(reinterpret_cast<const char*>(&id), sizeof id, key.begin());
        STIP_TRY(txn.put(0, key, encode_chip({put.chip, put.blocks}, 0)));
      }
      return {};
    });
    if (!written) give_up(to_string(written.error()));
  }

 private:
  std::unique_ptr<environment> env_;
};

/// A store with so many noise blocks, one an image; the places in the order of the append.
std::vector<block_location> fill(album_store& store, chip_maker& chips, size_t blocks,
                                 uint16_t rows, std::mt19937_64& random) {
  std::vector<block_location> places;
  const auto record = noise_block(random, rows, 512);
  constexpr size_t in_commit = 64;
  for (size_t i = 0; i < blocks; i += in_commit) {
    commit_request request;
    request.scenes = {scene()};
    for (size_t j = i; j < std::min(blocks, i + in_commit); ++j) {
      const auto place = value_or_give_up(store.append(record));
      places.push_back(place[0]);
      request.chips.push_back(chips.make(place[0], record));
    }
    value_or_give_up(store.commit(request));
  }
  return places;
}

/// The operating system forgets what it has of these files.
void drop_caches(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ::fdatasync(fd);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

}  // namespace

STIP_BENCH(inserts, "durable inserts of metadata in batches, against SQLite and LMDB alone") {
  const test::scratch_directory directory;
  std::mt19937_64 random{seed};
  auto store = open_store(directory / "album");
  sqlite_table sqlite{directory / "sqlite.db"};
  lmdb_table lmdb{directory / "lmdb.mdb"};
  const auto record = noise_block(random, 8, 8);
  const auto place = value_or_give_up(store->append(record))[0];
  chip_maker chips;
  std::vector<put_chip> wanted;
  const auto prepare = [&](size_t count) {
    return [&, count] {
      wanted.clear();
      for (size_t i = 0; i < count; ++i) wanted.push_back(chips.make(place, record));
    };
  };
  const auto into_store = [&] {
    commit_request request;
    request.scenes = {scene()};
    request.chips = wanted;
    value_or_give_up(store->commit(request));
    return work{double(wanted.size()), 0};
  };
  comparison c{"durable inserts, 10,000 a transaction", "rows", options};
  c.add("stip", into_store, prepare(batch));
  c.add(
      "SQLite (WAL, synchronous=FULL)",
      [&] {
        sqlite.insert(wanted);
        return work{double(wanted.size()), 0};
      },
      prepare(batch));
  c.add(
      "LMDB alone",
      [&] {
        lmdb.insert(wanted);
        return work{double(wanted.size()), 0};
      },
      prepare(batch));
  c.run();
  std::vector<double> rates;
  for (const auto& m : c.of("stip")) rates.push_back(m.rate());
  report("durable inserts", median(rates), "rows/s", goal::at_least, 50'000);
  c.ratio("stip", "SQLite (WAL, synchronous=FULL)");
  c.ratio("stip", "LMDB alone");

  comparison small{"durable inserts, 100 a transaction", "rows", options};
  small.add("stip", into_store, prepare(100));
  small.add(
      "SQLite (WAL, synchronous=FULL)",
      [&] {
        sqlite.insert(wanted);
        return work{double(wanted.size()), 0};
      },
      prepare(100));
  small.run();
  small.ratio("stip", "SQLite (WAL, synchronous=FULL)");
}

STIP_BENCH(cold_reads, "random blocks from a cold disk with 1 to 16 requests in flight") {
  constexpr size_t blocks = 1024, read_a_round = 256;
  const test::scratch_directory directory;
  std::mt19937_64 random{seed};
  auto store = open_store(directory / "album");
  chip_maker chips;
  auto places = fill(*store, chips, blocks, 256, random);
  comparison c{"cold reads of 256 KiB blocks in random order", "MB", options};
  const auto prepare = [&] {
    std::shuffle(places.begin(), places.end(), random);
    drop_caches(directory / "album");
  };
  for (const size_t depth : {1, 2, 4, 8, 16}) {
    c.add(
        "depth " + std::to_string(depth),
        [&, depth] {
          block_stream::options o;
          o.depth = depth;
          const auto stream = store->stream({places.begin(), places.begin() + read_a_round}, o);
          uint64_t bytes = 0;
          while (const auto block = stream->next()) {
            if (!block->outcome) give_up(to_string(block->outcome.error()));
            bytes += block->record.size();
          }
          return work{double(bytes) * mb, 0};
        },
        prepare);
  }
  c.run();
  for (const size_t depth : {2, 4, 8, 16}) c.ratio("depth " + std::to_string(depth), "depth 1");
}

STIP_BENCH(compaction, "compaction, and what it costs the commits beside it") {
  constexpr size_t blocks = 1024;
  std::mt19937_64 random{seed};
  const test::scratch_directory directory;
  chip_maker chips;
  const auto record = noise_block(random, 256, 512);
  std::unique_ptr<album_store> store;
  size_t stores = 0;
  std::mutex writer;
  // Two thirds of what was written are deleted.
  const auto prepare = [&] {
    store.reset();
    std::filesystem::remove_all(directory / "album");
    store = open_store(directory / "album");
    ++stores;
    commit_request gone;
    size_t n = 0;
    fill(*store, chips, blocks, 256, random);
    for (const auto& entry : value_or_give_up(store->scan_index()))
      if (n++ % 3 != 0) gone.tombstones.push_back({entry.key, {int64_t{1} << 50, 0, 1}});
    value_or_give_up(store->commit(gone));
  };
  const auto compact = [&](uint64_t bytes_per_second, const std::atomic<bool>* stop) {
    pacer pace{bytes_per_second};
    const auto now = [] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::steady_clock::now().time_since_epoch())
          .count();
    };
    {
      const std::lock_guard turn{writer};
      if (!value_or_give_up(store->begin_compaction({}, {}))) give_up("nothing to compact");
    }
    while (!stop || !*stop) {
      uint64_t cost = 0;
      auto turn = value_or_give_up(store->compact(cost));
      if (bytes_per_second > 0)
        std::this_thread::sleep_for(std::chrono::milliseconds{pace.rest_ms(cost, now())});
      if (turn == compaction_turn::publish) {
        const std::lock_guard alone{writer};
        turn = value_or_give_up(store->publish_compaction());
      }
      if (turn == compaction_turn::done) break;
    }
    const std::lock_guard alone{writer};
    return store->end_compaction();
  };
  const auto commit_some = [&](size_t commits) {
    for (size_t i = 0; i < commits; ++i) {
      const std::lock_guard turn{writer};
      commit_request request;
      request.scenes = {scene()};
      const auto place = value_or_give_up(store->append(record));
      request.chips.push_back(chips.make(place[0], record));
      value_or_give_up(store->commit(request));
    }
    return work{double(commits), 0};
  };
  comparison speed{"compaction of segments with a third of live bytes", "MB", options};
  speed.add(
      "bytes copied, without a throttle",
      [&] {
        return work{double(compact(0, nullptr).bytes_copied) * mb, 0};
      },
      prepare);
  speed.run();

  constexpr size_t commits = 500;
  comparison beside{"commits of one chip of 256 KiB", "commits", options};
  const auto with_compaction = [&](uint64_t rate) {
    return [&, rate] {
      std::atomic<bool> stop{false};
      std::thread other{[&] { compact(rate, &stop); }};
      const auto done = commit_some(commits);
      stop = true;
      other.join();
      return done;
    };
  };
  beside.add(
      "alone", [&] { return commit_some(commits); }, prepare);
  beside.add("beside a compaction as throttled", with_compaction(defaults::maintenance_rate),
             prepare);
  beside.add("beside one without a throttle", with_compaction(0), prepare);
  beside.run();
  beside.ratio("beside a compaction as throttled", "alone");
  beside.ratio("beside one without a throttle", "alone");
}

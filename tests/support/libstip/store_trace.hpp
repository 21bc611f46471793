#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "libstip/store/album_store.hpp"

// Records what a store does to the disk, and builds what any crash may have left of it.

namespace stip::test {

struct trace_event {
  enum class kind : uint8_t {
    create,
    write,
    preallocate,
    sync,
    sync_directory,
    remove,
    begin,
    put,
    erase,
    committing,
    committed,
    /// The store told its caller that a commit is durable.
    acknowledged,
  };
  kind what = kind::create;
  /// Path of the file or directory; of put and erase the database.
  std::string name;
  /// Bytes written; of put and erase the key.
  std::string bytes;
  std::string value;
  /// Offset of a write, size of a preallocation.
  uint64_t number = 0;
};

/// The operating system's files and a metadata observer; every call is an event.
class store_recorder final : public file_system, public metadata_observer {
 public:
  /// With `forget_syncs` the syncs of files are done but not recorded: the replay then sees a store
  /// that does not sync, and has to find that out.
  explicit store_recorder(bool forget_syncs = false) : forget_syncs_(forget_syncs) {}

  void acknowledge() { add({trace_event::kind::acknowledged, {}, {}, {}, 0}); }
  const std::vector<trace_event>& events() const { return events_; }

  result<std::unique_ptr<writable_file>> create(const std::string& path) override;
  result<void> sync_directory(const std::string& path) override;
  result<void> remove(const std::string& path) override;
  result<uint64_t> free_bytes(const std::string& path) override;

  void begin() override { add({trace_event::kind::begin, {}, {}, {}, 0}); }
  void put(std::string_view database, std::string_view key, std::string_view value) override;
  void erase(std::string_view database, std::string_view key) override;
  void committing() override { add({trace_event::kind::committing, {}, {}, {}, 0}); }
  void committed() override { add({trace_event::kind::committed, {}, {}, {}, 0}); }

 private:
  class file;
  void add(trace_event event) { events_.push_back(std::move(event)); }

  bool forget_syncs_;
  std::vector<trace_event> events_;
};

/// How a crash treats what was not synced.
enum class crash_kind : uint8_t { keep_all, lose_all, random };

/// Follows a trace event by event and writes what a crash leaves.
class crash_replay {
 public:
  /// `scratch` holds copies of the metadata after each transaction.
  crash_replay(std::string recorded_directory, std::string scratch);
  ~crash_replay();

  /// Returns false for an event that leaves the disk as it was.
  bool advance(const trace_event& event);

  /// Transactions that are surely there, and commits that were acknowledged.
  size_t committed() const { return committed_; }
  size_t acknowledged() const { return acknowledged_; }
  /// A transaction may or may not be there.
  bool in_doubt() const { return in_doubt_; }

  /// Writes a directory as the crash leaves it: pages since the last sync are there, torn, zero,
  /// noise or as they were; files have any length that they had since; directory entries since the
  /// last sync are there up to some change. `with_doubtful`: the transaction in doubt is there.
  void write_crashed(const std::string& directory, crash_kind how, bool with_doubtful,
                     std::mt19937_64& random) const;

 private:
  struct inode {
    std::string synced, current;
    std::vector<bool> dirty_pages;
  };
  struct entry_change {
    std::string name;
    std::shared_ptr<inode> file;  // null: removed
  };

  std::string snapshot(size_t transaction) const;
  void apply_transaction();
  static std::string crashed(const inode& file, crash_kind how, std::mt19937_64& random);

  std::string directory_;
  std::string scratch_;
  std::map<std::string, std::shared_ptr<inode>> names_;
  std::map<std::string, std::shared_ptr<inode>> durable_names_;
  std::vector<entry_change> unsynced_changes_;
  std::vector<trace_event> transaction_;
  class metadata;
  std::unique_ptr<metadata> metadata_;
  size_t committed_ = 0;
  size_t applied_ = 0;
  size_t acknowledged_ = 0;
  bool in_doubt_ = false;
};

}  // namespace stip::test

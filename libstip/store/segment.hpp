#pragma once

#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libstip/catalog/image.hpp"
#include "libstip/core/error.hpp"
#include "libstip/store/file_system.hpp"

// Segments: append-only files of block records. The bytes are defined in docs/data-format.md,
// section "Segments".

namespace stip {

/// Bytes of a segment's own header; the first record follows it.
inline constexpr uint64_t segment_header_bytes = 64;

/// The name of a segment's file within its album's directory: "0000002a.segment".
std::string segment_name(uint32_t id);

/// The id of a name that segment_name gives; nothing for any other name.
std::optional<uint32_t> parse_segment_name(std::string_view name);

/// The header of segment `id` of the store `store`.
std::string segment_header(uint64_t store, uint32_t id);

/// Checks a header against the store and the id that it should have.
/// Errors: malformed, corrupt, incompatible (a newer format).
result<void> check_segment_header(std::string_view bytes, uint64_t store, uint32_t id);

/// Appends records to the newest segment and begins another when it is full. Never touches a file
/// of an earlier life, nor a page that was synced: power may fail in the middle of a page's write,
/// and what shares that page would go with it. One thread.
class segment_writer {
 public:
  struct options {
    std::string directory;
    uint64_t store = 0;
    /// New segments get the ids from here on.
    uint32_t first_id = 1;
    /// A segment file is given so many bytes when it is created, and at most so many at all.
    uint64_t least_bytes = 0;
    uint64_t most_bytes = 0;
    /// No segment gets this id or a higher one.
    uint32_t end_id = std::numeric_limits<uint32_t>::max();
    /// Files get what their records need and nothing ahead: nobody will append to them later.
    bool exact = false;
  };

  segment_writer(options o, file_system& files) : options_(std::move(o)), files_(&files) {}

  /// Appends records and gives the place of each. `sizes` are the bytes of each, which add up to
  /// those of `records`. Errors: no_space, io_error, limit_exceeded (no more ids, or a record that
  /// is larger than a segment).
  result<std::vector<block_location>> append(std::span<const std::byte> records,
                                             std::span<const uint32_t> sizes);

  /// Makes everything that was appended durable. When this fails, what was written since the last
  /// good sync may be lost even if another sync succeeds (the operating system marks such pages
  /// clean): the segment is given up from there on, and the next append begins a new one.
  result<void> sync();

  /// Whether these bytes were appended in this life and have not been given up.
  bool holds(const block_location& block) const;

  /// Whether these bytes, which `holds`, still need a sync.
  bool is_unsynced(const block_location& block) const;

  /// Takes ids out of turn, for segments that another writer writes; gives the first of them.
  /// Errors: limit_exceeded.
  result<uint32_t> reserve_ids(uint32_t count);

  /// The segments of this life that may still be named or written, by id, each with the end of what
  /// it has.
  std::map<uint32_t, uint64_t> segments() const;

  /// Is it the one that is written?
  bool is_active(uint32_t id) const { return active_ && active_->id == id; }

  /// Nothing is appended to the segment any more, and nothing that is not named yet may be named.
  void seal(uint32_t id);

 private:
  struct active_segment {
    uint32_t id = 0;
    std::string path;
    std::unique_ptr<writable_file> file;
    uint64_t end = 0;
    uint64_t allocated = 0;
    uint64_t synced_end = 0;
    bool in_directory = false;
    /// The disk had less room than was wanted.
    bool cramped = false;
  };

  result<void> begin_segment();
  result<void> make_room(uint64_t end);
  void close_active(uint64_t valid_end);

  options options_;
  file_system* files_;
  std::optional<active_segment> active_;
  /// Of the segments of this life that are no longer written: the end of what may be named.
  std::map<uint32_t, uint64_t> closed_;
};

/// Reads blocks of segments through a bounded number of open files. Any thread.
class segment_reader {
 public:
  segment_reader(std::string directory, uint64_t store);
  ~segment_reader();

  /// Appends the bytes of the block's record to `out`. A block without bytes appends nothing.
  /// Errors: not_found (the file is gone), corrupt (shorter than the block's end, or another
  /// segment's header), io_error.
  result<void> read(const block_location& block, std::vector<std::byte>& out);

  /// Fills `out` from `offset` on. Errors: as above.
  result<void> read(uint32_t segment, uint64_t offset, std::span<std::byte> out);

  /// Tells the operating system that it need not keep these bytes in memory: the next read of them
  /// asks the disk.
  void drop_cache(uint32_t segment, uint64_t offset, uint64_t bytes);

  /// Closes the file of a segment that is going to be removed, as soon as nobody reads it.
  void forget(uint32_t segment);

 private:
  class open_file;
  result<std::shared_ptr<const open_file>> open(uint32_t segment);

  std::string directory_;
  uint64_t store_;
  std::mutex mutex_;
  /// The most recently used first.
  std::list<std::pair<uint32_t, std::shared_ptr<const open_file>>> files_;
};

}  // namespace stip

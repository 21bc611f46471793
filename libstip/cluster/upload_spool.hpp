#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/format/product_files.hpp"

namespace stip {

namespace defaults {

/// Bytes of clients' files that a node keeps at a time, until they are stored: a few scenes of the
/// largest products, so that sending and storing overlap.
inline constexpr uint64_t upload_space = uint64_t{8} << 30;

/// A client of which nothing was heard for so long, and which has not sent all, is given up.
inline constexpr std::chrono::milliseconds upload_patience{60'000};

/// Bytes of a file that travel in one message.
inline constexpr uint64_t upload_chunk_bytes = uint64_t{1} << 20;

/// Files of one input, bytes of all their names, bytes of one name, and folders in folders: an old
/// SAFE with many granules has a few thousand files, with names of 200 bytes, five folders deep.
inline constexpr size_t max_upload_files = 16'384;
inline constexpr size_t max_upload_names_bytes = size_t{2} << 20;
inline constexpr size_t max_upload_name_bytes = 1'024;
inline constexpr size_t max_upload_depth = 16;

/// Inputs of one task that are begun and not settled: many small ones in a row keep the workers
/// busy.
inline constexpr size_t max_begun_uploads = 64;

}  // namespace defaults

/// An input of a client's machine, as the client says before it sends the files.
struct upload_manifest {
  /// As the client names it; what the images know as their input.
  std::string name;
  /// The input itself: one of the files, or a folder that holds files.
  std::string entry;
  /// The names are relative, parts separated by '/'.
  std::vector<product_member> files;

  uint64_t bytes() const;
};

/// Names come from another machine and become paths of this one: nothing in them may lead out of a
/// folder. Errors: invalid_argument, limit_exceeded.
result<void> check(const upload_manifest& manifest);

/// Messages that a file takes; an empty one takes one, too.
constexpr uint64_t upload_chunks(uint64_t bytes) {
  return bytes == 0 ? 1 : (bytes - 1) / defaults::upload_chunk_bytes + 1;
}

/// What a node keeps of clients' files while it stores them: who sends what, how much room there
/// is, what is there. A plain state machine, not thread-safe: it tells which files to write and to
/// remove, and the caller does so and says when it is done.
///
/// A *batch* is the inputs of one task. Room for an input is reserved as a whole before its first
/// byte is sent, so an input that was begun can always be finished.
class upload_spool {
 public:
  struct options {
    /// The folder of all files; nobody else writes there.
    std::string root;
    /// Bytes that may be there.
    uint64_t space = defaults::upload_space;
    /// Bytes that stay free on the disk.
    uint64_t watermark = 0;
    std::chrono::milliseconds patience = defaults::upload_patience;
  };
  explicit upload_spool(options o);

  /// A new batch of so many inputs.
  uint64_t open(uint64_t inputs, int64_t now_ms);

  enum class word : uint8_t {
    /// There is room, the files may come.
    send,
    /// Not now: ask again.
    wait,
  };
  /// Somebody wants to send an input; said twice, it counts once. `disk_free` are the bytes free on
  /// the disk. Errors: not_found (the batch is closed), already_exists (the input is settled),
  /// those of check; limit_exceeded when it could never have room, no_space when the disk is full
  /// without it.
  result<word> begin(uint64_t batch, uint64_t input, const upload_manifest& manifest,
                     uint64_t disk_free, int64_t now_ms);

  /// Where a piece of a file is to be written, at its offset; an empty path: it is there already.
  /// After it, `written` must be called. Errors: not_found (closed, or not begun), already_exists
  /// (settled), invalid_argument (there is no such piece).
  result<std::string> place(uint64_t batch, uint64_t input, uint64_t file, uint64_t offset,
                            uint64_t bytes, int64_t now_ms);
  /// The piece was written, or not. True when the input is whole now: once.
  bool written(uint64_t batch, uint64_t input, uint64_t file, uint64_t offset, bool good);

  /// An input that is whole.
  struct whole_input {
    std::string name;
    /// The folder that its files' names are relative to, with a '/' at its end.
    std::string folder;
    std::string entry;

    std::string path() const { return folder + entry; }
  };
  whole_input whole(uint64_t batch, uint64_t input) const;

  /// All of it is there, and it is not settled.
  bool is_whole(uint64_t batch, uint64_t input) const;
  /// Of an input that was begun, and is not settled; else empty.
  std::string name_of(uint64_t batch, uint64_t input) const;

  /// The input is stored, or cannot be: its files go. False when it was settled before.
  bool settle(uint64_t batch, uint64_t input);
  bool settled(uint64_t batch) const;
  /// Settles what is not whole; how many that are.
  uint64_t give_up(uint64_t batch);
  /// Nothing of the batch is wanted any more.
  void close(uint64_t batch);

  /// Batches that wait for a client which is silent.
  std::vector<uint64_t> abandoned(int64_t now_ms) const;
  /// Inputs of the batch that are not whole yet, nor settled.
  uint64_t unsent(uint64_t batch) const;

  /// Folders to be removed now; nothing is being written there. Their room is free when `removed`
  /// is called.
  std::vector<std::string> take_removals();
  void removed(const std::string& folder);

  uint64_t used() const { return used_; }

 private:
  struct entry {
    upload_manifest manifest;
    std::string folder;
    uint64_t bytes = 0;
    /// Of each file, which pieces are there.
    std::vector<std::vector<bool>> have;
    uint64_t missing = 0;
    /// Pieces that are being written.
    uint64_t writing = 0;
    bool doomed = false;
  };
  struct batch {
    /// By their numbers: begun, and not settled unless doomed.
    std::map<uint64_t, entry> begun;
    std::vector<bool> settled;
    uint64_t left = 0;
    /// Whole, and not settled.
    uint64_t whole = 0;
    int64_t heard_ms = 0;
    bool closed = false;
  };

  batch* find(uint64_t number);
  const batch* find(uint64_t number) const;
  result<batch*> find_open(uint64_t number, uint64_t input);
  result<word> look_for_room(const std::string& name, uint64_t bytes, uint64_t disk_free) const;
  void doom(batch& of, std::map<uint64_t, entry>::iterator at);
  void tidy(uint64_t number);

  options options_;
  uint64_t next_ = 1;
  std::map<uint64_t, batch> batches_;
  std::vector<std::string> removals_;
  /// Reserved bytes by folder, until it is removed; their sum, and how many of them are written.
  std::map<std::string, uint64_t> reserved_;
  uint64_t used_ = 0;
  uint64_t on_disk_ = 0;
  std::map<std::string, uint64_t> written_;
};

/// Makes an empty spool: whatever an earlier run of the node left in the folder goes. Blocks.
/// Errors: io_error.
result<void> empty_spool(const std::string& root);

/// Writes a piece of a file and the folders above it. Blocks. Errors: corrupt (another checksum,
/// hash64), no_space, io_error.
result<void> write_piece(const std::string& path, uint64_t offset, std::string_view bytes,
                         uint64_t checksum);

/// Removes one folder of the spool. Blocks. Errors: io_error.
result<void> remove_folder(const std::string& folder);

}  // namespace stip

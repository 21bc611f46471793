#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "libstip/catalog/album.hpp"
#include "libstip/catalog/image.hpp"
#include "libstip/catalog/index.hpp"
#include "libstip/catalog/rows.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"
#include "libstip/store/block_stream.hpp"
#include "libstip/store/file_system.hpp"
#include "libstip/store/maintenance.hpp"
#include "libstip/store/metadata.hpp"
#include "libstip/store/replica_facts.hpp"
#include "libstip/store/replica_store.hpp"

namespace stip {

enum class open_mode : uint8_t { read_only, read_write };

struct store_options {
  open_mode mode = open_mode::read_write;
  /// Stores are refused when fewer bytes are free; deletes still work.
  uint64_t free_bytes_watermark = 0;
  /// A segment file is given so many bytes when it is created, doubles up to the second number,
  /// and is then followed by another.
  uint64_t min_segment_bytes = defaults::min_segment_bytes;
  uint64_t max_segment_bytes = defaults::max_segment_bytes;
  /// The LMDB map begins with so many bytes, and doubles when it is full.
  uint64_t initial_map_bytes = defaults::initial_map_bytes;
};

/// A chip to be named by a commit: its description and the place of each of its blocks.
struct put_chip {
  chip_description chip;
  std::vector<block_location> blocks;
};

/// A scene record (its JSON) that chips of the same commit may refer to. One that is there already
/// stays as it is.
struct put_scene {
  hash128 id;
  std::string json;
};

struct commit_request {
  std::vector<put_scene> scenes;
  std::vector<put_chip> chips;
  std::vector<put_tombstone> tombstones;
};

enum class put_outcome : uint8_t {
  stored = 0,
  /// The same chip (key, subdataset and content) was there already; nothing was written.
  unchanged = 1,
  /// A newer chip or tombstone hides it; nothing was written.
  superseded = 2,
};

struct commit_outcome {
  /// One for each chip of the request.
  std::vector<put_outcome> chips;
  /// Images that became visible, changed or vanished: what the index has to be told.
  std::vector<index_change> changes;
};

struct store_statistics {
  /// Visible images.
  uint64_t images = 0;
  /// Chips on disk, those of images that are not (yet) complete included.
  uint64_t chips = 0;
  /// Bytes of live blocks, and of the segment files as used.
  uint64_t live_bytes = 0;
  uint64_t segment_bytes = 0;
  /// Chips whose blocks are gone: see lost_chips(); those that were stored again are not among
  /// them.
  uint64_t lost_chips = 0;
};

/// One album's chips on this node: append-only segments of blocks and one LMDB environment of
/// metadata. One thread writes; any number may read at the same time.
///
/// When chips of one image come from different scenes, or a scene is stored again with another
/// number of subdatasets, the newest complete set of chips is the image (image_state.hpp); an older
/// one stays visible until a newer one is complete, and they never mix.
class album_store final : public replica_store {
 public:
  /// Opens or creates the store in `directory`. Recovers: what LMDB does not name does not exist;
  /// a named block beyond the end of its file is a lost chip, reported by lost_chips(); its image
  /// is not visible until the same chip is stored again.
  /// The caller sees to it (data_directory does) that a directory is open for writing once, or for
  /// reading any number of times. A directory that is not there reads as an empty store.
  /// Errors: io_error, no_space, corrupt, incompatible (a newer format), invalid_argument (another
  /// algorithm than that it was created with).
  static result<std::unique_ptr<album_store>> open(const std::string& directory,
                                                   geocode_algorithm algorithm,
                                                   const store_options& options, file_system& files,
                                                   metadata_observer* observer = nullptr);
  ~album_store() override;

  // -- the writer's side: one thread at a time --------------------------------

  /// Appends whole block records (one or more, back to back, each verified by the caller with
  /// parse_block) and returns the place of each. Not durable, and not there after a crash, until a
  /// commit names them. Errors: no_space, io_error, malformed (not whole records), forbidden
  /// (opened for reading).
  result<std::vector<block_location>> append(std::span<const std::byte> records);

  /// Syncs the segments that were appended to, then writes the metadata in one LMDB transaction
  /// with full sync. When this returns without an error, everything in it is durable; with one, all
  /// is as before. A failed sync loses the blocks since the last good one: they have to be appended
  /// again, and a commit that names them is refused (conflict).
  /// Errors: invalid_argument, malformed, limit_exceeded (the request, or a scene that is not
  /// there), conflict, no_space, io_error, forbidden (opened for reading).
  result<commit_outcome> commit(const commit_request& request);

  // -- compaction -------------------------------------------------------------
  // begin, then compact() and publish_compaction() as they say whose turn it is, then end. compact
  // may run on any thread beside the writer and readers, but not beside the others of these calls.

  /// The writer's: chooses segments that have too much dead, and seals them. False: there are none.
  /// `in_use`: segments with appended blocks that a commit is still to name; they are left alone.
  /// Errors: forbidden (opened for reading), io_error, corrupt.
  result<bool> begin_compaction(const compaction_options& options,
                                const std::set<uint32_t>& in_use);

  /// One step; adds the bytes that it read and wrote to `cost`. With an error the compaction cannot
  /// go on: end it. Everything is then as it was, or as the last publication left it.
  result<compaction_turn> compact(uint64_t& cost);

  /// The writer's: one transaction that swaps the places of the chips that were copied and have not
  /// changed since. Errors: as compact().
  result<compaction_turn> publish_compaction();

  /// The writer's: ends the compaction, whether it is through or not; what it has done.
  compaction_report end_compaction();

  // -- readers, any thread ----------------------------------------------------

  /// Every visible image: what a new image_index is built from.
  result<index_columns> scan_columns() const;
  /// The same one by one, in the order of the index.
  result<std::vector<index_entry>> scan_index() const;

  /// The full rows of these images (absent ones are left out), with `node` as the place.
  result<std::vector<image_row>> rows(std::span<const image_key> keys,
                                      const std::string& node) const;

  /// All chips of an image, in the order of their subdatasets. Errors: not_found.
  result<std::vector<chip_record>> chips(const image_key& key) const;

  /// Which of these images are visible with a scene record of this id.
  result<std::vector<bool>> holds(std::span<const image_key> keys, const hash128& scene) const;

  /// The JSON of a scene record. Errors: not_found.
  result<std::string> scene(const hash128& id) const override;

  /// Appends the bytes of one record to `out`, its header and payload checksum verified.
  /// Errors: not_found (the segment is gone), corrupt, io_error.
  result<void> read(const block_location& location, std::vector<std::byte>& out) const;

  /// The same for blocks that follow each other: neighbours in a segment are read at once, and the
  /// records are appended one after the other. Errors: as above; nothing is appended then.
  result<void> read(std::span<const block_location> locations,
                    std::vector<std::byte>& out) const override;

  /// Reads many blocks with several requests in flight. The store outlives the stream.
  std::unique_ptr<block_stream> stream(std::vector<block_location> blocks,
                                       const block_stream::options& options) const;

  store_statistics statistics() const;

  // -- facts ------------------------------------------------------------------
  // What replicas compare and push (replica_store). What is lost here (lost_chips), or was found
  // damaged (note_damage), is not among a store's facts: so it differs from its replicas until it is
  // mended. Facts of an image are seen all at one moment, different images at different ones; no
  // read transaction is longer than a page.

  result<std::vector<uint64_t>> digests(const slice_of& slices) const override;
  result<fact_page> facts(const slice_of& slices, const std::string& from,
                          size_t limit) const override;
  result<std::vector<bool>> lacks(std::span<const replica_fact> facts) const override;
  result<chip_record> chip(const chip_description& chip) const override;

  /// What is there of an image: the version of the image, and of its tombstone.
  struct mark {
    std::optional<version> written, hidden;
  };
  /// Of each of these images, whatever the versions that are given with them. Errors:
  /// invalid_argument (a geocode that is none of the album's).
  result<std::vector<mark>> marks(std::span<const put_tombstone> images) const;

  /// At most `limit` of the tombstones that `wanted` holds for, in the order of keys; `from` as in
  /// facts(). What is there throughout is in exactly one page. Errors: invalid_argument (`from` is
  /// none), corrupt, io_error.
  result<tombstone_page> tombstones(const std::string& from, size_t limit,
                                    const std::function<bool(const put_tombstone&)>& wanted) const;

  /// The writer's: removes the images of which these are all the facts, and leaves no tombstone.
  /// An image that has another fact, or another version of one, stays whole (lost chips do not
  /// count and stay); what is not there is no error. Durable when it returns; with an error all is
  /// as before. Errors: invalid_argument, no_space, io_error, forbidden (opened for reading).
  result<commit_outcome> forget(std::span<const replica_fact> facts);

  // -- scrub ------------------------------------------------------------------

  /// Where the last scrub stopped, as it was kept.
  result<scrub_state> scrub_position() const;
  /// The writer's: keeps it.
  result<void> keep(const scrub_state& state);
  /// Reads the blocks of chips from there on, about so many bytes of them, from the disk itself and
  /// verifies their checksums. Any thread. A state at the beginning starts a pass.
  result<scrub_step> scrub(const scrub_state& from, uint64_t bytes) const;
  /// The writer's: from now on, until the store is closed, these chips are not among its facts, so
  /// that it differs from its replicas until they have brought them anew; they are shown and read
  /// as before. A finding that is out of date costs a chip that is brought for nothing.
  void note_damage(std::span<const scrub_finding> damaged);

  /// Keys of chips (KEY/SUBDATASET) whose blocks lay beyond the end of their files at the opening.
  const std::vector<std::string>& lost_chips() const;

 private:
  class impl;
  explicit album_store(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace stip

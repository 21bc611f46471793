#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libstip/catalog/image.hpp"
#include "libstip/core/error.hpp"
#include "libstip/store/replica_facts.hpp"

namespace stip {

/// What keeping copies equal needs of a store: the facts of one album on this node, and the bytes
/// of its chips. album_store is one on a disk; the simulator has another. Any thread may ask.
class replica_store {
 public:
  virtual ~replica_store() = default;

  /// For each of the ring_slices the sum (mod 2^64) of digest_of over the facts in it. The same
  /// facts give the same digests on every node. Errors: internal (a slice beyond the last).
  virtual result<std::vector<uint64_t>> digests(const slice_of& slices) const = 0;

  /// About `limit` facts (all of an image's, so there may be more) in the slices that the asker
  /// cares for, chips of images that are not complete among them, in the order of keys. `from` is
  /// empty or the `next` of the page before. What is there throughout is in exactly one page.
  /// Errors: invalid_argument (`from` is none), internal (a slice beyond the last).
  virtual result<fact_page> facts(const slice_of& slices, const std::string& from,
                                  size_t limit) const = 0;

  /// For each of these facts whether taking it in, alone, would change what is stored here: a
  /// newer version of the same chip does, and so does what mends a lost chip.
  /// Errors: invalid_argument (a geocode that is none of the album's).
  virtual result<std::vector<bool>> lacks(std::span<const replica_fact> facts) const = 0;

  /// The record of the chip with that content, part of an image or not; its version may be newer.
  /// Errors: not_found (it is not there, or lost).
  virtual result<chip_record> chip(const chip_description& chip) const = 0;

  /// Appends the bytes of these records to `out`, one after the other, headers and checksums
  /// verified. Errors: not_found (a segment is gone), corrupt, io_error; nothing is appended then.
  virtual result<void> read(std::span<const block_location> locations,
                            std::vector<std::byte>& out) const = 0;

  /// The JSON of a scene record. Errors: not_found.
  virtual result<std::string> scene(const hash128& id) const = 0;
};

}  // namespace stip

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/image.hpp"
#include "libstip/core/clock.hpp"
#include "libstip/core/error.hpp"

// Facts: what the replicas of an album compare and push until all hold the same. A fact is a chip
// (its description; the blocks travel as chip_parts) or a tombstone. Who takes facts in merges them
// by the rules of image_state.hpp, so that pushing one twice, or in any order, is harmless.

namespace stip {

/// Hides every image of that key whose chips are older than `when`.
struct put_tombstone {
  image_key key;
  version when;

  bool operator==(const put_tombstone&) const = default;
};

struct replica_fact {
  image_key key;
  /// The chip, of the image `key`; nothing: the fact is a tombstone,
  std::optional<chip_description> chip;
  /// which hides what is older than this.
  version hidden;

  static replica_fact of(chip_description chip) {
    auto key = chip.key;
    return {std::move(key), std::move(chip), {}};
  }
  static replica_fact of(put_tombstone tombstone) {
    return {std::move(tombstone.key), {}, tombstone.when};
  }

  bool operator==(const replica_fact&) const = default;
};

/// XXH3-64 of the fact's packed form, with 0 as the token: that is a node's own.
uint64_t digest_of(const replica_fact& fact);

/// Packed forms, for messages: u8 1, varint count, and per fact u8 1 and the description as a text,
/// or u8 0, the key and the version. Decoding checks every length and every key and description.
/// Errors: malformed, limit_exceeded, invalid_argument (a key).
std::string encode(const std::vector<replica_fact>& facts);
result<std::vector<replica_fact>> decode_facts(std::string_view bytes);

/// Tombstones alone: the same form.
std::string encode(const std::vector<put_tombstone>& tombstones);
/// Errors: as decode_facts; malformed if there is a chip among them.
result<std::vector<put_tombstone>> decode_tombstones(std::string_view bytes);

/// Digests are kept for so many fixed slices of the ring, all of the same length.
inline constexpr uint32_t ring_slices = 4096;

/// Which slice of the ring (0 .. ring_slices - 1) an image with that geocode lies in; nothing: it
/// is none of the asker's business. Called once per run of images with one geocode.
using slice_of = std::function<std::optional<uint32_t>(std::string_view geocode)>;

struct fact_page {
  std::vector<replica_fact> facts;
  /// Where the next page begins, for the node that gave this one; empty: that was all.
  std::string next;
};

struct tombstone_page {
  std::vector<put_tombstone> tombstones;
  /// As fact_page::next.
  std::string next;
};

}  // namespace stip

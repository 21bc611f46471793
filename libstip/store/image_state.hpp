#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>

#include "libstip/store/album_store.hpp"

namespace stip {

/// The pixel coverage of an image: the least of its measured subdatasets; of all, when none of them
/// is measured data.
class coverage_of_image {
 public:
  void add(bool quality, double coverage) {
    auto& least = quality ? least_quality_ : least_measured_;
    least = least ? std::min(*least, coverage) : coverage;
  }
  double value() const { return least_measured_.value_or(least_quality_.value_or(0)); }

 private:
  std::optional<double> least_measured_, least_quality_;
};

/// What a node holds of one image, and the rules by which chips and tombstones change it.
///
/// Chips of one scene and one declared count form a set. A set is complete when all its
/// subdatasets are there; its rank is the version of its oldest chip, then scene, then count. The
/// complete set of the highest rank is the image; there is none if no set is complete. So the old
/// image stays until a newer set is complete, and subdatasets of different scenes never mix.
/// A chip that can no longer be part of the image (of another set, and below the image's rank, or
/// older than the tombstone) is dropped. The same facts in any order give the same image.
///
/// Of the masks of its clouds the newest is kept, as a set of its own that is never complete, until
/// the image's rank passes it: a mask is never older than its image. It is shown as long as the
/// image is of the scene that it was made of.
class image_state {
 public:
  struct set_id {
    hash128 scene;
    uint16_t count = 0;
    auto operator<=>(const set_id&) const = default;
  };

  struct held_chip {
    chip_record record;
    /// Its blocks lie beyond the end of their file: it takes part in ranks, but anything equal
    /// takes its place.
    bool lost = false;
    /// A scrub found it so. It is shown as before, as most of it may be sound, but anything equal
    /// takes its place.
    bool damaged = false;
  };

  using chip_set = std::map<uint16_t, held_chip>;

  image_state() = default;

  /// Takes in what is stored, without any rule.
  void restore(held_chip chip);
  void restore(const version& tombstone) { tombstone_ = tombstone; }

  put_outcome put(const put_chip& chip);

  /// Drops chips older than `when`.
  void hide(const version& when);

  /// Whether put, or hide, would change anything that another node can see: the place of blocks
  /// and the token are a node's own.
  bool lacks(const chip_description& chip) const;
  bool lacks(const version& tombstone) const;

  /// Removes a chip, or the tombstone, as if it had never come. Against all rules of merging: only
  /// for what others hold.
  void forget(const set_id& set, uint16_t index);
  void forget_tombstone() { tombstone_.reset(); }

  /// The chip that stands in that place of its set; null if there is none.
  const held_chip* find(const set_id& set, uint16_t index) const;
  static set_id set_of(const chip_description& chip) { return {chip.scene, chip.subdataset_count}; }

  const std::map<set_id, chip_set>& sets() const { return sets_; }

  /// The set that is the image; null if there is none.
  const chip_set* image() const;

  /// The mask of the image's clouds; null if there is none, or it is of another image.
  const held_chip* clouds() const;

  /// The version of the image's oldest chip; nothing if there is no image.
  std::optional<version> written() const;

  /// What filters have to know (not yet what listings show); nothing if there is no image, or a
  /// chip of it is lost.
  std::optional<index_entry> entry() const;

  /// The newest tombstone, if there is any. One that is older than every chip of the image is
  /// dropped: whatever it hides is below the image's rank as well.
  const std::optional<version>& tombstone() const { return tombstone_; }

 private:
  struct rank {
    version oldest;
    set_id set;
    auto operator<=>(const rank&) const = default;
  };

  put_outcome take(const put_chip& chip);
  /// Drops the mask that is held if `fresh` is newer; false: it is not.
  bool replace_mask(const chip_description& fresh);
  std::optional<rank> image_rank() const;
  static bool is_below(const chip_description& chip, const set_id& id, const rank& best);
  void drop_outranked();
  void drop_tombstone();

  std::map<set_id, chip_set> sets_;
  std::optional<version> tombstone_;
};

}  // namespace stip

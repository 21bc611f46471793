#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/store/album_store.hpp"
#include "libstip/store/image_state.hpp"
#include "libstip/store/records.hpp"
#include "libstip/store/scene_records.hpp"

namespace stip {

/// Keys (of table::chips or table::pending, which differ in length) of chips whose blocks are lost.
using lost_keys = std::set<std::string, std::less<>>;

/// Chips that need to be brought anew.
struct flawed_keys {
  lost_keys lost;
  /// Found by a scrub.
  lost_keys damaged;
};

/// What a store has to know after a commit, besides its outcome.
struct commit_effects {
  int64_t images = 0;
  int64_t chips = 0;
  int64_t live_bytes = 0;
  int64_t segment_bytes = 0;
  /// Keys that are sound now, or stand among the others again.
  std::vector<std::string> sound;
  std::vector<std::string> lost;
  std::vector<std::string> damaged;
  /// Of all chips of the images that were touched.
  std::set<hash128> scenes;
};

/// Everything that is stored of the image with this prefix.
result<image_state> load_image(const transaction& txn, stored_names& names, std::string_view prefix,
                               const image_key& key, const flawed_keys& flawed);

/// Writes a request into a transaction. One object for one attempt.
class commit_writer {
 public:
  commit_writer(write_transaction& txn, geocode_algorithm algorithm, const flawed_keys& flawed)
      : txn_(&txn),
        algorithm_(algorithm),
        flawed_(&flawed),
        scene_records_(txn),
        numbers_(txn),
        names_(txn) {}

  /// Errors: invalid_argument (a chip refers to a scene that is not there), and those of the
  /// transaction.
  result<void> write(const commit_request& request);

  /// Removes the images of which these are all the facts.
  result<void> forget(std::span<const replica_fact> facts);

  commit_outcome outcome;
  commit_effects effects;

 private:
  /// What a request does to one image: positions in its lists.
  struct image_request {
    const image_key* key = nullptr;
    std::vector<size_t> chips;
    std::vector<size_t> tombstones;
  };

  struct segment_change {
    uint64_t end = 0;
    int64_t live_bytes = 0;
  };

  using records = std::map<std::string, std::string>;

  result<void> write_scenes(const commit_request& request);
  result<void> write_image(const commit_request& request, std::string_view prefix,
                           const image_request& changes);
  result<void> write_change(const image_state& before, const image_state& after,
                            std::string_view prefix);
  result<records> encode_chips(const image_state& state, std::string_view prefix);
  result<void> write_chips(const records& before, const records& after);
  void count_blocks(const image_state& state, int sign);
  void note_flaws(const image_state& before, const image_state& after, std::string_view prefix);
  result<void> list(const image_state& state, index_entry& entry);
  result<void> write_segments();
  result<void> write_totals();

  write_transaction* txn_;
  geocode_algorithm algorithm_;
  const flawed_keys* flawed_;
  scene_records scene_records_;
  /// By scene and what else stands in them: the images of a commit mostly share one.
  std::map<std::string, row_layout_ptr> layouts_;
  interned_names numbers_;
  stored_names names_;
  std::map<uint32_t, segment_change> segments_;
  /// Of images in the tables, those with a lost chip included (effects.images are visible ones).
  int64_t complete_images_ = 0;
};

}  // namespace stip

#pragma once

#include <map>
#include <optional>
#include <vector>

#include "libstip/catalog/rows.hpp"
#include "libstip/raster/scene.hpp"
#include "libstip/store/commit.hpp"

namespace stip {

/// Appends every visible image, sorted by platform, geocode, time, source and tile.
result<void> scan_images(const transaction& txn, geocode_algorithm algorithm, const lost_keys& lost,
                         std::vector<index_entry>& entries);

/// Reads images one by one within a transaction; scene records are decoded once.
class row_reader {
 public:
  row_reader(const transaction& txn, geocode_algorithm algorithm, const lost_keys& lost)
      : txn_(&txn), algorithm_(algorithm), lost_(&lost), names_(txn) {}

  /// The chips of an image by subdataset; none if it is not visible.
  result<std::vector<chip_record>> chips(const image_key& key);

  /// The image's row, without nodes; nothing if it is not visible.
  result<std::optional<image_row>> row(const image_key& key);

 private:
  /// Null: the record is not there or cannot be read; rows then do without what it says.
  result<const scene_description*> scene(const hash128& id);

  const transaction* txn_;
  geocode_algorithm algorithm_;
  const lost_keys* lost_;
  stored_names names_;
  std::map<hash128, std::optional<scene_description>> scenes_;
};

}  // namespace stip

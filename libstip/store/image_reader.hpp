#pragma once

#include <optional>
#include <vector>

#include "libstip/catalog/index_builder.hpp"
#include "libstip/catalog/rows.hpp"
#include "libstip/store/commit.hpp"
#include "libstip/store/scene_records.hpp"

namespace stip {

/// Adds every visible image, sorted but for images of one cell and time.
result<void> scan_images(const transaction& txn, const lost_keys& lost, index_builder& images);

/// Reads images one by one within a transaction; scene records are decoded once.
class row_reader {
 public:
  row_reader(const transaction& txn, geocode_algorithm algorithm, const lost_keys& lost)
      : txn_(&txn), algorithm_(algorithm), lost_(&lost), names_(txn), scenes_(txn) {}

  /// The chips of an image by subdataset; none if it is not visible.
  result<std::vector<chip_record>> chips(const image_key& key);

  /// The image's row, without nodes; nothing if it is not visible.
  result<std::optional<image_row>> row(const image_key& key);

 private:
  const transaction* txn_;
  geocode_algorithm algorithm_;
  const lost_keys* lost_;
  stored_names names_;
  scene_records scenes_;
};

}  // namespace stip

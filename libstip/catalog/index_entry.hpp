#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libstip/catalog/filter.hpp"
#include "libstip/catalog/row_layout.hpp"

namespace stip {

/// One visible image, as the index takes it in: what filters look at, and what listings show.
struct index_entry {
  image_key key;
  /// Of the image: what row_layout and chips give, where they are there.
  float pixel_coverage = 0;
  /// Negative: unknown.
  float cloud_coverage = -1;
  /// Null, or one with as many subdatasets as there are chips.
  row_layout_ptr layout;
  std::vector<listed_chip> chips;

  bool operator==(const index_entry& other) const {
    return key == other.key && pixel_coverage == other.pixel_coverage &&
           cloud_coverage == other.cloud_coverage && chips == other.chips &&
           (layout == other.layout || (layout && other.layout && *layout == *other.layout));
  }
  image_facts facts() const {
    return {key, pixel_coverage,
            cloud_coverage < 0 ? std::nullopt : std::optional<double>(cloud_coverage)};
  }
};

struct index_change {
  enum class kind : uint8_t { put, erase };
  kind what = kind::put;
  index_entry entry;
};

}  // namespace stip

#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libstip/catalog/index_columns.hpp"

namespace stip {

/// Numbers names in the order of their first use.
class name_collector {
 public:
  uint32_t number(std::string_view name);

  /// The names sorted, and the place of each number among them.
  name_table table(std::vector<uint32_t>& places) const;

 private:
  // A deque, since the map's keys point into its texts.
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, uint32_t> numbers_;
};

/// Makes the columns of an index, image by image and without a text for each: names and layouts are
/// given once, and images name their numbers. Fastest when images come sorted by platform, geocode
/// and time.
class index_builder {
 public:
  explicit index_builder(geocode_algorithm algorithm);

  void reserve(size_t images, size_t chips);

  uint32_t platform(std::string_view name) { return platforms_.number(name); }
  uint32_t source(std::string_view name) { return sources_.number(name); }
  uint32_t tile(std::string_view name) { return tiles_.number(name); }
  /// Of equal layouts, however often they are made, one is kept.
  uint32_t layout(const row_layout_ptr& layout);

  struct image {
    uint32_t platform = 0, source = 0, tile = 0;
    /// 0: an image without chips.
    uint32_t layout = 0;
    uint64_t geocode = 0;
    epoch_seconds time = 0;
    float pixel_coverage = 0;
    /// Negative: unknown.
    float cloud_coverage = -1;
  };

  /// `chips`: as many as the layout has. Of images with equal keys the last counts.
  void add(const image& added, std::span<const listed_chip> chips);

  /// False when its geocode is no code of the algorithm.
  bool add(const index_entry& entry);

  /// The columns; and when asked for, the place in the order of adding that each row came from.
  index_columns finish(std::vector<uint32_t>* origins = nullptr) &&;

 private:
  geocode_algorithm algorithm_;
  name_collector platforms_, sources_, tiles_;
  std::unordered_map<std::string_view, std::vector<uint32_t>> layout_numbers_;
  index_columns columns_;
};

}  // namespace stip

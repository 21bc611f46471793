#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "libstip/catalog/index_query.hpp"
#include "libstip/catalog/index_scan.hpp"

// The order of the rows that a query finds: the same as `before` has of images (rows.hpp), by the
// numbers of a level's columns. Nothing but the queries includes this.

namespace stip {

/// An integer that orders as the float does (-0 as 0).
inline uint64_t ordered(float value) {
  const auto bits = std::bit_cast<uint32_t>(value + 0.0f);
  constexpr uint32_t sign = uint32_t{1} << 31;
  return bits & sign ? ~bits : bits | sign;
}

inline uint64_t ordered_cloud(float cloud) {
  return ordered(cloud < 0 ? INFINITY : cloud);
}

/// An integer that orders as the time does.
inline uint64_t ordered(int64_t time) {
  return static_cast<uint64_t>(time) ^ uint64_t { 1 } << 63;
}

/// Names stand for themselves as name_table::place does, so that a key that is not there has a
/// place too.
inline uint64_t place_of(uint32_t name) {
  return 2 * uint64_t{name} + 1;
}

/// The integer that a row of a level is sorted by first.
inline uint64_t lead_of(const index_columns& c, sort_field order, uint32_t row) {
  switch (order) {
    case sort_field::timestamp:
      return ordered(c.time[row]);
    case sort_field::geocode:
      return c.geocode[row];
    case sort_field::platform:
    case sort_field::key:
      return place_of(c.platform[row]);
    case sort_field::source:
      return place_of(c.source[row]);
    case sort_field::tile:
      return place_of(c.tile[row]);
    case sort_field::pixel_coverage:
      return ordered(c.pixel_coverage[row]);
    case sort_field::cloud_coverage:
      return ordered_cloud(c.cloud_coverage[row]);
  }
  return 0;
}

/// Of two rows of a level with the same lead: which comes first?
inline bool ties_before(const index_columns& c, sort_field order, uint32_t a, uint32_t b) {
  if (order == sort_field::key)
    return std::tie(c.geocode[a], c.source[a], c.tile[a], c.time[a]) <
           std::tie(c.geocode[b], c.source[b], c.tile[b], c.time[b]);
  // Of one time and cell, rows stand in the order of platform, source and tile.
  return std::tie(c.time[a], c.geocode[a], a) < std::tie(c.time[b], c.geocode[b], b);
}

/// Which of two rows of a level comes first?
inline bool before_in_level(const index_columns& c, sort_field order, const found_row& a,
                            const found_row& b) {
  return a.lead != b.lead ? a.lead < b.lead : ties_before(c, order, a.row, b.row);
}

/// As `before`, of rows of any levels.
bool before_in_levels(std::span<const index_level> levels, sort_field order, const found_row& a,
                      const found_row& b);

/// Sorts rows of a level.
void sort_rows(const index_columns& c, sort_field order, std::vector<found_row>& rows);

/// Which rows come after an image, which need not be there.
class resume_point {
 public:
  /// Without an image, all rows do. Keeps references to the columns and the image.
  resume_point(const index_columns& c, sort_field order, const std::optional<image_facts>& after);

  /// Does the row come after the image? `lead` is the row's.
  bool precedes(uint32_t row, uint64_t lead) const {
    if (!after_) return true;
    if (!is_placed_) {
      const auto cloud = c_.cloud_coverage[row];
      const image_facts facts{c_.key(row), c_.pixel_coverage[row],
                              cloud < 0 ? std::nullopt : std::optional<double>(cloud)};
      return before(order_, *after_, facts);
    }
    if (lead != lead_) return lead_ < lead;
    const auto platform = place_of(c_.platform[row]), source = place_of(c_.source[row]),
               tile = place_of(c_.tile[row]);
    if (order_ == sort_field::key)
      return std::tie(geocode_, source_, tile_, time_) <
             std::tie(c_.geocode[row], source, tile, c_.time[row]);
    return std::tie(time_, geocode_, platform_, source_, tile_) <
           std::tie(c_.time[row], c_.geocode[row], platform, source, tile);
  }

  /// Leaves the rows of a range that may come after it.
  row_range narrow(row_range rows) const;

 private:
  const index_columns& c_;
  sort_field order_;
  const std::optional<image_facts>& after_;
  bool is_placed_ = false;
  uint64_t lead_ = 0;
  int64_t time_ = 0;
  uint64_t geocode_ = 0, platform_ = 0, source_ = 0, tile_ = 0;
};

}  // namespace stip

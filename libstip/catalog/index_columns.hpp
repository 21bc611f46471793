#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libstip/catalog/hidden_rows.hpp"
#include "libstip/catalog/index_entry.hpp"
#include "libstip/catalog/name_table.hpp"
#include "libstip/geo/geocode.hpp"

// The columns of an image_index; nothing else includes this, but what builds one.

namespace stip {

/// No row of a level.
inline constexpr uint32_t no_row = UINT32_MAX;

/// Images in columns, sorted by platform, geocode, time, source and tile, without duplicates.
/// Fewer than no_row of them, and of their chips.
struct index_columns {
  geocode_algorithm algorithm = geocode_algorithm::geohash;
  name_table platforms, sources, tiles;
  /// Distinct. The first is what images without chips have.
  std::vector<row_layout_ptr> layouts;

  std::vector<uint32_t> platform, source, tile, layout;
  /// See stip::pack: sorts as the codes do.
  std::vector<uint64_t> geocode;
  std::vector<int64_t> time;
  std::vector<float> pixel_coverage;
  /// -1: unknown.
  std::vector<float> cloud_coverage;
  /// The first of the image's chips; there are as many as its layout has.
  std::vector<uint32_t> first_chip;
  /// Not in columns: no filter looks at them, and a row of a page takes all of each.
  std::vector<listed_chip> chips;
  /// The rows in the default order of listings: time, geocode, then as they stand. Empty when there
  /// are few rows.
  std::vector<uint32_t> by_time;

  /// Room for so many images and chips.
  void reserve(size_t rows, size_t chip_rows);
  size_t size() const { return time.size(); }
  size_t chip_count(size_t row) const { return layouts[layout[row]]->chips(); }
  index_entry entry(uint32_t row) const;
  image_key key(uint32_t row) const;
  /// What a listing shows: of the image's chips where it has some.
  double exact_pixel_coverage(uint32_t row) const;
  size_t memory_bytes() const;
};

/// Two levels in one, without the rows that are hidden and the names and layouts that are no longer
/// used. No image may be visible in both.
index_columns merge(const index_columns& a, const hidden_rows& hidden_a, const index_columns& b,
                    const hidden_rows& hidden_b);

/// The row of each image of `wanted` in `in`, or no_row.
std::vector<uint32_t> find_rows(const index_columns& wanted, const index_columns& in);

/// Fills in by_time.
void sort_by_time(index_columns& columns);

/// Where a name stands among the names of another table: name_table::place of each.
std::vector<uint64_t> places_in(const name_table& names, const name_table& in);

}  // namespace stip

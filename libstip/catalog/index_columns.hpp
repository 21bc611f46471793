#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/index.hpp"

// The columns of an image_index; nothing else includes this.

namespace stip {

/// Sorted distinct names in one buffer; the number of a name is its place in the order.
class name_table {
 public:
  size_t size() const { return ends_.size(); }
  std::string_view operator[](size_t i) const {
    const auto begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }

  /// The number of the first name that is not before `name`; size() when all are.
  uint32_t lower_bound(std::string_view name) const;

  /// Where `name` stands among the numbers: 2 i + 1 if it is name i, 2 i if it would stand before
  /// name i. So that of two names, in the table or not, the order is that of their places.
  uint64_t place(std::string_view name) const;

  /// Appends a name, which must be after all others.
  void append(std::string_view name);

  /// The union of two tables, and the new number of each old one.
  static name_table merge(const name_table& a, const name_table& b, std::vector<uint32_t>& new_a,
                          std::vector<uint32_t>& new_b);

 private:
  std::string bytes_;
  std::vector<uint64_t> ends_;
};

/// No row of a base.
inline constexpr uint32_t no_row = UINT32_MAX;

/// Images in columns, sorted by platform, geocode, time, source and tile, without duplicates.
/// Fewer than no_row of them.
struct index_columns {
  geocode_algorithm algorithm = geocode_algorithm::geohash;
  name_table platforms, sources, tiles;

  std::vector<uint32_t> platform, source, tile;
  /// See stip::pack: sorts as the codes do.
  std::vector<uint64_t> geocode;
  std::vector<int64_t> time;
  std::vector<float> pixel_coverage;
  /// -1: unknown.
  std::vector<float> cloud_coverage;
  /// Of a delta, else empty: 1 hides the image.
  std::vector<uint8_t> erased;
  /// Of a delta, else empty: the row of the base with the same key, or no_row.
  std::vector<uint32_t> base_row;

  size_t size() const { return time.size(); }
  bool is_erased(size_t row) const { return !erased.empty() && erased[row] != 0; }
  index_entry entry(uint32_t row) const;
};

/// The delta of these changes: sorted, of equal keys the last, all with no_row. Changes whose
/// geocode is no code of the algorithm are left out.
index_columns make_delta(geocode_algorithm algorithm, std::span<const index_change> changes);

/// A base of these entries; else as make_delta.
index_columns make_base(geocode_algorithm algorithm, std::span<const index_entry> entries);

/// Two deltas in one; of equal keys the newer counts. Erasures of what is in no base are left out.
index_columns merge_deltas(const index_columns& older, const index_columns& newer);

/// A base with a delta applied; names that are no longer used are dropped.
index_columns merge_into_base(const index_columns& base, const index_columns& delta);

/// Looks up each row of a delta in the base and fills in base_row.
void find_in_base(index_columns& delta, const index_columns& base);

}  // namespace stip

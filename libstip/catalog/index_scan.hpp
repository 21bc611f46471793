#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "libstip/catalog/index_query.hpp"

// The rows of one level that match a filter; nothing but the queries includes this.

namespace stip {

/// Rows that are tested together.
inline constexpr uint32_t scan_batch_rows = 4096;

/// Rows of one platform, first to last (exclusive).
struct row_range {
  uint32_t first = 0;
  uint32_t last = 0;
};

/// The conditions of a filter that are tested row by row, as numbers of a level's columns.
class row_conditions {
 public:
  /// Nothing when no row of the level can match.
  static std::optional<row_conditions> of(const index_columns& c, const filter& f);

  /// Writes those of rows first to last (exclusive) that match, ascending; how many.
  size_t test(const index_columns& c, uint32_t first, uint32_t last, uint32_t* matching) const;

  bool test(const index_columns& c, uint32_t row) const;

 private:
  std::optional<std::pair<int64_t, int64_t>> time_;
  std::optional<uint32_t> source_, tile_;
  std::optional<float> most_cloud_, least_pixel_;
};

/// The ranges of rows, ascending and one a platform at most, in which the filter's platforms and
/// geocodes lie.
std::vector<row_range> ranges_of(const index_columns& c, const filter& f);

/// Drops what is hidden, outside of the box or of the cells.
class row_sieve {
 public:
  row_sieve(const index_level& level, const filter& f, const cell_predicate& cells)
      : level_(level), box_(f.bbox), cells_(cells) {}

  size_t sift(std::span<uint32_t> rows) {
    if (level_.hidden.empty() && !box_ && !cells_) return rows.size();
    size_t kept = 0;
    for (const auto row : rows)
      if (admits(row)) rows[kept++] = row;
    return kept;
  }

  bool admits(uint32_t row) {
    return !(!level_.hidden.empty() && level_.hidden.contains(row)) &&
           admits_cell(level_.columns->geocode[row]);
  }

 private:
  bool admits_cell(uint64_t code);

  const index_level& level_;
  const std::optional<lon_lat_box>& box_;
  const cell_predicate& cells_;
  // No code packs to 0.
  uint64_t last_code_ = 0;
  bool last_admitted_ = false;
};

/// The row of a filter that names one image, if it matches.
std::optional<uint32_t> row_of_key(const index_level& level, const filter& f);

/// Hands the rows of one range that match to `found(rows)`, batch by batch, ascending, until it
/// returns false; it is given the number of the row that comes next, too. The first batch has
/// `first_batch` rows, later ones up to scan_batch_rows.
template <class Found>
void scan_range(const index_columns& c, const row_range& range, const row_conditions& wanted,
                row_sieve& sieve, std::vector<uint32_t>& batch, Found&& found,
                uint32_t first_batch = scan_batch_rows) {
  batch.resize(scan_batch_rows);
  auto size = first_batch;
  for (auto first = range.first; first < range.last;) {
    const auto last = first + std::min(size, range.last - first);
    size = std::min(2 * size, scan_batch_rows);
    auto n = wanted.test(c, first, last, batch.data());
    n = sieve.sift(std::span(batch).first(n));
    if (!found(std::span<const uint32_t>(batch).first(n), last)) return;
    first = last;
  }
}

/// Hands all rows that match to `found(rows)`, in batches, ascending.
template <class Found>
void scan(const index_level& level, const filter& f, const cell_predicate& cells, Found&& found) {
  if (f.key) {
    if (const auto row = row_of_key(level, f)) {
      std::array<uint32_t, 1> one{*row};
      row_sieve sieve(level, f, cells);
      if (sieve.sift(one) == 1) found(std::span<const uint32_t>(one));
    }
    return;
  }
  const auto& c = *level.columns;
  const auto wanted = row_conditions::of(c, f);
  if (!wanted) return;
  row_sieve sieve(level, f, cells);
  std::vector<uint32_t> batch;
  for (const auto& range : ranges_of(c, f))
    scan_range(c, range, *wanted, sieve, batch, [&](std::span<const uint32_t> rows, uint32_t) {
      if (!rows.empty()) found(rows);
      return true;
    });
}

}  // namespace stip

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "libstip/catalog/index_columns.hpp"
#include "libstip/catalog/rows.hpp"

// How one level of an image_index answers; nothing else includes this.

namespace stip {

/// Chooses cells by their geocode; an empty one takes all. Asked once for each run of equal codes.
using cell_predicate = std::function<bool(std::string_view geocode)>;

/// The images of one level, and which of them are replaced or erased.
struct index_level {
  std::shared_ptr<const index_columns> columns;
  hidden_rows hidden;

  size_t visible() const { return columns->size() - hidden.count(); }
};

/// A row that was found, and the integer that it is sorted by first (within its level).
struct found_row {
  uint64_t lead = 0;
  uint32_t row = 0;
  uint32_t level = 0;
};

/// Counts the rows that match.
uint64_t count_rows(const index_level& level, const filter& f, const cell_predicate& cells);

/// The first `limit` rows that match, in this order, strictly after `after`; sorted.
std::vector<found_row> first_rows(const index_level& level, uint32_t number, const filter& f,
                                  sort_field order, size_t limit,
                                  const std::optional<image_facts>& after);

/// Merges what levels have found, each in order, into the first `limit` of all.
std::vector<found_row> merge_found(std::span<const index_level> levels,
                                   std::vector<std::vector<found_row>> found, sort_field order,
                                   size_t limit);

/// Counts as image_index::extents, in no order.
std::vector<extent_row> count_extents(const index_level& level, const filter& f,
                                      const cell_predicate& cells);

/// How many rows a query has to look at one by one, about.
size_t candidate_rows(const index_level& level, const filter& f);

}  // namespace stip

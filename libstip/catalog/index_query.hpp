#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "libstip/catalog/index_columns.hpp"

// How the columns of an image_index answer; nothing else includes this.

namespace stip {

/// Takes rows that match, in ascending order.
using row_sink = std::function<void(std::span<const uint32_t> rows)>;

/// Hands the rows that match and are not hidden to `found`, in batches. `hidden` is sorted; erased
/// rows never match.
void scan(const index_columns& columns, std::span<const uint32_t> hidden, const filter& f,
          const cell_predicate& cells, const row_sink& found);

/// The first `limit` rows that match, in this order, strictly after `after`.
std::vector<index_entry> first_rows(const index_columns& columns, std::span<const uint32_t> hidden,
                                    const filter& f, sort_field order, size_t limit,
                                    const std::optional<image_facts>& after);

/// Counts as image_index::extents, in no order.
std::vector<extent_row> count_extents(const index_columns& columns,
                                      std::span<const uint32_t> hidden, const filter& f,
                                      const cell_predicate& cells);

}  // namespace stip

#pragma once

#include <span>
#include <string_view>

#include "libstip/catalog/index.hpp"

namespace stip {

/// The rows that were found, in their order, as one packed buffer: as many as fit into `most_bytes`
/// (one at least). `more` is left to the caller.
found_page pack_page(std::span<const index_level> levels, std::span<const found_row> found,
                     size_t most_bytes, std::string_view node);

}  // namespace stip

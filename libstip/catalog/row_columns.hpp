#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/row_layout.hpp"
#include "libstip/core/error.hpp"

// A page of image rows as columns, between the index, the packed buffer and image_row.

namespace stip {

/// Rows of images by column. Texts, layouts and sets of nodes are kept once and are numbers in the
/// columns. The views point into whatever filled it.
struct row_columns {
  std::vector<std::string_view> texts;
  /// Forms of row_layout.
  std::vector<std::string_view> layouts;
  /// Numbers of texts.
  std::vector<std::vector<uint32_t>> node_sets;

  /// Numbers of texts, layouts and node sets, one a row.
  std::vector<uint32_t> platform, source, tile, layout, nodes;
  /// All geocodes in one text, and the bytes of each.
  std::string geocodes;
  std::vector<uint8_t> geocode_bytes;
  std::vector<int64_t> time;
  /// -1: unknown cloud coverage.
  std::vector<double> pixel_coverage, cloud_coverage;
  /// As many for each row as its layout has subdatasets.
  std::vector<listed_chip> chips;

  size_t size() const { return time.size(); }
  void reserve(size_t rows);
};

/// The packed buffer (layout in row_columns.cpp).
std::string pack(const row_columns& rows);

/// Reads a buffer; the views point into it. Checks that every number is in its table, every
/// coverage a share, every time one of a key, and that there are as many chips as the layouts say;
/// not what stands inside of the layouts. Errors: malformed.
result<row_columns> unpack_rows(std::string_view bytes);

/// What the form of a layout begins with: how many chips a row has, and when it was written.
struct layout_head {
  size_t chips = 0;
  version written;
};
/// No chips for what is no layout.
layout_head head_of_layout(std::string_view form);

/// Bytes that a row takes in the buffer besides its texts, layout and chips, and bytes of a chip.
inline constexpr size_t packed_row_bytes = 5 * sizeof(uint32_t) + 1 + 3 * sizeof(uint64_t);
inline constexpr size_t packed_chip_bytes = sizeof(listed_chip);

}  // namespace stip

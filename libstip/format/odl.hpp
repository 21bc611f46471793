#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip {

/// A group or object of a text in the Object Description Language, as HDF-EOS files describe their
/// structure with it (PDS Standards Reference, chapter 12; HDF-EOS Interface, StructMetadata):
///
///     GROUP=GRID_1
///       GridName="VIIRS_Grid_500m_2D"
///       XDim=2400
///       GROUP=DataField
///         OBJECT=DataField_1
///         ...
///         END_OBJECT=DataField_1
///       END_GROUP=DataField
///     END_GROUP=GRID_1
struct odl_node {
  std::string name;
  /// Values as they stand there, without quotation marks; a list has several.
  std::vector<std::pair<std::string, std::vector<std::string>>> values;
  std::vector<odl_node> children;

  /// The child of that name; null when there is none.
  const odl_node* child(std::string_view wanted) const noexcept;
  /// The first value of that name, empty when there is none; all of them.
  std::string value(std::string_view wanted) const;
  std::vector<std::string> list(std::string_view wanted) const;
};

/// Bounds of a text: bytes, depth, and nodes and values together.
inline constexpr size_t max_odl_bytes = size_t{4} << 20;
inline constexpr size_t max_odl_depth = 16;
inline constexpr size_t max_odl_items = 200'000;

/// The root, without a name. Text after END, and after a byte 0, does not count; blanks around
/// names and values do not either. Errors: malformed, with the line; limit_exceeded.
result<odl_node> parse_odl(std::string_view text);

}  // namespace stip

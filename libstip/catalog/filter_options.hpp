#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "libstip/catalog/filter.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// One option of the filter, as every command that takes a filter offers it.
struct filter_option {
  /// Long name without dashes, e.g. "start_timestamp".
  std::string_view name;
  /// Short name, or '\0'.
  char short_name;
  /// Whether a value follows; else its presence says all.
  bool takes_value;
  std::string_view help;
};

/// The options in the order of the manual. The names are a contract with users' scripts.
std::span<const filter_option> filter_options();

/// The filter of these values, by long name; an option without a value has an empty one (or
/// "true", "false"). "sort" is checked and left to parse_order. The geocode's alphabet is not
/// checked, since it depends on the album (see check). Errors: invalid_argument, which names the
/// option; unknown names too.
result<filter> parse_filter(const std::map<std::string, std::string>& values);

/// The order that the value of "sort" asks for; sort_field::timestamp without one.
result<sort_field> parse_order(const std::map<std::string, std::string>& values);

/// "W,S,E,N" in degrees. Errors: invalid_argument.
result<lon_lat_box> parse_box(std::string_view text);

}  // namespace stip

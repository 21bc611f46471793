#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libstip/core/error.hpp"
#include "libstip/core/time.hpp"

// What the name of an input says of it.

namespace stip {

/// The last part of a path, "/vsi" names included.
std::string_view file_name(std::string_view path);

/// The tile of an input: its file name without the extensions of raster files and archives, each
/// taken off once ("a.b.tif" is "a.b", "a.tif.gz" is "a").
std::string tile_of(std::string_view input);

/// The first date in a file's name: YYYYMMDD, YYYYMMDDTHHMMSS or YYYY-MM-DD, not preceded or
/// followed by a digit, that is in the calendar and in the years of satellite images.
std::optional<epoch_seconds> date_in_name(std::string_view name);

/// TIFF 6.0's DateTime, "YYYY:MM:DD HH:MM:SS", taken as UTC.
std::optional<epoch_seconds> parse_tiff_date(std::string_view text);

/// Checks a part of a key that came from a file or a user: not empty, at most
/// defaults::max_name_bytes of UTF-8 without control characters.
/// `part` names it ("platform", "tile"). Errors: invalid_argument.
result<void> check_name(std::string_view part, std::string_view value, const std::string& input);

}  // namespace stip

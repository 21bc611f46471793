#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libstip/core/error.hpp"

namespace stip {

/// Seconds since 1970-01-01T00:00:00Z, proleptic Gregorian calendar, no leap seconds.
using epoch_seconds = int64_t;

/// Years that a timestamp may have; four digits keep keys of one length.
inline constexpr int min_year = 1;
inline constexpr int max_year = 9999;

/// "20200714T180211Z", as in an image's key.
std::string to_compact(epoch_seconds time);

/// "2020-07-14T18:02:11Z", as in JSON and tables.
std::string to_iso8601(epoch_seconds time);

/// Reads epoch seconds ("1594749731", also negative) or ISO 8601 in UTC: "2020", "2020-07",
/// "2020-07-14", "20200714", "2020-07-14T18:02", "2020-07-14T18:02:11[.fff][Z|+hh:mm]",
/// "20200714T180211Z"; a blank may stand for the T. Exactly eight digits are a date; other
/// plain integers are epoch seconds. Errors: invalid_argument.
result<epoch_seconds> parse_time(std::string_view text);

/// The instant of a UTC calendar date and time; errors: invalid_argument when out of range.
result<epoch_seconds> from_civil(int year, int month, int day, int hour = 0, int minute = 0,
                                 int second = 0);

}  // namespace stip

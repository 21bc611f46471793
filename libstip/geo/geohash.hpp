#pragma once

#include <string>
#include <string_view>

#include "libstip/core/error.hpp"
#include "libstip/geo/axis.hpp"
#include "libstip/geo/geocode.hpp"

/// Geohash: EPSG:4326 halved alternately by longitude and latitude, five halvings a character
/// (G. Niemeyer, geohash.org). Columns count from west, rows from south.
namespace stip::geohash {

/// The columns of a precision (1 to 12): 2^ceil(5 p / 2) pieces of [-180, 180).
axis longitudes(int precision) noexcept;

/// The rows of a precision: 2^floor(5 p / 2) pieces of [-90, 90].
axis latitudes(int precision) noexcept;

/// The code of a cell by its column and row, which must be within the axes' counts.
std::string code(int64_t column, int64_t row, int precision);

/// The packed code (see stip::pack) of a cell by its column and row.
uint64_t packed(int64_t column, int64_t row, int precision) noexcept;

/// Column and row of a code that has passed check_geocode.
std::pair<int64_t, int64_t> index(std::string_view code) noexcept;

/// The code of the cell that holds a place. Longitudes wrap (180 is -180), latitude 90 joins the
/// top row; ec::invalid_argument beyond +-90, for a value that is not finite or a bad precision.
result<std::string> encode(lon_lat place, int precision);

/// The cell of a code in degrees, exact.
result<bounds> decode(std::string_view code);

}  // namespace stip::geohash

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libstip/core/error.hpp"
#include "libstip/geo/axis.hpp"
#include "libstip/geo/geocode.hpp"

/// Quadtile: the square of EPSG:3857 quartered once a character (Microsoft, "Bing Maps Tile
/// System": the quadkey). Columns count from west and rows, unlike Bing's, from south.
namespace stip::quadtile {

/// Half the side of the square in metres: pi times 6378137.
inline constexpr double half_side = 20037508.342789244;

/// The latitude of the square's north edge in degrees, the double next to atan(sinh(pi)); nothing
/// beyond has a code. (The other spelling in use, 85.05112877980659, is one step below.)
inline constexpr double max_latitude = 85.0511287798066;

/// The columns, and as the square has equal sides the rows, of a precision (1 to 29), in metres.
axis metres(int precision) noexcept;

/// Easting in metres, EPSG:3857, of a longitude in degrees (finite; wraps, 180 is -180). At every
/// precision the result lies in the column whose edges in degrees enclose the longitude.
double mercator_x(double lon) noexcept;

/// Northing in metres, EPSG:3857, of a latitude in degrees; nullopt beyond +-max_latitude or NaN.
/// At every precision the result lies in the row whose edges in degrees enclose the latitude.
std::optional<double> mercator_y(double lat) noexcept;

/// Latitude in degrees of a northing in metres, EPSG:3857.
double latitude_of(double y) noexcept;

/// The code of a cell by its column and row (from south), which must be within the square.
std::string code(int64_t column, int64_t row, int precision);

/// The packed code (see stip::pack) of a cell by its column and row.
uint64_t packed(int64_t column, int64_t row, int precision) noexcept;

/// Column and row (from south) of a code that has passed check_geocode.
std::pair<int64_t, int64_t> index(std::string_view code) noexcept;

/// The code of the cell that holds a place. Longitudes wrap (180 is -180), the north edge of the
/// square joins the top row; ec::invalid_argument beyond +-max_latitude, for a value that is not
/// finite or a bad precision.
result<std::string> encode(lon_lat place, int precision);

/// The cell of a code in degrees. A place is within these bounds exactly when encode gives it
/// this code (or one below it).
result<bounds> decode(std::string_view code);

}  // namespace stip::quadtile

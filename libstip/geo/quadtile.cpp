#include "libstip/geo/quadtile.hpp"

#include <numbers>

namespace stip::quadtile {

namespace {

constexpr auto algorithm = geocode_algorithm::quadtile;
constexpr int deepest = 29;
constexpr double radius = 6378137.0;
constexpr double degree = std::numbers::pi / 180.0;

/// y moved, by rounding errors at most, into piece i of the deepest axis.
double into_piece(const axis& line, int64_t i, double v) {
  return std::clamp(v, line.edge(i), std::nextafter(line.edge(i + 1), -HUGE_VAL));
}

}  // namespace

axis metres(int precision) noexcept {
  return {half_side, precision};
}

double mercator_x(double lon) noexcept {
  const axis degrees{180.0, deepest};
  lon = degrees.wrap(lon);
  return into_piece(metres(deepest), degrees.unbounded_index(lon), half_side * (lon / 180.0));
}

std::optional<double> mercator_y(double lat) noexcept {
  if (!(std::abs(lat) <= max_latitude)) return std::nullopt;
  const axis line = metres(deepest);
  const double y = std::clamp(radius * std::asinh(std::tan(lat * degree)), -half_side, half_side);
  int64_t row = std::min(line.unbounded_index(y), line.count() - 1);
  // The edges in degrees decide, so that encode and decode agree to the last bit.
  while (row > 0 && lat < latitude_of(line.edge(row))) --row;
  while (row + 1 < line.count() && lat >= latitude_of(line.edge(row + 1))) ++row;
  return into_piece(line, row, y);
}

double latitude_of(double y) noexcept {
  if (std::abs(y) == half_side) return std::copysign(max_latitude, y);
  return std::atan(std::sinh(y / radius)) / degree;
}

uint64_t packed(int64_t column, int64_t row, int precision) noexcept {
  uint64_t digits = 0;
  for (int bit = precision - 1; bit >= 0; --bit) {
    const auto east = static_cast<uint64_t>(column >> bit & 1);
    const auto north = static_cast<uint64_t>(row >> bit & 1);
    digits = digits << 2 | (1 - north) << 1 | east;
  }
  return digits << (64 - 2 * precision) | static_cast<uint64_t>(precision);
}

std::string code(int64_t column, int64_t row, int precision) {
  return unpack(algorithm, packed(column, row, precision));
}

std::pair<int64_t, int64_t> index(std::string_view code) noexcept {
  int64_t column = 0;
  int64_t row = 0;
  for (const char c : code) {
    const int digit = digit_value(algorithm, c);
    column = column << 1 | (digit & 1);
    row = row << 1 | (1 - (digit >> 1 & 1));
  }
  return {column, row};
}

result<std::string> encode(lon_lat place, int precision) {
  STIP_TRY(check_precision(algorithm, precision));
  const auto y = mercator_y(place.lat);
  if (!std::isfinite(place.lon) || !y)
    return fail(ec::invalid_argument,
                "quadtile of " + std::to_string(place.lon) + ", " + std::to_string(place.lat),
                "the place is outside of the square of EPSG:3857",
                "give longitude, latitude in degrees, latitude within +-85.0511");
  const axis line = metres(precision);
  return code(line.unbounded_index(mercator_x(place.lon)), line.unbounded_index(*y), precision);
}

result<bounds> decode(std::string_view code) {
  STIP_TRY(check_geocode(algorithm, code));
  const int precision = static_cast<int>(code.size());
  const axis degrees{180.0, precision};
  const axis line = metres(precision);
  const auto [column, row] = index(code);
  return bounds{degrees.edge(column), latitude_of(line.edge(row)), degrees.edge(column + 1),
                latitude_of(line.edge(row + 1))};
}

}  // namespace stip::quadtile

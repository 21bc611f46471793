#include "libstip/geo/geohash.hpp"

namespace stip::geohash {

namespace {

constexpr auto algorithm = geocode_algorithm::geohash;

}  // namespace

axis longitudes(int precision) noexcept {
  return {180.0, (5 * precision + 1) / 2};
}

axis latitudes(int precision) noexcept {
  return {90.0, 5 * precision / 2};
}

uint64_t packed(int64_t column, int64_t row, int precision) noexcept {
  int column_bit = longitudes(precision).bits - 1;
  int row_bit = latitudes(precision).bits - 1;
  uint64_t digits = 0;
  for (int i = 0; i < 5 * precision; ++i) {
    const int64_t bit = i % 2 == 0 ? column >> column_bit-- : row >> row_bit--;
    digits = digits << 1 | static_cast<uint64_t>(bit & 1);
  }
  return digits << (64 - 5 * precision) | static_cast<uint64_t>(precision);
}

std::string code(int64_t column, int64_t row, int precision) {
  return unpack(algorithm, packed(column, row, precision));
}

std::pair<int64_t, int64_t> index(std::string_view code) noexcept {
  int64_t column = 0;
  int64_t row = 0;
  bool of_column = true;
  for (const char c : code) {
    const int digit = digit_value(algorithm, c);
    for (int i = 4; i >= 0; --i) {
      int64_t& index = of_column ? column : row;
      index = index << 1 | (digit >> i & 1);
      of_column = !of_column;
    }
  }
  return {column, row};
}

result<std::string> encode(lon_lat place, int precision) {
  STIP_TRY(check_precision(algorithm, precision));
  if (!std::isfinite(place.lon) || !(std::abs(place.lat) <= 90.0))
    return fail(ec::invalid_argument,
                "geohash of " + std::to_string(place.lon) + ", " + std::to_string(place.lat),
                "no such place", "give longitude, latitude in degrees, latitude within +-90");
  const axis lon = longitudes(precision);
  const axis lat = latitudes(precision);
  return code(lon.unbounded_index(lon.wrap(place.lon)),
              std::min(lat.unbounded_index(place.lat), lat.count() - 1), precision);
}

result<bounds> decode(std::string_view code) {
  STIP_TRY(check_geocode(algorithm, code));
  const int precision = static_cast<int>(code.size());
  const axis lon = longitudes(precision);
  const axis lat = latitudes(precision);
  const auto [column, row] = index(code);
  return bounds{lon.edge(column), lat.edge(row), lon.edge(column + 1), lat.edge(row + 1)};
}

}  // namespace stip::geohash

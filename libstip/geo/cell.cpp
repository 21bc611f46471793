#include "libstip/geo/cell.hpp"

#include "libstip/geo/geohash.hpp"
#include "libstip/geo/quadtile.hpp"

namespace stip {

namespace {

constexpr bool is_geohash(geocode_algorithm algorithm) {
  return algorithm == geocode_algorithm::geohash;
}

}  // namespace

result<std::string> encode(geocode_algorithm algorithm, lon_lat place, int precision) {
  return is_geohash(algorithm) ? geohash::encode(place, precision)
                               : quadtile::encode(place, precision);
}

result<bounds> decode(geocode_algorithm algorithm, std::string_view code) {
  return is_geohash(algorithm) ? geohash::decode(code) : quadtile::decode(code);
}

result<bounds> projected_bounds(geocode_algorithm algorithm, std::string_view code) {
  STIP_ASSIGN(const auto found, cell_grid::of_code(algorithm, code));
  return found.first.cell_bounds(found.second);
}

std::optional<std::string> parent(std::string_view code) {
  if (code.size() < 2) return std::nullopt;
  return std::string(code.substr(0, code.size() - 1));
}

std::vector<std::string> children(geocode_algorithm algorithm, std::string_view code) {
  std::vector<std::string> cells;
  if (code.size() >= static_cast<size_t>(max_precision(algorithm))) return cells;
  cells.reserve(static_cast<size_t>(digit_count(algorithm)));
  for (const char digit : alphabet(algorithm)) cells.push_back(std::string(code) + digit);
  return cells;
}

result<std::array<std::string, 8>> neighbours(geocode_algorithm algorithm, std::string_view code) {
  STIP_ASSIGN(const auto found, cell_grid::of_code(algorithm, code));
  const auto& [grid, cell] = found;
  constexpr int steps[8][2] = {{0, 1},  {1, 1},   {1, 0},  {1, -1},
                               {0, -1}, {-1, -1}, {-1, 0}, {-1, 1}};
  std::array<std::string, 8> around;
  for (size_t i = 0; i < around.size(); ++i) {
    const int64_t column = (cell.column + steps[i][0] + grid.columns()) % grid.columns();
    const int64_t row = cell.row + steps[i][1];
    if (row >= 0 && row < grid.rows()) around[i] = grid.code(column, row);
  }
  return around;
}

cell_grid::cell_grid(geocode_algorithm algorithm, int precision) noexcept
    : algorithm_(algorithm),
      precision_(precision),
      x_axis_(is_geohash(algorithm) ? geohash::longitudes(precision) : quadtile::metres(precision)),
      y_axis_(is_geohash(algorithm) ? geohash::latitudes(precision) : quadtile::metres(precision)) {
}

result<cell_grid> cell_grid::make(geocode_algorithm algorithm, int precision) {
  STIP_TRY(check_precision(algorithm, precision));
  return cell_grid(algorithm, precision);
}

result<std::pair<cell_grid, cell_index>> cell_grid::of_code(geocode_algorithm algorithm,
                                                            std::string_view code) {
  STIP_TRY(check_geocode(algorithm, code));
  const cell_grid grid(algorithm, static_cast<int>(code.size()));
  const auto [column, row] = is_geohash(algorithm) ? geohash::index(code) : quadtile::index(code);
  return std::pair{grid, cell_index{column, row}};
}

std::string cell_grid::code(cell_index cell) const {
  return unpack(algorithm_, packed(cell));
}

uint64_t cell_grid::packed(cell_index cell) const noexcept {
  return is_geohash(algorithm_) ? geohash::packed(cell.column, cell.row, precision_)
                                : quadtile::packed(cell.column, cell.row, precision_);
}

result<cell_index> cell_grid::index_of(std::string_view code) const {
  STIP_ASSIGN(const auto found, of_code(algorithm_, code));
  if (found.first.precision() != precision_)
    return fail(ec::invalid_argument, "find cell " + std::string(code),
                "the grid has precision " + std::to_string(precision_),
                "give a code of that length");
  return found.second;
}

}  // namespace stip

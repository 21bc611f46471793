#include "libstip/raster/align.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "libstip/geo/cell.hpp"
#include "libstip/geo/grid_mapper.hpp"
#include "libstip/raster/nodata.hpp"

namespace stip {

namespace {

/// Pixels to each side of the grid that cells share.
constexpr int64_t most_shared_pixels = int64_t{1} << 30;

/// A number that was computed may happen to be the one that stands for no data: the next one then.
void avoid_nodata(pixel_type type, std::span<std::byte> pixel, uint64_t pattern) {
  std::byte hole{0};
  mark_valid(type, pixel, pattern, {&hole, 1});
  if (hole != std::byte{0}) return;
  visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    T value;
    std::memcpy(&value, pixel.data(), sizeof(T));
    if constexpr (std::is_floating_point_v<T>)
      value = std::nextafter(value, std::numeric_limits<T>::max());
    else
      value = value == std::numeric_limits<T>::max() ? static_cast<T>(value - 1)
                                                     : static_cast<T>(value + 1);
    std::memcpy(pixel.data(), &value, sizeof(T));
  });
}

}  // namespace

result<aligned_cell> align_cell(geocode_algorithm algorithm, const std::string& geocode, int edge) {
  const auto what = "align to cell " + geocode;
  if (edge < 1 || edge > max_aligned_edge)
    return fail(ec::invalid_argument, what, std::to_string(edge) + " pixels are no size",
                "give 1 to " + std::to_string(max_aligned_edge));
  STIP_ASSIGN(const auto place, cell_grid::of_code(algorithm, geocode));
  const auto& [cells, index] = place;
  // The largest cell that holds it and whose pixels can still be numbered.
  int64_t first_column = 0, first_row = 0, columns = cells.columns(), rows = cells.rows();
  for (size_t length = 1; std::max(columns, rows) * edge > most_shared_pixels; ++length) {
    STIP_ASSIGN(const auto outer, cell_grid::of_code(algorithm, geocode.substr(0, length)));
    columns = cells.columns() / outer.first.columns();
    rows = cells.rows() / outer.first.rows();
    first_column = outer.second.column * columns;
    first_row = outer.second.row * rows;
  }
  aligned_cell out;
  out.of.crs_wkt = "EPSG:" + std::to_string(cells.epsg());
  out.of.width = columns * edge;
  out.of.height = rows * edge;
  const auto west = cells.x_of(first_column), east = cells.x_of(first_column + columns);
  const auto south = cells.y_of(first_row), north = cells.y_of(first_row + rows);
  out.of.transform = {west, (east - west) / static_cast<double>(out.of.width),   0, north,
                      0,    (south - north) / static_cast<double>(out.of.height)};
  // Rows of cells count from the south, rows of pixels from the north.
  out.window = {(index.column - first_column) * edge, (first_row + rows - 1 - index.row) * edge,
                edge, edge};
  return out;
}

result<placed_chip> align_chip(const chip_image& chip, const aligned_cell& to, resampling kind) {
  placed_chip out;
  out.window = to.window;
  auto description = chip.description;
  description.grid = to.of;
  const auto& w = to.window;
  STIP_ASSIGN(auto empty,
              chip_assembler::make(description, {w.column, w.row, static_cast<uint32_t>(w.width),
                                                 static_cast<uint32_t>(w.height),
                                                 static_cast<uint16_t>(defaults::max_block_edge)}));
  out.image = std::move(empty).finish();
  STIP_ASSIGN(auto places, grid_mapper::make(to.of, chip.description.grid));
  const auto [across, down] =
      places.scale_at(static_cast<double>(w.column) + static_cast<double>(w.width) / 2,
                      static_cast<double>(w.row) + static_cast<double>(w.height) / 2);
  const auto size = size_of(description.type);
  const auto width = static_cast<size_t>(w.width);
  std::vector<double> x(width), y(width);
  std::vector<uint8_t> ok(width), row_valid(width);
  for (size_t b = 0; b < description.bands.size(); ++b) {
    const bool alpha = description.valid == validity::alpha && b + 1 == description.bands.size();
    const bool classes = description.quality || alpha || !description.bands[b].categories.empty();
    const resampler take{classes ? resampling::nearest : kind, across, down};
    const auto valid = alpha ? chip.valid() : chip.valid_in(b);
    const sampled_plane from{
        chip.band(b).data(), valid.data(), {0, 0, chip.width(), chip.height()}, description.type};
    auto* plane = out.image.pixels.data() + b * out.image.area() * size;
    for (int64_t row = 0; row < w.height; ++row) {
      places.row(w.column, w.row + row, x, y, ok);
      const auto first = static_cast<size_t>(row) * width;
      std::fill(row_valid.begin(), row_valid.end(), uint8_t{0});
      take.row(from, x, y, ok, plane + first * size, row_valid.data());
      const auto& nodata = description.bands[b].nodata;
      for (size_t i = 0; i < width; ++i) {
        if (!row_valid[i]) continue;
        if (description.valid == validity::nodata && nodata)
          avoid_nodata(description.type, {plane + (first + i) * size, size}, *nodata);
        if (description.valid == validity::band_masks)
          out.image.masks[b * out.image.area() + first + i] = 1;
        else if (!out.image.masks.empty())
          out.image.masks[first + i] = 1;
      }
    }
  }
  return out;
}

}  // namespace stip

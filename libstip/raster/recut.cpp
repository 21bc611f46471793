#include "libstip/raster/recut.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/chip_content.hpp"
#include "libstip/raster/scatter.hpp"

namespace stip {

namespace {

constexpr auto what = "cut chips anew";

plane_view bands_of(const placed_chip& chip) {
  // copy_part only reads through it.
  return {const_cast<std::byte*>(chip.image.pixels.data()), chip.window,
          size_of(chip.image.description.type)};
}

plane_view masks_of(const placed_chip& chip) {
  return {reinterpret_cast<std::byte*>(const_cast<uint8_t*>(chip.image.masks.data())), chip.window,
          1};
}

}  // namespace

result<recutter> recutter::make(const scene_description& scene, size_t subdataset,
                                geocode_algorithm algorithm, int precision) {
  if (subdataset >= scene.subdatasets.size())
    return fail(ec::invalid_argument, what, "the scene has no such subdataset");
  STIP_ASSIGN(const auto cells, cell_grid::make(algorithm, precision));
  std::vector<grid> grids;
  for (const auto& d : scene.subdatasets) grids.push_back(d.grid);
  STIP_ASSIGN(auto windows, chip_windows::make(grids, nest_grids(grids), subdataset, cells));
  return recutter(scene.subdatasets[subdataset], std::move(windows));
}

result<cell_index> recutter::index_of(const std::string& geocode) const {
  const auto& cells = windows_.cells();
  if (static_cast<int>(geocode.size()) != cells.precision())
    return fail(ec::invalid_argument, what,
                geocode + " has not " + std::to_string(cells.precision()) + " characters");
  return cells.index_of(geocode);
}

result<std::vector<std::string>> recutter::cells_within(const std::string& outer,
                                                        const pixel_rect& window) {
  auto& runs = windows_.runs();
  const auto& raster = runs.mapper().raster();
  const auto& cells = runs.cells();
  std::set<std::string> found;
  const bool periodic = runs.mapper().period_columns().has_value();
  const auto first = periodic ? window.column : std::max<int64_t>(0, window.column);
  const auto end = periodic ? window.end_column() : std::min(raster.width, window.end_column());
  std::set<std::pair<int64_t, int64_t>> seen;
  for (auto row = std::max<int64_t>(0, window.row);
       first < end && row < std::min(raster.height, window.end_row()); ++row) {
    runs.runs(row, first, end, runs_);
    for (const auto& run : runs_) {
      if (run.cell_column < 0 || !seen.insert({run.cell_column, run.cell_row}).second) continue;
      auto code = unpack(cells.algorithm(), cells.packed({run.cell_column, run.cell_row}));
      if (code.starts_with(outer)) found.insert(std::move(code));
      if (seen.size() > defaults::max_covering_cells)
        return fail(ec::limit_exceeded, what, "an image falls into too many cells",
                    "choose a shorter precision");
    }
  }
  return std::vector<std::string>(found.begin(), found.end());
}

result<pixel_rect> recutter::window_of(const std::string& geocode) {
  STIP_ASSIGN(const auto index, index_of(geocode));
  const auto w = windows_.window_of(index);
  if (w.empty()) return fail(ec::unsupported, what, "cell " + geocode + " has no pixels");
  return pixel_rect{w.col_begin, w.row_begin, w.width(), w.height()};
}

result<void> recutter::cut(const std::string& geocode,
                           const std::function<result<void>(const paste_chip&)>& sources,
                           size_t chip, cut_sink& sink) {
  STIP_ASSIGN(const auto index, index_of(geocode));
  STIP_ASSIGN(const auto rect, window_of(geocode));
  constexpr auto edge = static_cast<uint16_t>(defaults::max_block_edge);
  STIP_ASSIGN(
      auto assembler,
      chip_assembler::make(description_, {rect.column, rect.row, static_cast<uint32_t>(rect.width),
                                          static_cast<uint32_t>(rect.height), edge}));
  placed_chip made{rect, std::move(assembler).finish()};
  auto& runs = windows_.runs();
  // On a periodic grid a source may lie a turn away.
  const auto period = runs.mapper().period_columns().value_or(0);
  STIP_TRY(sources([&](const placed_chip& source) {
    for (const int64_t turn : {-1, 0, 1}) {
      if (turn != 0 && period == 0) continue;
      auto bands = bands_of(source), masks = masks_of(source);
      bands.rect = masks.rect = source.window.moved(turn * period, 0);
      const auto part = intersect(bands.rect, rect);
      copy_part(bands, bands_of(made), part, made.image.bands());
      copy_part(masks, masks_of(made), part, rule_.masks());
    }
  }));
  const auto valid = made.image.valid();
  finished_chip known;
  known.chip = chip;
  std::vector<row_part> rows;
  for (int64_t row = 0; row < rect.height; ++row) {
    runs.runs(rect.row + row, rect.column, rect.end_column(), runs_);
    for (const auto& run : runs_) {
      if (run.cell_column != index.column || run.cell_row != index.row) continue;
      const auto length = static_cast<size_t>(run.col_end - run.col_begin);
      const auto first = static_cast<size_t>(run.col_begin - rect.column);
      const auto found =
          find_set(std::span(valid).subspan(static_cast<size_t>(row * rect.width) + first, length));
      known.cell_pixels += length;
      known.valid_pixels += found.count;
      if (found.count > 0)
        rows.push_back({static_cast<uint32_t>(row), static_cast<uint32_t>(first + found.begin),
                        static_cast<uint32_t>(first + found.end)});
    }
  }
  if (known.is_partial()) known.outline = outline_of(rows);
  return encode_chip(made, rect, edge, std::move(known), encoder_, sink);
}

result<void> encode_chip(const placed_chip& pixels, const pixel_rect& window, uint16_t block_edge,
                         finished_chip known, plane_encoder& encoder, cut_sink& sink) {
  const auto& image = pixels.image;
  const validity_rule rule(image.description);
  const block_layout layout{window, block_edge};
  const auto blocks = static_cast<uint64_t>(layout.count());
  const auto planes = static_cast<uint32_t>(rule.bands() + rule.masks());
  std::vector<uint64_t> contents(blocks * planes, 0);
  std::vector<std::byte> bands;
  std::vector<uint8_t> masks;
  const size_t pixel = size_of(image.description.type);
  for (int64_t index = 0; index < layout.count(); ++index) {
    const auto rect = layout.block(index);
    const auto inside = intersect(rect, pixels.window);
    if (inside.empty()) continue;
    const auto band_bytes = rect.pixels() * pixel;
    bands.resize(band_bytes * rule.bands());
    masks.assign(rect.pixels() * rule.masks(), 0);
    if (inside != rect)
      for (size_t b = 0; b < rule.bands(); ++b)
        rule.fill(b, std::span(bands).subspan(b * band_bytes, band_bytes));
    copy_part(bands_of(pixels), {bands.data(), rect, pixel}, inside, rule.bands());
    copy_part(masks_of(pixels), {reinterpret_cast<std::byte*>(masks.data()), rect, 1}, inside,
              rule.masks());
    STIP_TRY(encoder.encode(
        rule, static_cast<uint16_t>(rect.height), static_cast<uint16_t>(rect.width), bands, masks,
        [&](const encoded_plane& done) {
          const auto number = done.plane * blocks + static_cast<uint64_t>(index);
          contents[number] = done.content;
          return sink.block({known.chip, static_cast<uint32_t>(number), done.record});
        }));
  }
  known.content = chip_content(image.description.type, static_cast<uint32_t>(window.width),
                               static_cast<uint32_t>(window.height), planes, block_edge, contents);
  return sink.finish(known);
}

}  // namespace stip

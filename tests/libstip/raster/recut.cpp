#define CAF_SUITE raster.recut
#include "libstip/raster/recut.hpp"

#include <caf/test/unit_test.hpp>
#include <cstring>
#include <random>

#include "cut_twin.hpp"
#include "libstip/geo/cell_runs.hpp"
#include "tests/libstip/geo/grids.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// A chip of one subdataset as it was cut.
struct made_chip {
  placed_chip pixels;
  finished_chip finished;
};
using made_chips = std::map<std::string, made_chip>;

made_chip put_together(const kept_chip& kept, const subdataset_description& of,
                       const pixel_rect& rect, uint16_t edge) {
  auto assembler =
      chip_assembler::make(of, {rect.column, rect.row, static_cast<uint32_t>(rect.width),
                                static_cast<uint32_t>(rect.height), edge});
  CAF_REQUIRE(assembler.has_value());
  for (const auto& [number, record] : kept.records)
    if (!record.empty()) CAF_REQUIRE(assembler->place(number, record).has_value());
  CAF_REQUIRE_EQUAL(kept.times_finished, 1);
  return {{rect, std::move(*assembler).finish()}, kept.finished};
}

/// All chips of a scene's only subdataset, cut from the scene.
made_chips cut_scene(const memory_scene& scene, const cut_options& options, uint16_t& edge) {
  const auto plan = plan_cut(scene.description(), scene.tilings(), options);
  CAF_REQUIRE(plan.has_value());
  edge = (*plan)->block_edge(0);
  const auto& chips = (*plan)->chips();
  keeping_sink sink(chips.size());
  CAF_REQUIRE(cut(scene, **plan, options, {}, sink, nullptr).has_value());
  made_chips out;
  for (size_t i = 0; i < chips.size(); ++i) {
    const pixel_rect rect{chips[i].column, chips[i].row, chips[i].width, chips[i].height};
    out.emplace(chips[i].geocode,
                put_together(sink.chips[i], scene.description().subdatasets[0], rect, edge));
  }
  return out;
}

made_chip recut(recutter& cutter, const subdataset_description& of, const std::string& geocode,
                const std::vector<const placed_chip*>& sources) {
  keeping_sink sink(1);
  const auto done = cutter.cut(
      geocode,
      [&](const paste_chip& paste) -> result<void> {
        for (const auto* source : sources) paste(*source);
        return {};
      },
      0, sink);
  if (!done) CAF_FAIL(geocode << ": " << to_string(done.error()));
  const auto rect = cutter.window_of(geocode);
  CAF_REQUIRE(rect.has_value());
  return put_together(sink.chips[0], of, *rect, static_cast<uint16_t>(defaults::max_block_edge));
}

/// Pixels that hold no data are 0: where a block has none that does, their values are not kept.
std::vector<std::byte> data_of(const chip_image& image) {
  auto out = image.pixels;
  const auto bytes = size_of(image.description.type);
  for (size_t band = 0; band < image.bands(); ++band) {
    const auto valid = image.valid_in(band);
    for (size_t i = 0; i < image.area(); ++i)
      if (valid[i] == 0) std::memset(out.data() + (band * image.area() + i) * bytes, 0, bytes);
  }
  return out;
}

/// Empty when they are the same in every number and every pixel that holds data.
std::string differs(const made_chip& a, const made_chip& b, bool same_blocks) {
  if (a.pixels.window != b.pixels.window) return "another window";
  if (a.finished.cell_pixels != b.finished.cell_pixels) return "another number of cell pixels";
  if (a.finished.valid_pixels != b.finished.valid_pixels) return "another number of valid pixels";
  if (a.finished.outline != b.finished.outline) return "another outline";
  if (a.pixels.image.valid() != b.pixels.image.valid()) return "other valid pixels";
  if (data_of(a.pixels.image) != data_of(b.pixels.image)) return "other pixels";
  if (a.pixels.image.masks != b.pixels.image.masks) return "other masks";
  if (same_blocks && a.finished.content != b.finished.content) return "another content hash";
  return {};
}

/// The same for the pixels of the cell alone; the others are the same or hold no data.
std::string differs_in_cell(const made_chip& whole, const made_chip& merged,
                            const std::string& geocode, const grid& raster,
                            const cell_grid& cells) {
  if (whole.pixels.window != merged.pixels.window) return "another window";
  if (whole.finished.cell_pixels != merged.finished.cell_pixels) return "other cell pixels";
  if (whole.finished.valid_pixels != merged.finished.valid_pixels) return "other valid pixels";
  if (whole.finished.outline != merged.finished.outline) return "another outline";
  auto mapper = pixel_mapper::make(raster, cells);
  cell_runs runs(std::move(*mapper), cells);
  const auto index = *cells.index_of(geocode);
  const auto& rect = whole.pixels.window;
  const auto& a = whole.pixels.image;
  const auto& b = merged.pixels.image;
  const auto bytes = size_of(a.description.type);
  for (size_t band = 0; band < a.bands(); ++band) {
    const auto valid_a = a.valid_in(band), valid_b = b.valid_in(band);
    for (size_t at = 0; at < a.area(); ++at) {
      const auto column = rect.column + static_cast<int64_t>(at) % rect.width;
      const auto row = rect.row + static_cast<int64_t>(at) / rect.width;
      const auto i = band * a.area() + at;
      if (valid_b[at] != 0 && bits_at(a.pixels, i, bytes) != bits_at(b.pixels, i, bytes))
        return "other pixels";
      if (valid_a[at] == valid_b[at]) continue;
      if (valid_b[at] != 0 || runs.cell_of_pixel(column, row) == index) return "other validity";
    }
  }
  return {};
}

std::vector<const placed_chip*> below(const made_chips& chips, const std::string& outer) {
  std::vector<const placed_chip*> out;
  for (const auto& [code, chip] : chips)
    if (code.starts_with(outer)) out.push_back(&chip.pixels);
  return out;
}

constexpr uint64_t seed = 8081;

struct example {
  memory_scene scene;
  cut_options coarse, fine;
  std::string name;
};

/// Small scenes of all kinds, with the precision of their chips and a longer one.
void for_each_example(uint64_t offset, const std::function<void(const example&)>& visit) {
  CAF_MESSAGE("seed " << seed + offset);
  scene_maker maker(seed + offset);
  for (int type = 1; type <= 10; ++type)
    for (int valid = 0; valid <= 4; ++valid) {
      const bool geographic = maker.any(0, 2) == 0;
      const auto width = maker.any(20, 90), height = maker.any(20, 90);
      const grid g = geographic
                         ? grid{"EPSG:4326", {10, 1.0 / 24, 0, 50, 0, -1.0 / 24}, width, height}
                         : square("EPSG:32632", 399960, 5700000, 900, width, height);
      cut_options coarse;
      coarse.algorithm =
          maker.any(0, 1) == 0 ? geocode_algorithm::geohash : geocode_algorithm::quadtile;
      const bool hash = coarse.algorithm == geocode_algorithm::geohash;
      coarse.precision = static_cast<int>(hash ? maker.any(2, 3) : maker.any(6, 8));
      auto fine = coarse;
      fine.precision += static_cast<int>(hash ? 1 : maker.any(1, 3));
      visit({make_scene(maker, {maker.describe(g, static_cast<pixel_type>(type),
                                               static_cast<size_t>(maker.any(1, 3)),
                                               static_cast<validity>(valid))}),
             coarse, fine, "type " + std::to_string(type) + " validity " + std::to_string(valid)});
    }
}

}  // namespace

CAF_TEST(splitting a chip gives what cutting the scene into smaller cells gives) {
  size_t compared = 0;
  for_each_example(0, [&](const example& e) {
    uint16_t coarse_edge = 0, fine_edge = 0;
    const auto parents = cut_scene(e.scene, e.coarse, coarse_edge);
    const auto children = cut_scene(e.scene, e.fine, fine_edge);
    const auto& of = e.scene.description().subdatasets[0];
    auto cutter = recutter::make(e.scene.description(), 0, e.fine.algorithm, e.fine.precision);
    CAF_REQUIRE(cutter.has_value());
    std::set<std::string> found;
    for (const auto& [code, parent] : parents) {
      const auto cells = cutter->cells_within(code, parent.pixels.window);
      CAF_REQUIRE(cells.has_value());
      for (const auto& cell : *cells) {
        CAF_REQUIRE(cell.starts_with(code));
        CAF_REQUIRE(found.insert(cell).second);
        const auto why = differs(children.at(cell), recut(*cutter, of, cell, {&parent.pixels}),
                                 fine_edge == defaults::max_block_edge);
        if (!why.empty()) CAF_FAIL(e.name << ", " << cell << ": " << why);
        ++compared;
      }
    }
    CAF_REQUIRE_EQUAL(found.size(), children.size());
  });
  CAF_CHECK(compared > 500);
}

CAF_TEST(
    merging the chips of a cell gives its pixels back and splitting that gives the chips back) {
  size_t merged_chips = 0, split_chips = 0;
  for_each_example(1, [&](const example& e) {
    uint16_t coarse_edge = 0, fine_edge = 0;
    const auto parents = cut_scene(e.scene, e.coarse, coarse_edge);
    const auto children = cut_scene(e.scene, e.fine, fine_edge);
    const auto& of = e.scene.description().subdatasets[0];
    auto merger = recutter::make(e.scene.description(), 0, e.coarse.algorithm, e.coarse.precision);
    auto splitter = recutter::make(e.scene.description(), 0, e.fine.algorithm, e.fine.precision);
    CAF_REQUIRE(merger.has_value());
    CAF_REQUIRE(splitter.has_value());
    const auto cells = *cell_grid::make(e.coarse.algorithm, e.coarse.precision);
    for (const auto& [code, parent] : parents) {
      auto parts = below(children, code);
      auto merged = recut(*merger, of, code, parts);
      const auto why = differs_in_cell(parent, merged, code, of.grid, cells);
      if (!why.empty()) CAF_FAIL(e.name << ", " << code << ": " << why);
      // In whatever order they come.
      std::reverse(parts.begin(), parts.end());
      const auto order = differs(merged, recut(*merger, of, code, parts), false);
      if (!order.empty()) CAF_FAIL(e.name << ", " << code << " in another order: " << order);
      ++merged_chips;
      for (const auto& [cell, child] : children) {
        if (!cell.starts_with(code)) continue;
        const auto lost = differs(child, recut(*splitter, of, cell, {&merged.pixels}), false);
        if (!lost.empty()) CAF_FAIL(e.name << ", " << cell << " of " << code << ": " << lost);
        ++split_chips;
      }
    }
  });
  CAF_CHECK(merged_chips > 100);
  CAF_CHECK(split_chips > 500);
}

CAF_TEST(what is no cell of the precision is refused) {
  scene_maker maker(seed + 2);
  const auto scene =
      make_scene(maker, {maker.describe(square("EPSG:32632", 399960, 5700000, 100, 30, 30))});
  CAF_CHECK(!recutter::make(scene.description(), 1, geocode_algorithm::geohash, 5));
  CAF_CHECK(!recutter::make(scene.description(), 0, geocode_algorithm::geohash, 13));
  auto cutter = recutter::make(scene.description(), 0, geocode_algorithm::geohash, 5);
  CAF_REQUIRE(cutter.has_value());
  for (const auto* code : {"", "u1", "u1q0aa", "ailo!", "u1!q0"})
    CAF_CHECK(!cutter->window_of(code).has_value());
  const auto none = cutter->cells_within("u1", {1000, 1000, 10, 10});
  CAF_REQUIRE(none.has_value());
  CAF_CHECK(none->empty());
}

CAF_TEST(a part of a chip is encoded as the whole chip with nothing around the part) {
  constexpr uint16_t edge = 64;
  const pixel_rect window{-70, 30, 300, 210};
  std::mt19937_64 random(20261216);
  for (const auto& part :
       {window, pixel_rect{0, 40, 130, 90}, pixel_rect{-6, 94, 64, 64}, pixel_rect{229, 239, 1, 1}})
    for (const auto valid : {validity::nodata, validity::all}) {
      subdataset_description of;
      of.type = pixel_type::uint16;
      of.valid = valid;
      of.bands.resize(2);
      for (auto& band : of.bands) band.nodata = 7;
      const auto fill = [&](const pixel_rect& rect) {
        auto made = chip_assembler::make(
            of, {rect.column, rect.row, uint32_t(rect.width), uint32_t(rect.height), edge});
        CAF_REQUIRE(made.has_value());
        return placed_chip{rect, std::move(*made).finish()};
      };
      auto whole = fill(window), piece = fill(part);
      for (auto& byte : piece.image.pixels) byte = std::byte(random() % 3 + 7);
      for (auto& byte : piece.image.masks) byte = random() % 5 != 0;
      for (int64_t row = 0; row < part.height; ++row)
        for (int64_t column = 0; column < part.width; ++column) {
          const auto from = size_t(row * part.width + column);
          const auto to = size_t((row + part.row - window.row) * window.width + column +
                                 part.column - window.column);
          for (size_t b = 0; b < 2; ++b)
            std::memcpy(whole.image.pixels.data() + (b * whole.image.area() + to) * 2,
                        piece.image.pixels.data() + (b * piece.image.area() + from) * 2, 2);
          if (valid == validity::all) whole.image.masks[to] = piece.image.masks[from];
        }
      keeping_sink sink(2);
      plane_encoder encoder;
      CAF_REQUIRE(encode_chip(whole, window, edge, {0, 9, 5, {}, {}}, encoder, sink).has_value());
      CAF_REQUIRE(encode_chip(piece, window, edge, {1, 9, 5, {}, {}}, encoder, sink).has_value());
      const auto a = put_together(sink.chips[0], of, window, edge);
      const auto b = put_together(sink.chips[1], of, window, edge);
      CAF_CHECK(a.pixels.image.pixels == b.pixels.image.pixels);
      CAF_CHECK(a.pixels.image.masks == b.pixels.image.masks);
      CAF_CHECK(a.finished.content == b.finished.content);
    }
}

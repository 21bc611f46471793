#define CAF_SUITE raster.cut
#include "libstip/raster/cut.hpp"

#include <caf/test/unit_test.hpp>

#include "cut_twin.hpp"
#include "libstip/core/buffer_pool.hpp"
#include "libstip/geo/cell_runs.hpp"
#include "libstip/raster/chip_content.hpp"
#include "libstip/raster/paste.hpp"
#include "tests/libstip/geo/grids.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct cut_outcome {
  std::unique_ptr<cut_plan> plan;
  std::unique_ptr<keeping_sink> sink;
  cut_summary summary;
  uint64_t peak_bytes = 0;
};

/// Cuts by `plan`, with the least memory that it allows where `least_memory` is asked for.
result<cut_outcome> run_cut(const memory_scene& scene, cut_options options,
                            std::unique_ptr<cut_plan> plan, bool least_memory) {
  cut_outcome outcome;
  outcome.plan = std::move(plan);
  if (least_memory) options.memory_bytes = outcome.plan->needed_bytes();
  buffer_pool pool(options.memory_bytes);
  options.pool = &pool;
  outcome.sink = std::make_unique<keeping_sink>(outcome.plan->chips().size());
  STIP_ASSIGN(outcome.summary, cut(scene, *outcome.plan, options, {}, *outcome.sink, nullptr));
  outcome.peak_bytes = pool.peak_bytes();
  if (pool.loaned_bytes() != 0) return fail(ec::internal, "cut", "buffers are still on loan");
  return outcome;
}

result<cut_outcome> run_cut(const memory_scene& scene, const cut_options& options,
                            bool least_memory = false) {
  STIP_ASSIGN(auto plan, plan_cut(scene.description(), scene.tilings(), options));
  return run_cut(scene, options, std::move(plan), least_memory);
}

/// Compares a cut with what every pixel says; empty when all is right.
std::string compare_with_pixels(const memory_scene& scene, const cut_options& options,
                                const cut_outcome& outcome) {
  const auto cells = *cell_grid::make(options.algorithm, options.precision);
  const auto& chips = outcome.plan->chips();
  for (size_t i = 1; i < chips.size(); ++i)
    if (std::pair(chips[i - 1].geocode, chips[i - 1].subdataset) >=
        std::pair(chips[i].geocode, chips[i].subdataset))
      return "chips are out of order";
  if (!outcome.sink->complaint().empty()) return outcome.sink->complaint();
  uint64_t valid_total = 0, without_cell = 0;
  for (size_t s = 0; s < scene.description().subdatasets.size(); ++s) {
    const pixel_twin twin(scene, s);
    const auto& about = twin.about;
    const uint16_t edge = outcome.plan->block_edge(s);
    auto mapper = pixel_mapper::make(about.grid, cells);
    if (!mapper) return to_string(mapper.error());
    cell_runs runs(*mapper->clone(), cells);

    struct count {
      uint64_t pixels = 0, valid = 0;
    };
    std::map<cell_index, count> by_cell;
    const auto pixel_cells = twin.cells(*mapper, cells, 0, 0, about.grid.width, about.grid.height);
    const auto decoded = scene.decoded(s);
    const auto tiling = scene.tiling(s);
    const int64_t across = (about.grid.width + tiling.block_width - 1) / tiling.block_width;
    for (size_t at = 0; at < twin.plane(); ++at) {
      const auto col = static_cast<int64_t>(at) % about.grid.width;
      const auto row = static_cast<int64_t>(at) / about.grid.width;
      const int times = decoded[static_cast<size_t>(row / tiling.block_height * across +
                                                    col / tiling.block_width)];
      // Where no chip is, nothing need be read.
      if (times > 1 || (times == 0 && pixel_cells[at].column >= 0))
        return "a source block was decoded " + std::to_string(times) + " times";
      const bool valid = twin.valid(at);
      if (times == 1) valid_total += valid;
      if (pixel_cells[at].column < 0) {
        ++without_cell;
        continue;
      }
      auto& counts = by_cell[pixel_cells[at]];
      ++counts.pixels;
      counts.valid += valid;
    }

    std::vector<std::byte> merged(about.bands.size() * twin.plane() * twin.bytes());
    std::vector<uint8_t> restored(about.bands.size() * twin.plane(), 0);
    const plane_view target{
        merged.data(), {0, 0, about.grid.width, about.grid.height}, twin.bytes()};
    int64_t projections = 100'000;
    size_t seen = 0;
    for (size_t c = 0; c < chips.size(); ++c) {
      const auto& chip = chips[c];
      if (chip.subdataset != s) continue;
      ++seen;
      const auto& kept = outcome.sink->chips[c];
      const auto index = *cells.index_of(chip.geocode);
      if (kept.times_finished != 1) return "a chip was not finished once";
      const auto found = by_cell.find(index);
      if (found == by_cell.end()) return "a chip without a pixel of the scene";
      if (kept.finished.valid_pixels != found->second.valid)
        return chip.geocode + " has " + std::to_string(kept.finished.valid_pixels) +
               " valid pixels, not " + std::to_string(found->second.valid);

      // The window, and the pixels of the cell beyond the scene.
      constexpr size_t windows_to_check = 40;
      if (seen <= windows_to_check && scene.description().subdatasets.size() == 1 &&
          runs.window_of(index) !=
              pixel_window{chip.column, chip.row, chip.column + chip.width, chip.row + chip.height})
        return chip.geocode + " has another window";
      const int64_t area = int64_t{chip.width} * chip.height;
      if (area <= projections) {
        projections -= area;
        uint64_t pixels = 0;
        std::vector<pixel_corner> with_data;
        const auto of_window =
            twin.cells(*mapper, cells, chip.column, chip.row, chip.width, chip.height);
        for (uint32_t row = 0; row < chip.height; ++row)
          for (uint32_t col = 0; col < chip.width; ++col) {
            if (of_window[size_t{row} * chip.width + col] != index) continue;
            ++pixels;
            if (size_t at = 0; twin.place(chip.column + col, chip.row + row, at) && twin.valid(at))
              with_data.push_back({col, row});
          }
        if (const auto wrong = outline_complaint(kept.finished, with_data); !wrong.empty())
          return chip.geocode + ": " + wrong;
        if (!twin.period && kept.finished.cell_pixels != pixels)
          return chip.geocode + " has " + std::to_string(kept.finished.cell_pixels) +
                 " cell pixels, not " + std::to_string(pixels);
        if (kept.finished.cell_pixels < found->second.pixels) return "less cell pixels than pixels";
      }

      // Planes: what the scene has where it reaches, else the fill value.
      std::vector<uint64_t> contents;
      const auto masks = mask_planes(about.valid, about.bands.size());
      const auto planes = static_cast<uint32_t>(about.bands.size()) + masks;
      for (uint32_t plane = 0; plane < planes; ++plane) {
        const bool is_mask = plane >= about.bands.size();
        const auto type = is_mask ? pixel_type::bit : about.type;
        auto joined = plane_of(kept, chip, edge, plane, type);
        if (!joined) return chip.geocode + ": " + to_string(joined.error());
        contents.insert(contents.end(), joined->contents.begin(), joined->contents.end());
        std::vector<std::byte> valid_here(size_t{chip.width} * chip.height, std::byte{0});
        const uint32_t across_chip = (chip.width + edge - 1) / edge;
        std::vector<uint8_t> blocks_with_data(joined->contents.size(), 0);
        for (uint32_t y = 0; y < chip.height; ++y)
          for (uint32_t x = 0; x < chip.width; ++x) {
            const size_t i = size_t{y} * chip.width + x;
            size_t at = 0;
            const bool on_scene = twin.place(chip.column + x, chip.row + y, at);
            uint64_t expected = 0;
            bool valid = false;
            if (is_mask) {
              const size_t band =
                  about.valid == validity::band_masks ? plane - about.bands.size() : 0;
              valid = on_scene && twin.valid(band, at);
              expected = valid;
            } else {
              valid = on_scene && twin.valid(plane, at);
              if (on_scene)
                expected = bits_at(twin.data.bands, plane * twin.plane() + at, twin.bytes());
              else if (about.valid != validity::alpha)
                expected = about.bands[plane].nodata.value_or(0);
            }
            if (valid) {
              valid_here[i] = std::byte{1};
              blocks_with_data[size_t{y / edge} * across_chip + x / edge] = 1;
            }
            if (joined->known[i] == 0) {
              if (valid) return "a block with data was left out";
              continue;
            }
            if (bits_at(joined->pixels, i, size_of(type)) != expected)
              return chip.geocode + " plane " + std::to_string(plane) + " differs at " +
                     std::to_string(x) + ", " + std::to_string(y);
            if (valid && !is_mask) restored[plane * twin.plane() + at] = 1;
          }
        for (size_t i = 0; i < joined->contents.size(); ++i)
          if ((joined->contents[i] != 0) != (blocks_with_data[i] != 0))
            return "a block without data was stored";
        if (is_mask) continue;
        for (const int64_t turn : {-1, 0, 1}) {
          if (turn != 0 && !twin.period) continue;
          const int64_t shift = turn * twin.period.value_or(0);
          auto pasted = paste({joined->pixels,
                               {chip.column + shift, chip.row, chip.width, chip.height},
                               about.type,
                               valid_here},
                              target, plane);
          if (!pasted) return to_string(pasted.error());
        }
      }
      const auto content =
          chip_content(about.type, chip.width, chip.height, planes, edge, contents);
      if (content != kept.finished.content) return chip.geocode + " has another content hash";
    }
    if (seen != by_cell.size())
      return std::to_string(seen) + " chips for " + std::to_string(by_cell.size()) + " cells";

    // Merging all chips gives back every valid pixel that has a cell, bit for bit.
    for (size_t band = 0; band < about.bands.size(); ++band)
      for (size_t at = 0; at < twin.plane(); ++at) {
        if (!twin.valid(band, at) || pixel_cells[at].column < 0) continue;
        const size_t i = band * twin.plane() + at;
        if (!restored[i] ||
            bits_at(merged, i, twin.bytes()) != bits_at(twin.data.bands, i, twin.bytes()))
          return "a valid pixel was lost";
      }
  }
  if (outcome.summary.valid_pixels != valid_total) return "the summary's valid pixels are wrong";
  if (outcome.summary.pixels_without_cell != without_cell)
    return "the summary's pixels without a cell are wrong";
  return {};
}

std::string describe(const memory_scene& scene, const cut_options& options) {
  std::string text = std::string(to_string(options.algorithm)) + " " +
                     std::to_string(options.precision) + " threads " +
                     std::to_string(options.threads);
  for (size_t s = 0; s < scene.description().subdatasets.size(); ++s) {
    const auto& one = scene.description().subdatasets[s];
    const auto tiling = scene.tiling(s);
    text += ", " + std::string(to_string(one.type)) + " x " + std::to_string(one.bands.size()) +
            " validity " + std::to_string(static_cast<int>(one.valid)) + " tiling " +
            std::to_string(tiling.block_width) + " x " + std::to_string(tiling.block_height);
  }
  return text;
}

void check_scene(const memory_scene& scene, const cut_options& options,
                 std::unique_ptr<cut_plan> plan, bool least_memory, const std::string& name) {
  const auto text = name + ": " + describe(scene, options);
  auto outcome = run_cut(scene, options, std::move(plan), least_memory);
  if (!outcome) CAF_FAIL(text + ": " + to_string(outcome.error()));
  const auto complaint = compare_with_pixels(scene, options, *outcome);
  if (!complaint.empty()) CAF_FAIL(text + ": " + complaint);
  CAF_CHECK(complaint.empty());
}

void check_scene(const memory_scene& scene, const cut_options& options, bool least_memory,
                 const std::string& name) {
  auto plan = plan_cut(scene.description(), scene.tilings(), options);
  if (!plan) CAF_FAIL(name + ": " + describe(scene, options) + ": " + to_string(plan.error()));
  check_scene(scene, options, std::move(*plan), least_memory, name);
}

/// A chip's fingerprint: whatever made it, equal chips have equal ones.
std::map<std::string, std::string> fingerprints(const cut_outcome& outcome) {
  std::map<std::string, std::string> all;
  for (size_t i = 0; i < outcome.plan->chips().size(); ++i) {
    const auto& finished = outcome.sink->chips[i].finished;
    all[outcome.plan->chips()[i].geocode] = to_string(finished.content) + " " +
                                            std::to_string(finished.valid_pixels) + " " +
                                            std::to_string(finished.cell_pixels);
  }
  return all;
}

uint64_t chip_pixels(const cut_plan& plan) {
  uint64_t pixels = 0;
  for (const auto& chip : plan.chips()) pixels += uint64_t{chip.width} * chip.height;
  return pixels;
}

/// Whether the plan remembers where the cells are must not matter.
void choose_table(scene_maker& maker, cut_options& options) {
  if (maker.any(0, 1) == 0) options.cell_table_bytes = 0;
}

constexpr uint64_t seed = 20201;

}  // namespace

CAF_TEST(every pixel of a scene is where its cell wants it - on grids of all kinds) {
  CAF_MESSAGE("seed " << seed);
  scene_maker maker(seed);
  size_t left_out = 0;
  // Projecting every pixel takes its time: the algorithms take turns, grid by grid.
  auto algorithm = geocode_algorithm::quadtile;
  for (const auto& hard : hard_grids()) {
    algorithm = algorithm == geocode_algorithm::geohash ? geocode_algorithm::quadtile
                                                        : geocode_algorithm::geohash;
    auto precisions = algorithm == geocode_algorithm::geohash ? hard.geohash : hard.quadtile;
    std::shuffle(precisions.begin(), precisions.end(), maker.random);
    const auto scene = make_scene(maker, {maker.describe(hard.grid)});
    cut_options options;
    options.algorithm = algorithm;
    options.threads = static_cast<size_t>(maker.any(1, 3));
    choose_table(maker, options);
    // Cells around a pole are long wedges with large windows: only what the twin can look at.
    const size_t bands = scene.description().subdatasets[0].bands.size();
    std::unique_ptr<cut_plan> fitting;
    for (const int precision : precisions) {
      options.precision = precision;
      auto plan = plan_cut(scene.description(), scene.tilings(), options);
      if (!plan) CAF_FAIL(hard.name + ": " + to_string(plan.error()));
      if (chip_pixels(**plan) * bands > 400'000 || (*plan)->chips().size() > 1000) continue;
      fitting = std::move(*plan);
      break;
    }
    if (fitting)
      check_scene(scene, options, std::move(fitting), maker.any(0, 1) == 0, hard.name);
    else
      ++left_out;
  }
  CAF_MESSAGE(left_out << " combinations were too large");
  CAF_CHECK(left_out <= 5);
}

CAF_TEST(every pixel type with every kind of validity is cut without loss) {
  scene_maker maker(seed + 1);
  for (int type = 1; type <= 10; ++type)
    for (int valid = 0; valid <= 4; ++valid) {
      const grid g =
          square("EPSG:32632", 399960, 5700000, 100, maker.any(1, 150), maker.any(1, 150));
      cut_options options;
      options.precision = 5;
      options.threads = static_cast<size_t>(maker.any(1, 3));
      choose_table(maker, options);
      const auto scene = make_scene(maker, {maker.describe(g, static_cast<pixel_type>(type),
                                                           static_cast<size_t>(maker.any(1, 5)),
                                                           static_cast<validity>(valid))});
      check_scene(scene, options, true, "UTM");
    }
}

CAF_TEST(scenes of any size fall into chips whether these are large or small) {
  scene_maker maker(seed + 2);
  for (int round = 0; round < 12; ++round) {
    const grid g = square("EPSG:32755", 300000 + static_cast<double>(maker.any(0, 99999)), 6200000,
                          20, round == 0 ? 900 : maker.any(1, 500), maker.any(1, 500));
    cut_options options;
    options.algorithm = round % 2 == 0 ? geocode_algorithm::geohash : geocode_algorithm::quadtile;
    options.precision = static_cast<int>(round % 2 == 0 ? maker.any(5, 7) : maker.any(11, 16));
    options.threads = static_cast<size_t>(maker.any(1, 3));
    choose_table(maker, options);
    check_scene(make_scene(maker, {maker.describe(g, pixel_type::uint16, 1, validity::nodata)}),
                options, true, "UTM 55S");
  }
}

CAF_TEST(the same scene gives the same chips whatever its tiling and the threads and the memory) {
  scene_maker maker(seed + 3);
  const grid g = turned(square("EPSG:32633", 500000, 4600000, 30, 500, 400));
  const auto about = maker.describe(g, pixel_type::int16, 3, validity::nodata);
  const auto pixels = maker.fill(about);
  std::map<std::string, std::string> first;
  for (int round = 0; round < 8; ++round) {
    auto data = pixels;
    data.tiling = maker.tiling(g);
    const auto scene = make_scene(about, std::move(data));
    cut_options options;
    options.threads = static_cast<size_t>(1 + round % 3);
    auto outcome = run_cut(scene, options, round % 2 == 0);
    CAF_REQUIRE(outcome.has_value());
    const auto prints = fingerprints(*outcome);
    CAF_REQUIRE(!prints.empty());
    if (round == 0) first = prints;
    CAF_CHECK(prints == first);
  }
}

CAF_TEST(buffers never take more than the bound and the bound can be as low as the plan says) {
  scene_maker maker(seed + 4);
  for (int round = 0; round < 6; ++round) {
    const grid g = square("EPSG:32632", 399960, 5700000, 60, maker.any(300, 600), 500);
    const auto scene = make_scene(maker, {maker.describe(g)});
    cut_options options;
    auto plan = plan_cut(scene.description(), scene.tilings(), options);
    CAF_REQUIRE(plan.has_value());
    const uint64_t least = (*plan)->needed_bytes();
    for (const size_t threads : {1, 2, 3}) {
      options.threads = threads;
      options.memory_bytes = least + (threads - 1) * least / 4;
      auto outcome = run_cut(scene, options);
      CAF_REQUIRE(outcome.has_value());
      const uint64_t peak = outcome->peak_bytes;
      CAF_CHECK(peak <= options.memory_bytes);
      CAF_CHECK(peak > 0);
    }
  }
}

CAF_TEST(blocks of fewer than 512 pixels are cut just as well) {
  scene_maker maker(seed + 5);
  const grid g = square("EPSG:32632", 399960, 5700000, 10, 1500, 30);
  auto about = maker.describe(g, pixel_type::float64, 24, validity::nodata);
  auto data = maker.fill(about);
  data.tiling = {1500, 8, true};
  const auto scene = make_scene(about, std::move(data));
  cut_options options;
  options.threads = 3;
  options.memory_bytes = uint64_t{1} << 30;
  auto plan = plan_cut(scene.description(), scene.tilings(), options);
  CAF_REQUIRE(plan.has_value());
  const uint16_t edge = (*plan)->block_edge(0);
  CAF_CHECK(edge < 512);
  check_scene(scene, options, std::move(*plan), true, "many bands");
}

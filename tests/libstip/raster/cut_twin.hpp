#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "libstip/core/hash.hpp"
#include "libstip/raster/block.hpp"
#include "libstip/raster/cut.hpp"
#include "tests/support/libstip/memory_scene.hpp"

/// What cutting must give, worked out pixel by pixel, and a sink that keeps what it did give.
namespace stip::test {

/// A chip as a sink got it.
struct kept_chip {
  std::map<uint32_t, std::vector<std::byte>> records;
  finished_chip finished;
  int times_finished = 0;
};

/// Keeps everything, and notes what a cut must never do.
class keeping_sink : public cut_sink {
 public:
  explicit keeping_sink(size_t chips) : chips(chips), busy_(chips) {}

  result<void> block(const cut_block& block) override {
    const entry guard(*this, block.chip);
    // Gives other threads every chance to come in between.
    std::this_thread::yield();
    auto& chip = chips[block.chip];
    if (chip.times_finished > 0) blame("a block after the end of its chip");
    const auto added =
        chip.records.emplace(block.block, std::vector(block.record.begin(), block.record.end()));
    if (!added.second) blame("a block twice");
    return {};
  }

  result<void> finish(const finished_chip& finished) override {
    const entry guard(*this, finished.chip);
    chips[finished.chip].finished = finished;
    ++chips[finished.chip].times_finished;
    return {};
  }

  std::vector<kept_chip> chips;

  /// Empty when nothing was wrong.
  std::string complaint() const {
    const std::lock_guard lock(mutex_);
    return complaint_;
  }

 private:
  struct entry {
    entry(keeping_sink& owner, size_t chip) : flag(owner.busy_[chip]) {
      if (flag.exchange(true)) owner.blame("two calls at once for one chip");
    }
    ~entry() { flag = false; }
    std::atomic<bool>& flag;
  };

  void blame(const char* what) {
    const std::lock_guard lock(mutex_);
    complaint_ = what;
  }

  mutable std::mutex mutex_;
  std::string complaint_;
  std::vector<std::atomic<bool>> busy_;
};

/// What is wrong with the outline of these pixels; empty: nothing.
inline std::string outline_complaint(const finished_chip& chip,
                                     const std::vector<pixel_corner>& pixels) {
  const auto& outline = chip.outline;
  if (pixels.empty() || pixels.size() == chip.cell_pixels)
    return outline.empty() ? "" : "an outline around all or nothing";
  if (outline.empty()) return "no outline";
  if (!is_sound(outline, UINT32_MAX, UINT32_MAX)) return "an outline that is not convex";
  std::set<std::pair<uint32_t, uint32_t>> corners;
  for (const auto& p : pixels)
    for (const uint32_t down : {0, 1})
      for (const uint32_t right : {0, 1}) corners.insert({p.column + right, p.row + down});
  for (const auto& corner : outline)
    if (corners.count({corner.column, corner.row}) == 0) return "an outline beside its pixels";
  if (outline.size() == max_outline_corners) return "";
  for (const auto& [column, row] : corners)
    for (size_t i = 0; i < outline.size(); ++i) {
      const auto& a = outline[i];
      const auto& b = outline[(i + 1) % outline.size()];
      const auto across = [](uint32_t to, uint32_t from) { return int64_t{to} - int64_t{from}; };
      if (across(b.column, a.column) * across(row, a.row) <
          across(b.row, a.row) * across(column, a.column))
        return "a pixel outside of its outline";
    }
  return "";
}

/// One pixel's bits, zero-extended.
inline uint64_t bits_at(const std::vector<std::byte>& pixels, size_t index, size_t bytes) {
  uint64_t bits = 0;
  std::memcpy(&bits, pixels.data() + index * bytes, bytes);
  return bits;
}

inline bool same_value(pixel_type type, uint64_t bits, uint64_t nodata) {
  if (!is_float(type)) return bits == nodata;
  double a = 0, b = 0;
  if (type == pixel_type::float32) {
    float fa = 0, fb = 0;
    std::memcpy(&fa, &bits, 4);
    std::memcpy(&fb, &nodata, 4);
    a = fa;
    b = fb;
  } else {
    std::memcpy(&a, &bits, 8);
    std::memcpy(&b, &nodata, 8);
  }
  return std::isnan(b) ? std::isnan(a) : a == b;
}

/// One subdataset of a memory scene, asked pixel by pixel.
class pixel_twin {
 public:
  pixel_twin(const memory_scene& scene, size_t subdataset)
      : about(scene.description().subdatasets[subdataset]),
        data(scene.data(subdataset)),
        period(period_columns(about.grid)) {}

  size_t bytes() const { return size_of(about.type); }

  /// The pixel's place in a plane; false where the scene does not reach.
  bool place(int64_t col, int64_t row, size_t& at) const {
    if (period) col = ((col % *period) + *period) % *period;
    if (col < 0 || row < 0 || col >= about.grid.width || row >= about.grid.height) return false;
    at = static_cast<size_t>(row * about.grid.width + col);
    return true;
  }

  size_t plane() const { return static_cast<size_t>(about.grid.width * about.grid.height); }

  bool valid(size_t band, size_t at) const {
    switch (about.valid) {
      case validity::all:
        return true;
      case validity::mask:
        return data.masks[at] != std::byte{0};
      case validity::band_masks:
        return data.masks[band * plane() + at] != std::byte{0};
      case validity::alpha:
        return !same_value(
            about.type, bits_at(data.bands, (about.bands.size() - 1) * plane() + at, bytes()), 0);
      case validity::nodata:
        return !about.bands[band].nodata ||
               !same_value(about.type, bits_at(data.bands, band * plane() + at, bytes()),
                           *about.bands[band].nodata);
    }
    return false;
  }

  bool valid(size_t at) const {
    for (size_t band = 0; band < about.bands.size(); ++band)
      if (valid(band, at)) return true;
    return false;
  }

  /// The cell of every pixel of a window, each projected.
  std::vector<cell_index> cells(pixel_mapper& mapper, const cell_grid& grid, int64_t column,
                                int64_t row, int64_t width, int64_t height) const {
    const auto count = static_cast<size_t>(width * height);
    std::vector<double> x(count), y(count);
    std::vector<uint8_t> ok(count);
    for (size_t i = 0; i < count; ++i) {
      x[i] = static_cast<double>(column + static_cast<int64_t>(i) % width) + 0.5;
      y[i] = static_cast<double>(row + static_cast<int64_t>(i) / width) + 0.5;
    }
    mapper.to_cell_crs(x, y, ok);
    std::vector<cell_index> found(count);
    for (size_t i = 0; i < count; ++i)
      if (ok[i]) found[i] = grid.cell_of(x[i], y[i]);
    return found;
  }

  const subdataset_description& about;
  const memory_scene::pixels& data;
  const std::optional<int64_t> period;
};

/// The pixels of one plane of a chip, put together from its blocks; `known` is 0 where the block
/// is one without a valid pixel. The error names what is wrong with the blocks.
struct chip_plane {
  std::vector<std::byte> pixels;
  std::vector<uint8_t> known;
  std::vector<uint64_t> contents;
};

inline result<chip_plane> plane_of(const kept_chip& chip, const planned_chip& about, uint16_t edge,
                                   uint32_t plane, pixel_type type) {
  const auto wrong = [](const char* why) { return fail(ec::internal, "join blocks", why); };
  const size_t bytes = size_of(type);
  const uint32_t across = (about.width + edge - 1) / edge;
  const uint32_t down = (about.height + edge - 1) / edge;
  chip_plane joined;
  joined.pixels.resize(size_t{about.width} * about.height * bytes);
  joined.known.assign(size_t{about.width} * about.height, 0);
  block_decoder decoder;
  for (uint32_t y = 0; y < down; ++y)
    for (uint32_t x = 0; x < across; ++x) {
      const auto found = chip.records.find((plane * down + y) * across + x);
      if (found == chip.records.end()) return wrong("a block is missing");
      joined.contents.push_back(0);
      if (found->second.empty()) continue;
      STIP_ASSIGN(const auto header, parse_block(found->second));
      const uint32_t columns = std::min<uint32_t>(edge, about.width - x * edge);
      const uint32_t rows = std::min<uint32_t>(edge, about.height - y * edge);
      if (header.type != type || header.rows != rows || header.columns != columns)
        return wrong("a block has another type or shape");
      std::vector<std::byte> pixels(pixel_bytes(header));
      STIP_TRY(decoder.decode_block(found->second, pixels));
      joined.contents.back() = hash64(std::span<const std::byte>(pixels));
      for (uint32_t row = 0; row < rows; ++row) {
        const size_t to = size_t{y * edge + row} * about.width + x * edge;
        std::memcpy(joined.pixels.data() + to * bytes, pixels.data() + row * columns * bytes,
                    columns * bytes);
        std::fill_n(joined.known.begin() + static_cast<ptrdiff_t>(to), columns, uint8_t{1});
      }
    }
  return joined;
}

/// Scenes of any shape and content from a seed.
class scene_maker {
 public:
  explicit scene_maker(uint64_t seed) : random(seed) {}

  int64_t any(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
  }

  source_tiling tiling(const grid& g) {
    const bool together = any(0, 1) == 1;
    switch (any(0, 5)) {
      case 0:
        return {g.width, 1, together};
      case 1:
        return {g.width, any(1, g.height), together};
      case 2:
        return {g.width + any(0, 50), g.height + any(0, 70), together};
      case 3:
        return {any(1, 16) * 16, any(1, 16) * 16, together};
      case 4:
        return {any(std::min<int64_t>(16, g.width), g.width), any(1, g.height), together};
      default:
        return {64, 64, together};
    }
  }

  subdataset_description describe(const grid& g, pixel_type type, size_t bands, validity valid) {
    subdataset_description one;
    one.id = std::to_string(any(0, 99));
    one.grid = g;
    one.type = type;
    one.valid = valid;
    for (size_t i = 0; i < bands; ++i) {
      band_description band;
      band.name = std::to_string(i + 1);
      if (valid == validity::nodata || any(0, 3) == 0) band.nodata = nodata(type);
      one.bands.push_back(band);
    }
    return one;
  }

  subdataset_description describe(const grid& g) {
    static constexpr pixel_type types[] = {
        pixel_type::uint8,   pixel_type::int8,   pixel_type::uint16, pixel_type::int16,
        pixel_type::uint32,  pixel_type::int32,  pixel_type::uint64, pixel_type::int64,
        pixel_type::float32, pixel_type::float64};
    return describe(g, types[any(0, 9)], static_cast<size_t>(std::max<int64_t>(1, any(-3, 5))),
                    static_cast<validity>(any(0, 4)));
  }

  memory_scene::pixels fill(const subdataset_description& one) {
    memory_scene::pixels made;
    made.tiling = tiling(one.grid);
    const size_t bytes = size_of(one.type);
    const auto plane = static_cast<size_t>(one.grid.width * one.grid.height);
    made.bands.resize(one.bands.size() * plane * bytes);
    const bool wild = any(0, 2) == 0;
    for (size_t i = 0; i < one.bands.size() * plane; ++i) {
      const uint64_t bits = wild ? random() : 1000 + i % 97;
      std::memcpy(made.bands.data() + i * bytes, &bits, bytes);
    }
    made.masks.assign(mask_planes(one.valid, one.bands.size()) * plane, std::byte{1});
    const bool alpha = one.valid == validity::alpha;
    // Holes: rectangles in one or all bands, and single pixels.
    const auto holes = any(0, 6);
    for (int64_t hole = 0; hole < holes; ++hole) {
      const auto x0 = any(0, one.grid.width - 1), x1 = any(x0, one.grid.width - 1);
      const auto y0 = any(0, one.grid.height - 1), y1 = any(y0, one.grid.height - 1);
      const bool all = any(0, 1) == 0;
      const auto only = static_cast<size_t>(any(0, static_cast<int64_t>(one.bands.size()) - 1));
      const auto share = any(0, 2);
      for (int64_t y = y0; y <= y1; ++y)
        for (int64_t x = x0; x <= x1; ++x) {
          if (share == 0 && random() % 3 != 0) continue;
          const auto at = static_cast<size_t>(y * one.grid.width + x);
          for (size_t band = 0; band < one.bands.size(); ++band) {
            if (!all && band != only && !(alpha && band + 1 == one.bands.size())) continue;
            uint64_t none = one.bands[band].nodata.value_or(0);
            if (alpha && band + 1 == one.bands.size()) none = 0;
            if (one.valid == validity::nodata || alpha)
              std::memcpy(made.bands.data() + (band * plane + at) * bytes, &none, bytes);
            if (one.valid == validity::band_masks) made.masks[band * plane + at] = std::byte{0};
          }
          if (one.valid == validity::mask) made.masks[at] = std::byte{0};
        }
    }
    return made;
  }

  std::mt19937_64 random;

 private:
  uint64_t nodata(pixel_type type) {
    const size_t bits = size_of(type) * 8;
    uint64_t value = any(0, 2) == 0 ? random() : static_cast<uint64_t>(any(0, 1) * 1005);
    if (is_float(type) && any(0, 1) == 0) {
      const float quiet = NAN;
      const double wide = NAN;
      value = 0;
      if (type == pixel_type::float32)
        std::memcpy(&value, &quiet, 4);
      else
        std::memcpy(&value, &wide, 8);
    }
    return bits == 64 ? value : value & ((uint64_t{1} << bits) - 1);
  }
};

/// A scene of one subdataset.
inline memory_scene make_scene(subdataset_description one, memory_scene::pixels pixels) {
  scene_description description;
  description.subdatasets.push_back(std::move(one));
  std::vector<memory_scene::pixels> data;
  data.push_back(std::move(pixels));
  return memory_scene(std::move(description), std::move(data));
}

/// A scene of these subdatasets, filled.
inline memory_scene make_scene(scene_maker& maker, std::vector<subdataset_description> all) {
  scene_description description;
  std::vector<memory_scene::pixels> data;
  for (const auto& one : all) data.push_back(maker.fill(one));
  description.subdatasets = std::move(all);
  return memory_scene(std::move(description), std::move(data));
}

}  // namespace stip::test

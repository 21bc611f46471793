#include "libstip/analysis/mosaic.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "libstip/analysis/mosaic_painter.hpp"
#include "libstip/core/parallel.hpp"
#include "libstip/core/time.hpp"
#include "libstip/raster/cog_stream.hpp"
#include "libstip/raster/new_file.hpp"
#include "libstip/raster/picture_file.hpp"

namespace stip {

namespace {

/// Bytes that all threads may take for their parts and what these are made of; those of one thread
/// at least, and of its part at most. Tiles on their way into the file come besides.
constexpr uint64_t work_bytes = uint64_t{192} << 20;
constexpr uint64_t min_thread_bytes = uint64_t{16} << 20;
constexpr uint64_t max_part_bytes = uint64_t{32} << 20;
/// The edges that a part may have.
constexpr int64_t min_edge = cog_stream::tile_edge;
constexpr int64_t max_edge = 4 * cog_stream::tile_edge;

/// Threads beyond the processors: they wait for nodes while the others compute.
constexpr size_t waiting_threads = 1;

/// The bits of both numbers in turn: neighbours in this order are neighbours in the plane, so that
/// their chips are still there, and overviews are soon whole.
uint64_t morton(uint32_t x, uint32_t y) {
  const auto spread = [](uint64_t v) {
    v = (v | v << 16) & 0x0000ffff0000ffff;
    v = (v | v << 8) & 0x00ff00ff00ff00ff;
    v = (v | v << 4) & 0x0f0f0f0f0f0f0f0f;
    v = (v | v << 2) & 0x3333333333333333;
    return (v | v << 1) & 0x5555555555555555;
  };
  return spread(x) | spread(y) << 1;
}

/// Threads for so many processors, or as many as are wanted: no more than memory allows.
size_t threads_of(const mosaic_plan& plan, size_t wanted) {
  if (wanted == 0) wanted = std::thread::hardware_concurrency() + waiting_threads;
  const auto smallest = mosaic_painter::bytes_of(plan, uint64_t{min_edge} * min_edge);
  const auto affordable = work_bytes / std::max(min_thread_bytes, 2 * smallest);
  return std::clamp<size_t>(wanted, 1, std::max<uint64_t>(1, affordable));
}

std::vector<pixel_rect> parts_of(const mosaic_plan& plan, uint64_t part_bytes) {
  int64_t edge = max_edge;
  while (edge > min_edge &&
         mosaic_painter::bytes_of(plan, static_cast<uint64_t>(edge * edge)) > part_bytes)
    edge /= 2;
  const auto& grid = plan.picture.grid;
  const auto columns = (grid.width + edge - 1) / edge, rows = (grid.height + edge - 1) / edge;
  std::vector<std::pair<uint64_t, pixel_rect>> numbered;
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t x = 0; x < columns; ++x)
      numbered.emplace_back(
          morton(static_cast<uint32_t>(x), static_cast<uint32_t>(y)),
          intersect({x * edge, y * edge, edge, edge}, {0, 0, grid.width, grid.height}));
  std::sort(numbered.begin(), numbered.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<pixel_rect> out;
  for (auto& [number, rect] : numbered) out.push_back(rect);
  return out;
}

cog_description describe(const mosaic_plan& plan) {
  cog_description out;
  out.pixels = plan.picture;
  out.classes = plan.classes;
  out.items["MOSAIC"] = std::string(to_string(plan.pick));
  out.items["IMAGES"] = std::to_string(plan.images);
  epoch_seconds first = INT64_MAX, last = INT64_MIN;
  for (const auto& scene : plan.scenes) {
    first = std::min(first, scene.key.timestamp);
    last = std::max(last, scene.key.timestamp);
  }
  if (first <= last) {
    out.items["START"] = to_iso8601(first);
    out.items["END"] = to_iso8601(last);
  }
  if (plan.expression) out.items["EXPRESSION"] = plan.expression->expression;
  return out;
}

/// What the threads of a picture share.
struct shared_work {
  std::vector<pixel_rect> parts;
  std::atomic<size_t> next{0};
  std::atomic<bool> ended{false};
  std::mutex mutex;
  result<void> outcome;
  uint64_t done = 0;
  uint64_t painted = 0;

  void end(error why) {
    const std::lock_guard lock{mutex};
    if (outcome) outcome = fail(std::move(why));
    ended = true;
  }
};

}  // namespace

result<mosaic_outcome> paint_mosaic(const mosaic_plan& plan, block_source& source,
                                    const std::string& path, const mosaic_options& options) {
  STIP_ASSIGN(const auto file, cog_stream::create(path, describe(plan)));
  block_cache cache{source, options.cache_bytes};
  shared_work all;
  const auto threads = threads_of(plan, options.threads);
  // One half for the part, the other for what it is made of.
  const auto part_bytes = std::min(max_part_bytes, work_bytes / threads / 2);
  all.parts = parts_of(plan, part_bytes);
  const size_t bands = plan.picture.bands.size();
  const auto paint_one = [&](mosaic_painter& painter, const pixel_rect& rect, painted& pixels,
                             std::vector<uint8_t>& any) -> result<bool> {
    STIP_ASSIGN(const auto some, painter.paint(rect, pixels));
    if (!some) {
      STIP_TRY(file->add_empty(rect));
      return false;
    }
    const size_t area = rect.pixels();
    any.assign(pixels.valid.begin(), pixels.valid.begin() + static_cast<ptrdiff_t>(area));
    for (size_t b = 1; b < bands; ++b)
      for (size_t i = 0; i < area; ++i) any[i] |= pixels.valid[b * area + i];
    STIP_TRY(file->add(rect, pixels.planes, any));
    return true;
  };
  const auto work = [&](size_t) {
    mosaic_painter painter{plan, cache, part_bytes};
    painted pixels;
    std::vector<uint8_t> any;
    for (size_t i = all.next++; i < all.parts.size() && !all.ended; i = all.next++) {
      if (options.stopped()) {
        all.end({ec::stopped, "paint " + path, "it was stopped", ""});
        return;
      }
      auto some = paint_one(painter, all.parts[i], pixels, any);
      if (!some) {
        all.end(std::move(some).error());
        return;
      }
      const std::lock_guard lock{all.mutex};
      all.painted += *some ? 1 : 0;
      options.progress(++all.done, all.parts.size(), file->bytes());
    }
  };
  in_parallel(std::clamp<size_t>(all.parts.size(), 1, threads), work);
  STIP_TRY(all.outcome);
  STIP_TRY(file->finish());
  mosaic_outcome out;
  out.blocks_read = cache.reads();
  out.block_requests = cache.requests();
  out.cached_bytes = cache.peak_bytes();
  out.written_bytes = file->bytes();
  out.painted_parts = all.painted;
  out.parts = all.parts.size();
  return out;
}

result<mosaic_outcome> paint_mosaic_png(const mosaic_plan& plan, block_source& source,
                                        const std::string& path, const picture_style& style,
                                        const mosaic_options& options) {
  // What cannot be painted is told before the pixels are read.
  const auto& p = plan.picture;
  STIP_TRY(picture_painter::make(p.type, p.bands, style, [](size_t) {
    return std::vector<double>{0, 1};
  }));
  STIP_ASSIGN(auto made, new_file::beside(path));
  const auto raster = made.name() + ".tif";
  auto painted = paint_mosaic(plan, source, raster, options);
  if (painted && options.stopped()) painted = fail(ec::stopped, "paint " + path, "it was stopped");
  if (painted)
    if (auto done = paint_file(raster, p.type, p.bands, style, made.name(), true); !done)
      painted = fail(std::move(done).error());
  std::error_code ignored;
  std::filesystem::remove(raster, ignored);
  STIP_TRY(painted);
  painted->written_bytes = std::filesystem::file_size(made.name(), ignored);
  STIP_TRY(made.commit());
  return painted;
}

}  // namespace stip

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "libstip/analysis/mosaic_plan.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/picture.hpp"

namespace stip {

/// How a picture is painted.
struct mosaic_options {
  /// Threads that read, paint and compress; some wait for nodes while others compute.
  /// 0: as many as there are processors, and one; never more than memory allows.
  size_t threads = 0;
  /// Decoded blocks that are kept, in bytes.
  uint64_t cache_bytes = uint64_t{64} << 20;
  /// Asked often, by any thread: true ends the work with ec::stopped.
  std::function<bool()> stopped = [] { return false; };
  /// Told how many of how many parts are painted, and the bytes of compressed pixels, by any
  /// thread, one at a time.
  std::function<void(uint64_t done, uint64_t total, uint64_t bytes)> progress =
      [](uint64_t, uint64_t, uint64_t) {};
};

/// What was painted.
struct mosaic_outcome {
  /// Blocks that were read, and how many of them more than once.
  uint64_t blocks_read = 0;
  uint64_t block_requests = 0;
  uint64_t cached_bytes = 0;
  uint64_t written_bytes = 0;
  /// Parts of the picture that hold data, and all.
  uint64_t painted_parts = 0;
  uint64_t parts = 0;
};

/// Paints the picture into a cloud optimized GeoTIFF, part by part: memory depends neither on its
/// size nor on the images'. `path` is the whole new file or what was there before. Errors: those
/// of the source and of cog_stream; stopped.
result<mosaic_outcome> paint_mosaic(const mosaic_plan& plan, block_source& source,
                                    const std::string& path, const mosaic_options& options);

/// The same as an 8-bit PNG of one band or three: percentiles are those of the whole picture. It is
/// painted as a GeoTIFF beside `path` first, which goes away. Errors: besides, those of
/// picture_painter.
result<mosaic_outcome> paint_mosaic_png(const mosaic_plan& plan, block_source& source,
                                        const std::string& path, const picture_style& style,
                                        const mosaic_options& options);

}  // namespace stip

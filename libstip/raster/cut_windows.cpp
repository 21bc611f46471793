#include "libstip/raster/cut_windows.hpp"

#include <algorithm>

namespace stip {

result<source_windows> source_windows::make(int64_t width, int64_t height,
                                            const source_tiling& tiling, uint64_t target_pixels) {
  if (width < 1 || height < 1 || tiling.block_width < 1 || tiling.block_height < 1)
    return fail(ec::invalid_argument, "plan the cut",
                "source blocks of " + std::to_string(tiling.block_width) + " x " +
                    std::to_string(tiling.block_height) + " pixels do not tile a scene of " +
                    std::to_string(width) + " x " + std::to_string(height));
  source_windows made;
  made.width_ = width;
  made.height_ = height;
  // A block may be larger than the scene; what lies beyond is never read.
  const int64_t block_width = std::min(tiling.block_width, width);
  const int64_t block_height = std::min(tiling.block_height, height);
  const uint64_t block_pixels =
      static_cast<uint64_t>(block_width) * static_cast<uint64_t>(block_height);
  const auto across = static_cast<uint64_t>((width + block_width - 1) / block_width);
  const auto down = static_cast<uint64_t>((height + block_height - 1) / block_height);
  const uint64_t budget = std::max<uint64_t>(1, target_pixels / block_pixels);
  const uint64_t joined_across = std::min(across, budget);
  const uint64_t joined_down =
      joined_across == across ? std::min(down, std::max<uint64_t>(1, budget / across)) : 1;
  made.step_x_ = block_width * static_cast<int64_t>(joined_across);
  made.step_y_ = block_height * static_cast<int64_t>(joined_down);
  made.columns_ = (width + made.step_x_ - 1) / made.step_x_;
  made.rows_ = (height + made.step_y_ - 1) / made.step_y_;
  return made;
}

}  // namespace stip

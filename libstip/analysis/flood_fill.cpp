#include "libstip/analysis/flood_fill.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace stip {

namespace {

constexpr size_t levels = size_t{std::numeric_limits<uint16_t>::max()} + 1;
constexpr uint32_t end_of_list = std::numeric_limits<uint32_t>::max();

/// Pixels that wait, by level: a list for each. Levels are taken in ascending order, and nothing is
/// put below the one that is being taken.
class level_lists {
 public:
  explicit level_lists(size_t pixels) : first_(levels, end_of_list), next_(pixels) {}

  void put(uint32_t pixel, uint16_t level) {
    next_[pixel] = first_[level];
    first_[level] = pixel;
  }

  /// The next pixel of the lowest level; false when none waits.
  bool take(uint32_t& pixel, uint16_t& level) {
    while (at_ < levels && first_[at_] == end_of_list) ++at_;
    if (at_ == levels) return false;
    level = static_cast<uint16_t>(at_);
    pixel = first_[at_];
    first_[at_] = next_[pixel];
    return true;
  }

 private:
  std::vector<uint32_t> first_, next_;
  size_t at_ = 0;
};

}  // namespace

void fill_hollows(std::span<const uint16_t> from, plane_size size, uint16_t outside, uint16_t hole,
                  std::span<uint16_t> to) {
  const auto width = size.width, height = size.height;
  level_lists waiting(size.pixels());
  std::vector<bool> reached(size.pixels());
  const auto reach = [&](size_t at, uint16_t level) {
    if (reached[at]) return;
    reached[at] = true;
    const bool is_hole = from[at] == hole;
    const auto own = is_hole ? outside : from[at];
    const auto filled = is_hole ? own : std::max(own, level);
    to[at] = is_hole ? hole : filled;
    // What is lower than the level that reached it runs off over that level.
    waiting.put(static_cast<uint32_t>(at), std::max(filled, level));
  };
  // The whole outside is at one level: it reaches its neighbours, and holes are a part of it.
  for (size_t y = 0; y < height; ++y)
    for (size_t x = 0; x < width; ++x)
      if (x == 0 || y == 0 || x + 1 == width || y + 1 == height || from[y * width + x] == hole)
        reach(y * width + x, outside);
  uint32_t pixel = 0;
  uint16_t level = 0;
  while (waiting.take(pixel, level)) {
    const size_t x = pixel % width, y = pixel / width;
    for (size_t ny = y == 0 ? 0 : y - 1; ny < std::min(height, y + 2); ++ny)
      for (size_t nx = x == 0 ? 0 : x - 1; nx < std::min(width, x + 2); ++nx)
        reach(ny * width + nx, level);
  }
}

}  // namespace stip

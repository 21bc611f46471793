#include "libstip/analysis/plane_fit.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace stip {

namespace {

bool nests(size_t a, size_t b) {
  return a != 0 && b != 0 && (a % b == 0 || b % a == 0);
}

std::string text(plane_size size) {
  return std::to_string(size.width) + " x " + std::to_string(size.height);
}

template <class T>
result<void> check(std::span<const T> from, plane_size from_size, plane_size to_size,
                   std::span<T> to) {
  const auto what = "bring " + text(from_size) + " pixels to " + text(to_size);
  if (from.size() != from_size.pixels() || to.size() != to_size.pixels())
    return fail(ec::invalid_argument, what, "a plane has another number of pixels");
  if (!nests(from_size.width, to_size.width) || !nests(from_size.height, to_size.height))
    return fail(ec::invalid_argument, what, "neither is a whole multiple of the other");
  return {};
}

/// The first of the source's pixels in a pixel of the target, along a side.
size_t first_in(size_t at, size_t from, size_t to) {
  return from >= to ? at * (from / to) : at / (to / from);
}

/// How many of them there are.
size_t count_in(size_t from, size_t to) {
  return from >= to ? from / to : 1;
}

}  // namespace

result<void> fit_plane(std::span<const float> from, plane_size from_size, plane_size to_size,
                       std::span<float> to) {
  STIP_TRY(check(from, from_size, to_size, to));
  const auto columns = count_in(from_size.width, to_size.width);
  const auto rows = count_in(from_size.height, to_size.height);
  for (size_t y = 0; y < to_size.height; ++y) {
    const auto top = first_in(y, from_size.height, to_size.height);
    for (size_t x = 0; x < to_size.width; ++x) {
      const auto left = first_in(x, from_size.width, to_size.width);
      float sum = 0;
      size_t known = 0;
      for (size_t row = top; row < top + rows; ++row)
        for (size_t column = left; column < left + columns; ++column) {
          const auto value = from[row * from_size.width + column];
          if (std::isnan(value)) continue;
          sum += value;
          ++known;
        }
      to[y * to_size.width + x] =
          known == 0 ? std::numeric_limits<float>::quiet_NaN() : sum / static_cast<float>(known);
    }
  }
  return {};
}

result<void> fit_classes(std::span<const uint8_t> from, plane_size from_size, plane_size to_size,
                         std::span<uint8_t> to) {
  STIP_TRY(check(from, from_size, to_size, to));
  const auto columns = count_in(from_size.width, to_size.width);
  const auto rows = count_in(from_size.height, to_size.height);
  for (size_t y = 0; y < to_size.height; ++y) {
    const auto row = first_in(y, from_size.height, to_size.height) + rows / 2;
    for (size_t x = 0; x < to_size.width; ++x) {
      const auto column = first_in(x, from_size.width, to_size.width) + columns / 2;
      to[y * to_size.width + x] = from[row * from_size.width + column];
    }
  }
  return {};
}

}  // namespace stip

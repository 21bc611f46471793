#include "libstip/analysis/filter_planes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <string>
#include <type_traits>

namespace stip {

namespace {

/// OpenCV's medianBlur takes windows of 3 and 5 of these types, and any of bytes.
template <class T>
constexpr bool has_small_median = std::is_same_v<T, uint8_t> || std::is_same_v<T, uint16_t> ||
                                  std::is_same_v<T, int16_t> || std::is_same_v<T, float>;
constexpr int largest_small_median = 2;
/// Its windows of bytes count in 16 bits.
constexpr int largest_byte_median = 126;

template <class T>
constexpr int mat_type = std::is_same_v<T, uint8_t>    ? CV_8UC1
                         : std::is_same_v<T, uint16_t> ? CV_16UC1
                         : std::is_same_v<T, int16_t>  ? CV_16SC1
                         : std::is_same_v<T, float>    ? CV_32FC1
                                                       : CV_64FC1;

template <class T>
cv::Mat mat_of(std::span<T> values, plane_size size) {
  return {static_cast<int>(size.height), static_cast<int>(size.width), mat_type<T>, values.data()};
}

result<void> check(size_t values, size_t valid, plane_size size) {
  const auto what = "filter an image";
  if (values != size.pixels() || valid != size.pixels())
    return fail(ec::invalid_argument, what, "a plane has another number of pixels");
  if (size.width > size_t(INT32_MAX) || size.height > size_t(INT32_MAX))
    return fail(ec::limit_exceeded, what, "it has too many columns or rows");
  return {};
}

/// What OpenCV throws, as a value.
template <class F>
result<void> guarded(F&& f) {
  try {
    f();
    return {};
  } catch (const std::exception& e) {
    return fail(ec::internal, "filter an image", e.what());
  }
}

/// Calls `take(value)` for the valid pixels of a window.
template <class T, class Take>
void for_window(std::span<const T> values, std::span<const uint8_t> valid, plane_size size,
                size_t x, size_t y, size_t radius, Take&& take) {
  const auto left = x - std::min(x, radius), right = std::min(size.width - 1, x + radius);
  const auto top = y - std::min(y, radius), bottom = std::min(size.height - 1, y + radius);
  for (auto row = top; row <= bottom; ++row)
    for (auto column = left; column <= right; ++column)
      if (const auto i = row * size.width + column; valid[i] != 0) take(values[i]);
}

/// Whether each run of 2 * radius + 1 flags is without a 0; `step` from one flag to the next.
void whole_runs(const uint8_t* from, size_t count, size_t step, size_t radius, uint8_t* to) {
  size_t holes = 0;
  const auto is_hole = [&](size_t i) { return from[i * step] == 0 ? size_t{1} : size_t{0}; };
  for (size_t i = 0; i < std::min(radius, count); ++i) holes += is_hole(i);
  for (size_t i = 0; i < count; ++i) {
    if (i + radius < count) holes += is_hole(i + radius);
    if (i > radius) holes -= is_hole(i - radius - 1);
    to[i * step] = holes == 0 && i >= radius && i + radius < count ? 1 : 0;
  }
}

}  // namespace

std::vector<uint8_t> whole_windows(std::span<const uint8_t> valid, plane_size size, int radius) {
  std::vector<uint8_t> along(size.pixels()), out(size.pixels());
  const auto r = static_cast<size_t>(radius);
  for (size_t y = 0; y < size.height; ++y)
    whole_runs(valid.data() + y * size.width, size.width, 1, r, along.data() + y * size.width);
  for (size_t x = 0; x < size.width; ++x)
    whole_runs(along.data() + x, size.height, size.width, r, out.data() + x);
  return out;
}

template <class T>
result<void> blur_plane(std::span<T> values, std::span<const uint8_t> valid, plane_size size,
                        int radius) {
  STIP_TRY(check(values.size(), valid.size(), size));
  if (values.empty()) return {};
  std::vector<T> weighted(values.size()), weights(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    weighted[i] = valid[i] != 0 ? values[i] : T{0};
    weights[i] = valid[i] != 0 ? T{1} : T{0};
  }
  std::vector<T> sums(values.size()), shares(values.size());
  STIP_TRY(guarded([&] {
    // OpenCV's own choice for sizes up to 7 is another curve.
    const double sigma = 0.3 * (radius - 1) + 0.8;
    const auto kernel = cv::getGaussianKernel(2 * radius + 1, sigma, mat_type<T>);
    const auto filter = [&](std::vector<T>& from, std::vector<T>& to) {
      auto out = mat_of(std::span(to), size);
      cv::sepFilter2D(mat_of(std::span(from), size), out, -1, kernel, kernel, cv::Point(-1, -1), 0,
                      cv::BORDER_CONSTANT);
    };
    filter(weighted, sums);
    filter(weights, shares);
  }));
  for (size_t i = 0; i < values.size(); ++i)
    if (valid[i] != 0) values[i] = sums[i] / shares[i];
  return {};
}

template <class T>
result<void> median_plane(std::span<T> values, std::span<const uint8_t> valid, plane_size size,
                          int radius) {
  STIP_TRY(check(values.size(), valid.size(), size));
  if (values.empty()) return {};
  std::vector<T> from(values.begin(), values.end());
  std::vector<uint8_t> whole(values.size());
  if constexpr (has_small_median<T>) {
    const bool serves = radius <= largest_small_median ||
                        (std::is_same_v<T, uint8_t> && radius <= largest_byte_median);
    if (serves) {
      whole = whole_windows(valid, size, radius);
      std::vector<T> medians(values.size());
      STIP_TRY(guarded([&] {
        auto out = mat_of(std::span(medians), size);
        cv::medianBlur(mat_of(std::span(from), size), out, 2 * radius + 1);
      }));
      for (size_t i = 0; i < values.size(); ++i)
        if (whole[i] != 0) values[i] = medians[i];
    }
  }
  std::vector<T> window;
  for (size_t y = 0; y < size.height; ++y)
    for (size_t x = 0; x < size.width; ++x) {
      const auto i = y * size.width + x;
      if (valid[i] == 0 || whole[i] != 0) continue;
      window.clear();
      for_window(std::span<const T>(from), valid, size, x, y, static_cast<size_t>(radius),
                 [&](T value) { window.push_back(value); });
      const auto middle = window.begin() + static_cast<long>((window.size() - 1) / 2);
      std::nth_element(window.begin(), middle, window.end());
      values[i] = *middle;
    }
  return {};
}

template <class T>
result<void> edges_of_plane(std::span<T> values, std::span<const uint8_t> valid, plane_size size) {
  STIP_TRY(check(values.size(), valid.size(), size));
  if (values.empty()) return {};
  std::vector<T> from(values.begin(), values.end());
  const auto whole = whole_windows(valid, size, 1);
  std::vector<T> across(values.size()), down(values.size());
  STIP_TRY(guarded([&] {
    auto x = mat_of(std::span(across), size), y = mat_of(std::span(down), size);
    const auto plane = mat_of(std::span(from), size);
    cv::Sobel(plane, x, -1, 1, 0);
    cv::Sobel(plane, y, -1, 0, 1);
  }));
  const auto at = [&](size_t i, long column, long row) {
    const auto x = static_cast<long>(i % size.width) + column;
    const auto y = static_cast<long>(i / size.width) + row;
    if (x < 0 || y < 0 || x >= static_cast<long>(size.width) || y >= static_cast<long>(size.height))
      return from[i];
    const auto k = static_cast<size_t>(y) * size.width + static_cast<size_t>(x);
    return valid[k] != 0 ? from[k] : from[i];
  };
  for (size_t i = 0; i < values.size(); ++i) {
    if (valid[i] == 0) continue;
    if (whole[i] == 0) {
      across[i] = (at(i, 1, -1) - at(i, -1, -1)) + 2 * (at(i, 1, 0) - at(i, -1, 0)) +
                  (at(i, 1, 1) - at(i, -1, 1));
      down[i] = (at(i, -1, 1) - at(i, -1, -1)) + 2 * (at(i, 0, 1) - at(i, 0, -1)) +
                (at(i, 1, 1) - at(i, 1, -1));
    }
    values[i] = std::sqrt(across[i] * across[i] + down[i] * down[i]);
  }
  return {};
}

template result<void> blur_plane(std::span<float>, std::span<const uint8_t>, plane_size, int);
template result<void> blur_plane(std::span<double>, std::span<const uint8_t>, plane_size, int);
template result<void> edges_of_plane(std::span<float>, std::span<const uint8_t>, plane_size);
template result<void> edges_of_plane(std::span<double>, std::span<const uint8_t>, plane_size);
template result<void> median_plane(std::span<uint8_t>, std::span<const uint8_t>, plane_size, int);
template result<void> median_plane(std::span<int8_t>, std::span<const uint8_t>, plane_size, int);
template result<void> median_plane(std::span<uint16_t>, std::span<const uint8_t>, plane_size, int);
template result<void> median_plane(std::span<int16_t>, std::span<const uint8_t>, plane_size, int);
template result<void> median_plane(std::span<uint32_t>, std::span<const uint8_t>, plane_size, int);
template result<void> median_plane(std::span<int32_t>, std::span<const uint8_t>, plane_size, int);
template result<void> median_plane(std::span<uint64_t>, std::span<const uint8_t>, plane_size, int);
template result<void> median_plane(std::span<int64_t>, std::span<const uint8_t>, plane_size, int);
template result<void> median_plane(std::span<float>, std::span<const uint8_t>, plane_size, int);
template result<void> median_plane(std::span<double>, std::span<const uint8_t>, plane_size, int);

}  // namespace stip

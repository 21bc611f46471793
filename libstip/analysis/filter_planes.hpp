#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libstip/analysis/probability_mask.hpp"
#include "libstip/core/error.hpp"

// Filters of one plane of numbers, through OpenCV, with pixels that hold no data left out. Only
// functions of OpenCV that stay in the calling thread are used, since its pool of threads belongs
// to the process: separable filters, medianBlur, Sobel. Numbers are of float or double; `valid` is
// a byte a pixel, and what stands where it is 0 does not count and is left as it is.
//
// Errors of all of them: invalid_argument when spans have not the plane's size; limit_exceeded for
// planes of 2^31 columns or rows; internal with the words of OpenCV.

namespace stip {

/// Replaces each value by the mean of its neighbours with the weights of a Gaussian of
/// 2 * radius + 1 columns and rows (sigma = 0.3 * (radius - 1) + 0.8, what OpenCV has for large
/// ones): the weighted sum of the valid values divided by the sum of their weights (normalised
/// convolution, Knutsson and Westin 1993). Precondition: radius >= 1.
template <class T>
result<void> blur_plane(std::span<T> values, std::span<const uint8_t> valid, plane_size size,
                        int radius);

/// The median of the valid values at most `radius` columns and rows away; of an even number of them
/// the lower one, so that it is always a value of the plane. `T` may be any type of pixels; no
/// valid value is NaN. Precondition: radius >= 1.
template <class T>
result<void> median_plane(std::span<T> values, std::span<const uint8_t> valid, plane_size size,
                          int radius);

/// The magnitude of the gradient: the root of the squares' sum of Sobel's two 3 x 3 differences.
/// A neighbour without data, or beyond the edge, stands with the value of the pixel itself.
template <class T>
result<void> edges_of_plane(std::span<T> values, std::span<const uint8_t> valid, plane_size size);

/// 1 where all pixels at most `radius` columns and rows away are within the plane and valid.
std::vector<uint8_t> whole_windows(std::span<const uint8_t> valid, plane_size size, int radius);

}  // namespace stip

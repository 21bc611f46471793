#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "libstip/analysis/band_math_text.hpp"

// The steps of an expression on strips of pixels that stay in the first cache. The results are the
// same on every processor: no operation is fused or approximated.
//
// NaN is "not known": what depends on it is NaN too, comparisons and logic as well. An operation
// that has no number as its result (a division by 0, the root of -1) gives NaN.

namespace stip::math {

/// Pixels of a strip, a whole number of vectors.
inline constexpr size_t strip_pixels = 1024;

/// Numbers of the widest vector; a constant stands as often.
inline constexpr size_t vector_pixels = 16;

/// Where numbers come from: `at`, 64-byte aligned, has `strip_pixels` of them, or, with a `mask` of
/// 0, `vector_pixels` times the same.
struct operand {
  const float* at = nullptr;
  size_t mask = ~size_t{0};
};

/// One operation on a strip; `to` may be an operand's place.
struct step {
  math_op op = math_op::add;
  float* to = nullptr;
  operand a, b, c;
};

/// Carries out the steps in their order on the first `count` pixels, and on what follows up to a
/// whole vector.
void run(std::span<const step> steps, size_t count);

/// Copies `count` numbers; what is not finite becomes the quiet NaN. `out` may be at any address.
void finish(const operand& from, size_t count, float* out);

/// What an operation gives for single numbers: the same that `run` gives.
float apply(math_op op, float a, float b, float c) noexcept;

}  // namespace stip::math

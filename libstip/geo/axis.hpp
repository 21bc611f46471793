#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace stip {

/// A line from -half to half cut into 2^bits equal half-open pieces, bits <= 30.
/// An edge is one correctly rounded product of `half` and a dyadic fraction, so that the same
/// edge is the same double at every number of bits; a piece is found by comparing with these
/// very edges, so that index and edges never contradict each other.
struct axis {
  double half;
  int bits;

  int64_t count() const noexcept { return int64_t{1} << bits; }

  /// The lower edge of piece i; edge(count()) is half. Any i: the line goes on beyond its ends.
  double edge(int64_t i) const noexcept {
    // 2^-bits, made of its exponent: a product with it is as exact as the division.
    const auto scale = std::bit_cast<double>(static_cast<uint64_t>(1023 - bits) << 52);
    return half * (static_cast<double>(2 * i - count()) * scale);
  }

  /// The i with edge(i) <= v < edge(i + 1), not limited to [0, count()). v is finite; beyond a
  /// thousand lengths of the line the answer is only its sign.
  int64_t unbounded_index(double v) const noexcept {
    constexpr double far = 2000.0;
    const double turns = std::clamp(v / half, -far, far);
    // Rounded towards 0; the comparisons below set it right.
    auto i = static_cast<int64_t>((turns + 1.0) * 0.5 * static_cast<double>(count()));
    if (turns == far || turns == -far) return i;
    while (v < edge(i)) --i;
    while (v >= edge(i + 1)) ++i;
    return i;
  }

  /// v shifted by whole lengths of the line into [-half, half); exact.
  double wrap(double v) const noexcept {
    if (v >= -half && v < half) return v;
    v = std::remainder(v, 2 * half);
    return v >= half ? -half : v;
  }
};

}  // namespace stip

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libstip/analysis/probability_mask.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// Brings a plane of values to another size over the same ground: finer values that fall into a
/// pixel are averaged (those that are not NaN; NaN where none is), coarser ones repeated. Along
/// each side one size must be a whole multiple of the other, as Sentinel-2's 10, 20 and 60 m are.
/// Errors: invalid_argument when it is not, or when spans have not their sizes.
result<void> fit_plane(std::span<const float> from, plane_size from_size, plane_size to_size,
                       std::span<float> to);

/// The same for classes and flags: the nearest pixel, that is the one that holds the centre.
result<void> fit_classes(std::span<const uint8_t> from, plane_size from_size, plane_size to_size,
                         std::span<uint8_t> to);

}  // namespace stip

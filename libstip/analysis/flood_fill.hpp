#pragma once

#include <cstdint>
#include <span>

#include "libstip/analysis/probability_mask.hpp"

namespace stip {

/// Fills the hollows of a plane: each pixel rises to the lowest level over which water in it would
/// run off to the plane's edge (the flood-fill transformation; Soille, Vogt and Colombo 2003;
/// Priority-Flood of Barnes, Lehman and Mulla 2014, Computers and Geosciences 62). Outside of the
/// plane, and where a pixel is `hole`, the level is `outside`, so that a hollow that the edge cuts
/// is filled to it. Holes stay holes. Eight neighbours. Precondition: the spans have the plane's
/// size.
void fill_hollows(std::span<const uint16_t> from, plane_size size, uint16_t outside, uint16_t hole,
                  std::span<uint16_t> to);

}  // namespace stip

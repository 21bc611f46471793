#pragma once

#include <optional>

#include "libstip/catalog/stored_image.hpp"
#include "libstip/geo/footprint.hpp"
#include "libstip/geo/geocode.hpp"

namespace stip {

/// What an image holds data of: the cell, or the outline around the valid pixels in it, of that
/// measured subdataset which has the largest share of them; no ring when none has any. nullopt when
/// the outline is not known: of chips from before there were outlines. Errors: those of
/// footprint_of.
result<std::optional<footprint>> footprint_of(const stored_image& image,
                                              geocode_algorithm algorithm);

}  // namespace stip

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libstip/cluster/image_making.hpp"

namespace stip {

/// Sources of derived images.
inline constexpr std::string_view split_source = "split";
inline constexpr std::string_view merged_source = "merged";

/// Cuts an image into those of longer geocodes and brings them to their owners; returns when all of
/// them are durable. Only cells within `bound`, if it is not empty. What its owners hold already is
/// not made again. Errors: of reading, placing and planning; those of a node that refused chips.
result<load_outcome> split_image(const stored_image& image, const std::string& bound,
                                 const load_request& request, const load_services& services,
                                 const read_chip& read);

/// Makes the image of the cell `geocode` out of images of one scene whose cells lie within it, or
/// hold it; all have the scene's subdatasets. The scene is that of the first. `source`: of the
/// image that is made. Errors besides: invalid_argument when they are not of one scene,
/// limit_exceeded for a chip beyond defaults::max_chip_image_pixels.
result<load_outcome> merge_images(const std::string& geocode,
                                  const std::vector<stored_image>& images, std::string_view source,
                                  const load_request& request, const load_services& services,
                                  const read_chip& read);

}  // namespace stip

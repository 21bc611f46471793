#pragma once

#include <string>
#include <vector>

#include "actors/client.hpp"
#include "libstip/raster/picture.hpp"

namespace stip::cli {

/// Names between commas.
std::vector<std::string> names_of(const std::string& text);

/// Numbers between commas. Errors: invalid_argument with the option's name.
result<std::vector<double>> numbers_of(const std::string& option, std::string_view text);

/// Paints an image: of `bands` (names or roles; one, or red, green and blue, of one subdataset),
/// else of the first measured subdataset as picture_bands says. Errors: those of client::chip and
/// of paint_chip; unsupported for bands of several subdatasets.
result<picture> paint_image(const client& node, const std::string& album, const image_row& row,
                            const image_details& details, const std::vector<std::string>& bands);

/// Pixels of the chip that paint_image reads, all bands together.
uint64_t painted_pixels(const image_details& details);

}  // namespace stip::cli

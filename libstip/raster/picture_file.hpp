#pragma once

#include <string>

#include "libstip/core/error.hpp"
#include "libstip/raster/picture.hpp"

namespace stip {

/// Paints a raster file of one band or three, of `type` and described by `bands`, as a PNG: row by
/// row, so that memory does not depend on its size. Percentiles are those of an overview of about
/// defaults::picture_sample_pixels. `path` is written itself. With `remove` the raster file loses
/// its name as soon as it is open, so that it is gone however the process ends. Errors: those of open_gdal,
/// picture_painter and write_png_rows; io_error.
result<void> paint_file(const std::string& raster, pixel_type type,
                        const std::vector<band_description>& bands, const picture_style& style,
                        const std::string& path, bool remove = false);

}  // namespace stip

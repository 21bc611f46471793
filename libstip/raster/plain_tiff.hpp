#pragma once

#include <string_view>

#include "libstip/core/error.hpp"
#include "libstip/raster/chip_image.hpp"

/// GeoTIFFs as GDAL writes them at once: tiled, not compressed, with everything that is known of
/// the image. What is written for others is made of them.
namespace stip::plain_tiff {

/// Metadata items of the domain STIP stand in the default domain, with a longer name. In the
/// finished file, where metadata is XML in tag 42112 (GDAL's GTiff driver, "Internal nodata value,
/// metadata"), the surplus characters of each name are overwritten by the domain: no offset
/// changes.
inline constexpr std::string_view domain_attribute = "\" domain=\"STIP";
inline constexpr std::string_view domain_placeholder = "__stip_domain_";
static_assert(domain_attribute.size() == domain_placeholder.size());

/// Writes the file (a name of GDAL's memory files, too). Errors: io_error, limit_exceeded with
/// GDAL's words; malformed for a CRS that cannot be read.
result<void> write(const char* path, const chip_image& image);

}  // namespace stip::plain_tiff

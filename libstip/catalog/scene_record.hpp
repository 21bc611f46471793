#pragma once

#include <string>
#include <string_view>

#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// A scene as nodes remember it, once per album and node: the JSON form of scene_description.
///
///     {"format", "platform", "tile", "timestamp", "start", "end", "properties": {..},
///      "footprint", "input", "input_bytes", "input_checksum",
///      "subdatasets": [{"id", "type", "valid", "quality", "crs", "transform": [6 numbers],
///      "width",
///        "height", "bands": [{"name", "scale", "offset", "unit", "nodata", "colour",
///          "colour_table": [..], "categories": [..], "properties": {..}}]}]}
///
/// Members are sorted and numbers shortest, so that equal scenes give equal bytes; doubles come
/// back bit for bit. What JSON has no word for is a text: "nan", "inf", "-inf", and nodata's
/// pattern as "0x" and hexadecimal digits. "start", "end" and "nodata" are left out where there is
/// none. Bytes that are no UTF-8 are replaced by U+FFFD.
std::string encode(const scene_description& scene);

/// Members that are not known are ignored: a newer writer may add some. The bounds are
/// defaults::max_scene_record_bytes, max_subdatasets, max_bands and max_scene_list; grids are not
/// checked (see check_grid). Errors: malformed, with the member that is wrong.
result<scene_description> decode_scene(std::string_view json);

/// XXH3-128 of encode(scene): equal scenes have equal ids on every node.
hash128 scene_id(std::string_view encoded_scene);

}  // namespace stip

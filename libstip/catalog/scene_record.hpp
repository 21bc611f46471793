#pragma once

#include <string>
#include <string_view>

#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// A scene as nodes remember it, once per album and node: the JSON form of scene_description.
/// Numbers that JSON has no word for (NaN, 64-bit patterns) are written as strings.
std::string encode(const scene_description& scene);

/// Errors: malformed, with the member that is wrong.
result<scene_description> decode_scene(std::string_view json);

/// XXH3-128 of encode(scene): equal scenes have equal ids on every node.
hash128 scene_id(std::string_view encoded_scene);

}  // namespace stip

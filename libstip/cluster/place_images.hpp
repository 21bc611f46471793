#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "libstip/catalog/image.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// Where the copies of an image of that cell go.
using find_targets = std::function<result<std::vector<uint64_t>>(std::string_view geocode)>;

/// Which of these images the node holds from the scene of this id.
using ask_holds = std::function<result<std::vector<bool>>(
    uint64_t node, const std::vector<image_key>& keys, const hash128& scene)>;

/// For each of these images, which are to be written from the scene of this id, the nodes that have
/// to be sent it: none, when all of its targets hold it already. An image that one of them lacks
/// goes to all: what the others hold may be hidden by a deletion that has not come to them yet, and
/// would not count as a copy then. Errors: those of `targets` and `holds`.
result<std::vector<std::vector<uint64_t>>> place_images(const std::vector<image_key>& keys,
                                                        const hash128& scene,
                                                        const find_targets& targets,
                                                        const ask_holds& holds);

}  // namespace stip

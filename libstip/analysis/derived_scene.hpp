#pragma once

#include <map>
#include <string>
#include <string_view>

#include "libstip/catalog/filter.hpp"
#include "libstip/catalog/rows.hpp"
#include "libstip/catalog/stored_image.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/scene.hpp"

// How images that are computed of one image are called, and what is kept of where they come from.

namespace stip {

/// Whether images of the source hold what a scene holds, as it was measured: raw, split, merged,
/// filled, coalesced, aligned ones.
bool holds_measurements(std::string_view source);

/// Whether a task that derives images takes one: those that hold measurements where its filter
/// names no source, else whatever the filter takes.
bool is_derived_of(const image_row& image, const filter& match);

/// The source of what is derived: the product's name for images whose pixels are the scene's own
/// (raw, split, merged), else the source with the name behind it: "filled-ndvi".
std::string derived_source(std::string_view source, const std::string& name);

/// Whether a user may call a product so. Errors: invalid_argument for a name that is a source or an
/// index or begins as a filter's does, and those of check_name.
result<void> check_product_name(const std::string& name);

/// The record of what is derived of an image, without its subdatasets: what the scene's says, and
/// of which record and how it was derived. The same for all images of a scene.
scene_description derived_scene(const stored_image& of, std::string_view format,
                                const std::map<std::string, std::string>& how);

}  // namespace stip

#pragma once

#include <memory>
#include <string>

#include "libstip/raster/scene.hpp"

namespace stip {

/// The scene under another name of its input: files that came from another machine are known by
/// the name that they have there.
std::unique_ptr<scene> rename_input(std::unique_ptr<scene> source, const std::string& name);

}  // namespace stip

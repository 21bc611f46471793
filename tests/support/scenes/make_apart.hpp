#pragma once

#include "tests/support/scenes/product.hpp"

namespace stip::scenes {

/// As make(), in a process of its own (stip-scenes beside this program or in $STIP_BIN_DIR): for
/// processes that have laid GDAL's drivers for HDF and NetCDF aside, as nodes do, and since the
/// HDF4 library takes the process with it when something is wrong. Errors: those of make;
/// unavailable when there is no such program.
result<product> make_apart(const recipe& r, const std::string& folder);

/// The words of stip-scenes that say the recipe, the family first and the folder second.
std::vector<std::string> words_of(const recipe& r, const std::string& folder);

/// The program stip-scenes; empty when it is not there.
std::string maker_program();

}  // namespace stip::scenes

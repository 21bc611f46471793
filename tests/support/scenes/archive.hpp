#pragma once

#include <string>

#include "libstip/core/error.hpp"

namespace stip::scenes {

/// Packs all files under `folder` into a zip. They stand there as `TOP/PATH` (as PATH when `top` is
/// empty), in the order of their names; files of texts are deflated, those of pixels, which are
/// compressed already, are stored. Error: io_error.
result<void> zip_folder(const std::string& folder, const std::string& top, const std::string& path);

/// Packs the files of `folder` into a tar (POSIX.1-1988 ustar, without folders), in the order of
/// their names. Error: io_error.
result<void> tar_folder(const std::string& folder, const std::string& path);

}  // namespace stip::scenes

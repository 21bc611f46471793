#pragma once

#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/format/product_files.hpp"

namespace stip {

/// The files of this machine that make up an input: what has to be elsewhere, too, so that it can
/// be read there.
struct input_files {
  /// The folder that all names are relative to, with a '/' at its end.
  std::string root;
  /// The input among them: a file, or the folder that holds them.
  std::string entry;
  std::vector<product_member> files;
};

/// Of a folder, the files that a product can have (product_files::list); of a file, itself and what
/// GDAL looks for beside it (world files, .aux.xml, .ovr, .msk, .ige, ...); of the metadata of a
/// product (MTL, MTD_*.xml, tileInfo.json), also the files that it is about. Blocks.
/// Errors: not_found, io_error, limit_exceeded; unsupported for names that are no files of this
/// machine (/vsi...), invalid_argument for pipes, sockets and devices.
result<input_files> files_of_input(const std::string& input);

}  // namespace stip

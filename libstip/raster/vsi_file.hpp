#pragma once

#include <cpl_vsi.h>

#include <memory>
#include <string_view>

namespace stip {

struct close_vsi_file {
  void operator()(VSILFILE* file) const noexcept { VSIFCloseL(file); }
};

/// A file of any name that GDAL reads: of a disk, or a /vsi name.
using vsi_file = std::unique_ptr<VSILFILE, close_vsi_file>;

/// Whether every byte of such a file is as near as any other: files of this machine's file systems,
/// and members of tars that are not compressed. Other /vsi names may have to inflate or to fetch
/// what lies before.
bool seeks_freely(std::string_view name);

/// Whether a tar has the name of a compressed one.
bool has_gzip_name(std::string_view name);

}  // namespace stip

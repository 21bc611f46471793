#include "libstip/raster/vsi_file.hpp"

namespace stip {

bool has_gzip_name(std::string_view name) {
  return name.ends_with(".tgz") || name.ends_with(".tar.gz");
}

bool seeks_freely(std::string_view name) {
  if (!name.starts_with("/vsi")) return true;
  constexpr std::string_view tar = "/vsitar/{";
  const auto end = name.rfind('}');
  if (!name.starts_with(tar) || end == name.npos) return false;
  const auto archive = name.substr(tar.size(), end - tar.size());
  return !archive.starts_with("/vsi") && !has_gzip_name(archive);
}

}  // namespace stip

#include "libstip/raster/vsi_file.hpp"

#include <string>

namespace stip {

bool has_gzip_name(std::string_view name) {
  return name.ends_with(".tgz") || name.ends_with(".tar.gz");
}

bool seeks_freely(std::string_view name) {
  if (!name.starts_with("/vsi")) return true;
  // What may be compressed counts as compressed, wherever in the name it stands.
  std::string small(name);
  for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return small.starts_with("/vsitar/{") && !small.starts_with("/vsitar/{/vsi") &&
         small.find(".tgz") == small.npos && small.find(".tar.gz") == small.npos;
}

}  // namespace stip

#pragma once

#include <map>
#include <string>
#include <vector>

#include "libstip/catalog/rows.hpp"

namespace stip::test {

/// The content hash of every chip by its key: what images are, wherever they lie.
using image_contents = std::map<std::string, std::string>;

inline image_contents contents_of(const std::vector<image_row>& rows) {
  image_contents out;
  for (const auto& row : rows)
    for (const auto& s : row.subdatasets)
      out[to_string(row.key) + "/" + s.id] = to_string(s.content);
  return out;
}

}  // namespace stip::test

#include "libstip/cluster/search_rules.hpp"

#include <algorithm>

namespace stip {

bool all_settled(const std::vector<node_word>& words) {
  return std::all_of(words.begin(), words.end(), [](const node_word& w) { return w.is_settled; });
}

bool must_be_asked(const ring& ring, const album& a, std::string_view geocode,
                   const node_word& word) {
  if (!word.is_settled) return true;
  const auto nodes = replicas(ring, a, geocode);
  return std::find(nodes.begin(), nodes.end(), word.node) != nodes.end();
}

row_word word_of_row(const version& row, const std::optional<version>& hidden,
                     const std::optional<version>& written) {
  if (hidden && *hidden > row) return row_word::hidden;
  return written && *written > row ? row_word::replaced : row_word::unknown;
}

bool has_moved(const std::vector<node_word>& words, int64_t asked_ms) {
  return std::any_of(words.begin(), words.end(),
                     [&](const node_word& w) { return w.dropped_ms_ago <= asked_ms; });
}

}  // namespace stip

#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "actors/query.hpp"
#include "libstip/cluster/search_rules.hpp"

// The second look of a search at the rows that nodes show: deletions are no rows, so the nodes that
// may hide a row are asked about it (libstip/cluster/search_rules.hpp).

namespace stip {

/// What each node has said of itself with its rows.
std::vector<node_word> words_of(const std::vector<std::pair<member, query_answer>>& answers);

struct looked_twice {
  /// Without hidden rows. Nodes that could not say are among its problems, when they were needed.
  query_answer answer;
  std::vector<node_word> words;
  /// A row was replaced meanwhile: the search has to begin anew.
  bool replaced = false;
  /// All rows were hidden, and there are more after this one.
  std::optional<image_facts> go_on_after;
};

/// Looks at the merged rows of a search again, unless all is settled, and hands them to `done` in
/// the actor's context.
void look_twice(query_actor::stateful_pointer<query_state> self, const cluster_view_ptr& view,
                const album& definition, std::vector<node_word> words, query_answer merged,
                std::function<void(result<looked_twice>)> done);

}  // namespace stip

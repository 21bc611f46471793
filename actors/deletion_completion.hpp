#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/albums.hpp"
#include "libstip/cluster/deletion.hpp"

// Bringing tombstones to the nodes that need them (libstip/cluster/deletion.hpp).

namespace stip {

/// What a deletion concerns.
struct deletion_target {
  album of;
  /// The album as the user calls it.
  std::string name;
  filter match;
  /// Versions of the tombstones that it has brought to enough nodes.
  std::vector<version> own;

  std::string text() const { return "delete images of album " + name; }
};

/// Brings the tombstones of a plan to their nodes, of which `spare` holders may fail; then calls
/// `then`, in the actor's context.
void bring_tombstones(albums_pointer self, const deletion_target& what,
                      const cluster_view_ptr& view, const deletion_plan& plan, size_t spare,
                      std::function<void(result<void>)> then);

/// Brings tombstones of images that match, which earlier deletions have left on too few nodes, to
/// as many as confirm one. Errors: unavailable, when nodes are away that may have some, or too few
/// confirm.
void complete_deletions(albums_pointer self, const deletion_target& what,
                        std::function<void(result<void>)> then);

}  // namespace stip

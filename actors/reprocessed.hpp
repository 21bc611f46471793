#pragma once

#include <caf/actor_system.hpp>
#include <functional>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "libstip/catalog/scene_series.hpp"

namespace stip {

/// What an album has of other products of the same observation as a scene.
struct other_products {
  /// Tiles of those that the scene replaces.
  std::vector<std::string> older;
  /// The tile of one that replaces the scene; empty: there is none.
  std::string newer;
};

/// Looks for other products in an album, and takes those away that are replaced. Its functions
/// block; they are for the threads of a load.
class reprocessed {
 public:
  /// The actors of this node; `stopped` is asked while it waits.
  reprocessed(caf::actor_system& system, query_actor query, albums_actor albums, std::string album,
              std::function<bool()> stopped);

  /// Errors: those of a search; unavailable too, when nodes are away that may have some.
  result<other_products> look_for(const scene_description& scene) const;

  /// Deletes the images that were cut out of these tiles. Errors: those of a deletion.
  result<void> remove(const scene_description& scene, const std::vector<std::string>& tiles) const;

 private:
  template <class T, class Whom, class... Ts>
  result<T> ask(const Whom& whom, std::chrono::milliseconds deadline, const Ts&... message) const;
  /// An image of the next tile that matches, in the order of tiles; none: that was the last.
  result<std::vector<image_row>> next_tile(const filter& match, const std::string& after) const;

  caf::actor_system& system_;
  const query_actor query_;
  const albums_actor albums_;
  const std::string album_;
  const std::function<bool()> stopped_;
};

}  // namespace stip

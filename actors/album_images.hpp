#pragma once

#include <functional>
#include <string>

#include "actors/client.hpp"
#include "actors/loader.hpp"
#include "libstip/cluster/transformation.hpp"

namespace stip {

/// The images of an album for the threads of a task's work: of the whole cluster, as this node's
/// own actors see it.
class album_images {
 public:
  /// Errors: unavailable while the node does not know itself yet.
  static result<album_images> make(caf::actor_system& system, const shared_view& view,
                                   uint64_t self, std::string album, std::function<bool()> stopped);

  /// Calls back into this.
  image_source source() const;

 private:
  album_images(client node, std::string album, std::function<bool()> stopped)
      : node_(std::move(node)), album_(std::move(album)), stopped_(std::move(stopped)) {}

  result<void> list(const filter& match, const std::function<result<void>(image_row)>& look) const;

  client node_;
  std::string album_;
  std::function<bool()> stopped_;
};

}  // namespace stip

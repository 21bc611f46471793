#pragma once

#include <caf/typed_response_promise.hpp>
#include <functional>
#include <optional>

#include "actors/albums.hpp"

namespace stip {

// Opening and ending the storages of albums: a part of the albums actor, in whose context each of
// these runs.

/// Opens the album's storage, unless it is open or opening; the promise is kept when it is open.
void open_storage(albums_pointer self, const album& definition,
                  std::optional<caf::typed_response_promise<storage_actor>> promise);

/// Removes what is on the disk of an album that is deleted and not open.
void remove_files(albums_pointer self, const album& a);

/// What has to happen on this node when an album's state has changed; `then` when it has happened.
void apply_change(albums_pointer self, const album& now, const std::function<void()>& then);

/// Ends the storage of closed albums that nobody has asked for in a while: an LMDB environment
/// takes memory, address space and open files.
void close_idle(albums_pointer self);

/// Opens what waited for its last reader.
void open_postponed(albums_pointer self);

}  // namespace stip

#pragma once

#include "actors/albums.hpp"

namespace stip {

/// Deletes the images of an album that match, of all nodes, and answers with their number: a page
/// of them after the other is listed, and tombstones are brought to the nodes that hold their
/// copies (libstip/cluster/deletion.hpp). `when` is the version up to which they are hidden;
/// without one, what is listed is. Errors: those of the search, unavailable when it is not complete
/// or too few nodes confirm.
void delete_images(albums_pointer self, const album& a, const std::string& name,
                   const filter& match, const version& when,
                   caf::typed_response_promise<uint64_t> promise);

/// Whether tombstones of another node, whose ring has that version, may be taken in. Errors:
/// conflict, malformed.
result<void> check_tombstones(albums_pointer self, uint64_t ring_version,
                              const std::string& tombstones);

}  // namespace stip

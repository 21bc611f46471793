#pragma once

#include <string>
#include <vector>

#include "actors/album_view.hpp"
#include "actors/protocol.hpp"

// What one node answers to queries about an album, from what it holds itself. These block.

namespace stip {

/// Rows that a request wants at most.
size_t row_limit(const find_request& request);

/// The images that match, a page of them. Error: invalid_argument (the filter).
result<query_answer> find_here(const album_view& view, uint64_t ring_version,
                               const find_request& request);

/// What speaks against these rows of other nodes, keys and versions. Errors: malformed, those of
/// the store.
result<row_words> hides_here(const album_view& view, const std::string& rows);

/// Tombstones that others may lack. Errors: invalid_argument, those of the store.
result<hidden_page> hidden_here(const album_view& view, uint64_t ring_version,
                                const hidden_request& request);

/// Whether a query takes less time than waking a thread for it.
bool looks_at_few(const album_view& view, const find_request& request);

/// Counts of the images that match; of those whose first holder among `counted_among` is this node.
result<query_answer> extents_here(const album_view& view, const ring& ring,
                                  const find_request& request);

/// Scene and chips of an image. Errors: not_found, invalid_argument (the key).
result<image_manifest> manifest_here(const album_view& view, const std::string& key_text);

/// Blocks of a chip. Errors: not_found, conflict (it has other pixels than were asked for),
/// corrupt.
result<block_page> read_here(const album_view& view, const read_request& request);

/// Which of these images this node has from the scene of that id.
result<std::vector<bool>> holds_here(const album_view& view, const std::vector<std::string>& texts,
                                     const std::string& scene_text);

}  // namespace stip

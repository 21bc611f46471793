#pragma once

#include <chrono>

#include "actors/album_view.hpp"
#include "actors/protocol.hpp"

// Indices of images as numbers, computed by the node that has the pixels.

namespace stip {

/// An index of one image on one node, with the wait for memory, and over the cluster.
inline constexpr std::chrono::milliseconds measure_deadline{60'000};
inline constexpr std::chrono::milliseconds cluster_measure_deadline{90'000};

/// How long such an answer waits for memory that loads have.
inline constexpr std::chrono::milliseconds measure_patience{20'000};

/// The statistics of an image's index, from the planes of this node's chips. Blocks. Errors:
/// invalid_argument (key, expression), not_found, corrupt, limit_exceeded when there is no memory,
/// and those of measure_index_of.
result<measured_index> measure_here(const album_view& view, const measure_request& request);

}  // namespace stip

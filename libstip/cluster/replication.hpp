#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "libstip/catalog/album.hpp"
#include "libstip/core/error.hpp"
#include "libstip/ring/ring.hpp"

// Which nodes hold the copies of an image, how many of them have to confirm a write, and when an
// answer is complete: pure functions of ring and album.

namespace stip {

/// Whether a node can be asked now.
using is_reachable = std::function<bool(uint64_t node)>;

/// W: copies that must be durable before a chip is acknowledged. 1 of 1, 2 of 2, 2 of 3, 3 of 5.
constexpr size_t copies_to_confirm(size_t copies) {
  return copies / 2 + 1;
}

/// R = N - W + 1: of the N replicas of a range, so many have to answer before an answer is
/// complete: any W and any R of them share one.
constexpr size_t replicas_to_ask(size_t copies) {
  return copies - copies_to_confirm(copies) + 1;
}

/// N: an album has at most as many copies as the ring has nodes with tokens.
size_t copies_of(const ring& ring, const album& a);

/// The first `count` nodes that may hold an image of that cell: first its replicas, then those that
/// stand in for them, in ring order. The replicas are the first distinct nodes clockwise from the
/// token of the DHT key, on distinct racks as far as there are enough. With
/// replica_placement::parent the second is the first node from the token of the DHT key shortened
/// by one character that is not chosen yet, and on another rack if there is one.
std::vector<uint64_t> holders(const ring& ring, const album& a, std::string_view geocode,
                              size_t count);

/// The replicas alone.
std::vector<uint64_t> replicas(const ring& ring, const album& a, std::string_view geocode);

/// Where to write an image of that cell: its replicas, and for each that cannot be reached the next
/// holder that can; that one keeps the image until the replica is back.
/// Error: unavailable, with the nodes that cannot be reached, when fewer than W are left.
result<std::vector<uint64_t>> write_targets(const ring& ring, const album& a,
                                            std::string_view geocode,
                                            const is_reachable& reachable);

/// How many of the nodes that a write goes to may fail, so that it is still confirmed: what goes to
/// write_targets is then on W of them. The same for every cell.
size_t spare_nodes(const ring& ring, const album& a, const is_reachable& reachable);

/// Whether the nodes that answered know together all that was confirmed. What was confirmed lies on
/// W nodes at any time, but not always on replicas: others stand in for those that are away, and
/// new owners of a range receive it only by and by. So fewer than W of the ring's nodes may be
/// missing, wherever they stand.
bool knows_all(const ring& ring, const album& a, const is_reachable& answered);

/// Whether at least `needed` replicas of every range of the ring are among the nodes that answered:
/// with R of them an answer knows all that was confirmed, with W of them a deletion holds. A node
/// of the ring without tokens may hold images that no other has yet.
bool covers(const ring& ring, const album& a, size_t needed, const is_reachable& answered);

}  // namespace stip

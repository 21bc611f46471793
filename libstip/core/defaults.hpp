#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every tunable of stip with its default value, one block a layer.
namespace stip::defaults {

// -- core ---------------------------------------------------------------------

/// A version whose clock lies further ahead of ours than this is refused.
inline constexpr std::chrono::milliseconds max_clock_skew{10'000};

/// The smallest buffer of a buffer_pool; smaller ones cost this much of its bound.
inline constexpr uint64_t min_pooled_bytes = 1024;

// -- raster -------------------------------------------------------------------

/// Rows and columns of a stored block at most; the unit of storage, movement and partial reads.
inline constexpr uint32_t max_block_edge = 512;

/// Bands of one subdataset at most; guards allocations that a file's header controls.
inline constexpr uint32_t max_bands = 1024;

// -- catalog ------------------------------------------------------------------

/// Bytes of one part of a key (platform, source, tile, subdataset) at most.
inline constexpr size_t max_name_bytes = 255;

// -- store --------------------------------------------------------------------

/// Bytes of a segment file when it is created; it doubles up to max_segment_bytes.
inline constexpr uint64_t min_segment_bytes = uint64_t{1} << 20;
inline constexpr uint64_t max_segment_bytes = uint64_t{256} << 20;

/// Bytes of an LMDB map when an environment is opened; it grows when it is full.
inline constexpr uint64_t initial_map_bytes = uint64_t{1} << 30;

/// Chips of which a node has some blocks and waits for more; at most so many at once, and a chip
/// is given up when nothing has come for so long.
inline constexpr size_t max_open_uploads = 65'536;
inline constexpr std::chrono::milliseconds abandoned_upload{30 * 60 * 1000};

// -- actors -------------------------------------------------------------------

/// Bytes of one message with pixels at most (a single larger block travels alone).
inline constexpr size_t max_message_bytes = size_t{1} << 20;

}  // namespace stip::defaults

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

// -- geo ----------------------------------------------------------------------

/// Bytes of a CRS definition (WKT, PROJ, authority code) at most; guards PROJ's parsers.
inline constexpr size_t max_crs_bytes = size_t{1} << 20;

/// Columns or rows of a raster at most, GDAL's own limit.
inline constexpr int64_t max_raster_edge = (int64_t{1} << 31) - 1;

/// A point counts as projected only if going back returns it within this many pixels.
inline constexpr double round_trip_pixels = 1.0;

/// A grid is periodic when its columns span 360 degrees within this many pixels.
inline constexpr double periodic_tolerance_pixels = 0.5;

/// Edges of a window that lie within this of a pixel's edge are that edge.
inline constexpr double window_snap_pixels = 1e-6;

/// Cells of one covering at most; a finer precision on a larger scene is refused.
inline constexpr size_t max_covering_cells = size_t{4} << 20;

/// Regions that a covering or a window may look at before it gives up on a raster that is torn
/// everywhere.
inline constexpr size_t max_covering_regions = size_t{64} << 20;

/// Points on each of the four sides of a footprint.
inline constexpr int footprint_side_points = 48;

/// Pixels on a side of the largest patch on which projected coordinates are interpolated.
inline constexpr int64_t patch_pixels = 256;

/// Pixels on a side of the smallest such patch; below, every pixel is projected.
inline constexpr int64_t min_patch_pixels = 8;

/// A patch is interpolated when the error bound stays below this many pixels.
inline constexpr double patch_error_pixels = 0.01;

/// Rows of patches that the partition into cells keeps, most recent first.
inline constexpr size_t cached_patch_rows = 4;

// -- raster -------------------------------------------------------------------

/// Rows and columns of a stored block at most; the unit of storage, movement and partial reads.
inline constexpr uint32_t max_block_edge = 512;

/// Bands of one subdataset at most; guards allocations that a file's header controls.
inline constexpr uint32_t max_bands = 1024;

// -- catalog ------------------------------------------------------------------

/// Bytes of one part of a key (platform, source, tile, subdataset) at most.
inline constexpr size_t max_name_bytes = 255;

/// Subdatasets of one image, and of one scene, at most.
inline constexpr size_t max_subdatasets = 1024;

/// Columns or rows of a chip at most (a level-1 quadtile at 8 cm a pixel).
inline constexpr uint32_t max_chip_edge = uint32_t{1} << 28;

/// Blocks of one chip at most; each takes 16 bytes of metadata.
inline constexpr uint64_t max_chip_blocks = uint64_t{1} << 20;

/// A chip's window begins at most this many columns or rows away from its scene's origin.
inline constexpr int64_t max_window_offset = int64_t{1} << 40;

/// Bytes of an album's name at most.
inline constexpr size_t max_album_name_bytes = 64;

/// Copies of a chip that an album may ask for.
inline constexpr uint32_t max_replication = 16;

/// Bytes that decoding one buffer of rows may expand to.
inline constexpr size_t max_decoded_rows_bytes = size_t{256} << 20;

/// Bytes of one property's name or value, of a band's name and of a node's in a row, at most.
inline constexpr size_t max_row_text_bytes = size_t{64} << 10;

/// Bytes of a scene record's JSON, and of one text in it, at most.
inline constexpr size_t max_scene_record_bytes = size_t{64} << 20;

/// Entries of one list or map of a scene record (properties, colour table, categories) at most.
inline constexpr size_t max_scene_list = size_t{1} << 16;

/// The index merges its delta into the base when the delta has more than this many entries and
/// more than one for every index_base_per_delta of the base.
inline constexpr size_t min_index_delta = 4096;
inline constexpr size_t index_base_per_delta = 16;

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

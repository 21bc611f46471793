#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/album.hpp"
#include "libstip/cluster/chip_packer.hpp"
#include "libstip/cluster/place_images.hpp"
#include "libstip/core/budget.hpp"
#include "libstip/core/buffer_pool.hpp"
#include "libstip/core/clock.hpp"
#include "libstip/raster/cut.hpp"
#include "libstip/raster/plan_cache.hpp"

namespace stip {

/// What a load is asked to do with a scene.
struct load_request {
  album target;
  int precision = 5;
  /// Threads over the blocks of the scene.
  size_t threads = 1;
  /// Scenes that are cut at the same time: each may have its share of the memory.
  size_t scenes_beside = 1;
  /// The version that everything it writes carries.
  version written;
};

/// What a load needs of the node and the cluster; all of it may block and is called from the load's
/// threads.
struct load_services {
  find_targets targets;
  ask_holds holds;
  ship_parts ship;
  /// Waits until everything that was shipped for this load is answered; an error when a chip may
  /// have too few copies.
  std::function<result<void>()> settle;
  /// A number that this node never gave before: makes uploads unique.
  std::function<uint64_t()> unique;
  std::function<bool()> stopped;
  budget* memory = nullptr;
  plan_cache* plans = nullptr;
  /// Holds the bytes of all of `memory`.
  buffer_pool* buffers = nullptr;
};

struct load_outcome {
  uint64_t images_stored = 0;
  /// Images that were there already, from the same scene.
  uint64_t images_known = 0;
  uint64_t cells_without_data = 0;
  uint64_t pixels = 0;
  uint64_t pixels_without_cell = 0;
  uint64_t decoded_bytes = 0;
  /// What the user should know besides.
  std::vector<std::string> notes;

  load_outcome& operator+=(const load_outcome& other) {
    images_stored += other.images_stored;
    images_known += other.images_known;
    cells_without_data += other.cells_without_data;
    pixels += other.pixels;
    pixels_without_cell += other.pixels_without_cell;
    decoded_bytes += other.decoded_bytes;
    notes.insert(notes.end(), other.notes.begin(), other.notes.end());
    return *this;
  }
};

/// Cuts a scene and brings its chips to their owners; returns when all of them are durable. What is
/// stored already is not cut again, so an interrupted load goes on where it was.
/// Errors: of planning, reading and placing; those of a node that refused chips.
result<load_outcome> load_scene(const scene& source, const load_request& request,
                                const load_services& services);

}  // namespace stip

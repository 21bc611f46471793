#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libstip/geo/geocode.hpp"
#include "libstip/raster/block_planes.hpp"
#include "libstip/raster/chip_image.hpp"
#include "libstip/raster/chip_windows.hpp"
#include "libstip/raster/cut.hpp"
#include "libstip/raster/cut_geometry.hpp"

namespace stip {

/// The pixels of one chip and where they lie on its scene's grid.
struct placed_chip {
  pixel_rect window;
  chip_image image;
};

/// Takes the pixels of one more chip.
using paste_chip = std::function<void(const placed_chip&)>;

/// Makes chips of cells of one size out of chips of another, of one subdataset of one scene: pixels
/// are copied, never resampled, and lie where the cut of the scene would put them. One object per
/// thread.
class recutter {
 public:
  /// For cells of that precision. Errors: those of a plan (unsupported grids, no such precision).
  static result<recutter> make(const scene_description& scene, size_t subdataset,
                               geocode_algorithm algorithm, int precision);

  /// The geocodes, ascending, of the cells of the precision that lie within `outer` and hold a
  /// pixel centre of the scene in `window`. Errors: limit_exceeded when there are more than
  /// defaults::max_covering_cells.
  result<std::vector<std::string>> cells_within(const std::string& outer, const pixel_rect& window);

  /// The window of a cell's chip on the subdataset's grid. Errors: invalid_argument for what is no
  /// code of the precision; unsupported where the cell has no window.
  result<pixel_rect> window_of(const std::string& geocode);

  /// Puts the chip of a cell together out of the chips that `sources` pastes; what none of them has
  /// holds no data. Where they overlap they agree in what holds data; of the rest the last one's is
  /// taken, so paste them in an order that is always the same. Hands its blocks, of at most
  /// defaults::max_block_edge, to the sink as chip number `chip`, and finishes it. Errors: those of
  /// window_of; limit_exceeded as chip_assembler; those of `sources` and the sink.
  result<void> cut(const std::string& geocode,
                   const std::function<result<void>(const paste_chip&)>& sources, size_t chip,
                   cut_sink& sink);

 private:
  recutter(const subdataset_description& description, chip_windows windows)
      : description_(description), rule_(description), windows_(std::move(windows)) {}

  result<cell_index> index_of(const std::string& geocode) const;

  subdataset_description description_;
  validity_rule rule_;
  chip_windows windows_;
  plane_encoder encoder_;
  std::vector<cell_run> runs_;
};

/// Hands the blocks of a chip with that window to the sink, and finishes it: `known` is what
/// finished_chip says, but for the content. `pixels` are those of the window, or of the part of it
/// that can hold data: what lies beyond holds none.
result<void> encode_chip(const placed_chip& pixels, const pixel_rect& window, uint16_t block_edge,
                         finished_chip known, plane_encoder& encoder, cut_sink& sink);

}  // namespace stip

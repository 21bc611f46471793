#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "libstip/geo/georeference.hpp"
#include "libstip/raster/chip_runs.hpp"
#include "libstip/raster/cut.hpp"
#include "libstip/raster/cut_geometry.hpp"
#include "libstip/raster/cut_windows.hpp"

namespace stip {

/// One subdataset's part of a plan. A chip is known here by its ordinal: its place among the
/// subdataset's chips, which stand in the order of their codes.
struct subdataset_plan {
  size_t subdataset = 0;
  stip::grid grid;
  scene_extent extent;
  pixel_type type = pixel_type::uint8;
  size_t bands = 0;
  validity valid = validity::all;
  uint16_t block_edge = 0;
  source_windows windows;

  /// By ordinal: the chip's number in the plan, the packed code of its cell, and how many pixel
  /// centres of the grid lie in the cell, on the scene and beyond.
  std::vector<uint32_t> chips;
  std::vector<uint64_t> codes;
  std::vector<uint64_t> cell_pixels;
  /// nullptr where it would take too much memory.
  std::shared_ptr<const chip_table> table;

  /// Ordinals of the chips that meet window i: touching[touching_begin[i] .. touching_begin[i+1]),
  /// ascending.
  std::vector<uint64_t> touching_begin;
  std::vector<uint32_t> touching;

  /// Pixels of the scene that lie in no cell.
  uint64_t pixels_without_cell = 0;

  std::span<const uint32_t> touching_of(int64_t window) const {
    const auto i = static_cast<size_t>(window);
    return std::span(touching).subspan(touching_begin[i],
                                       touching_begin[i + 1] - touching_begin[i]);
  }

  /// Mask planes that are cut like bands; the plane of validity::all follows from the scene's
  /// extent alone and is made when a block is encoded.
  size_t cut_masks() const { return valid == validity::all ? 0 : mask_planes(valid, bands); }

  /// Bytes of a pixel in a block that is being filled: all bands, then a byte a mask plane.
  uint64_t stack_bytes_per_pixel() const { return bands * size_of(type) + cut_masks(); }

  /// Planes of a chip as it is stored: bands, then masks.
  uint32_t planes() const { return static_cast<uint32_t>(bands) + mask_planes(valid, bands); }

  /// Bytes of pool buffers that reading one window takes.
  uint64_t window_bytes(uint64_t pixels) const;
};

/// The plan that plan_cut makes.
class scene_plan final : public cut_plan {
 public:
  const std::vector<planned_chip>& chips() const override { return chips_; }
  uint16_t block_edge(size_t subdataset) const override;
  uint64_t needed_bytes() const override { return needed_bytes_; }
  uint64_t kept_bytes() const override;

  const std::vector<subdataset_plan>& subdatasets() const { return subdatasets_; }
  geocode_algorithm algorithm() const { return algorithm_; }
  int precision() const { return precision_; }

  /// Bytes that a thread takes for encoding, beside the pool, and that the tables take.
  uint64_t thread_bytes() const { return thread_bytes_; }
  uint64_t table_bytes() const { return table_bytes_; }

  block_layout layout(const subdataset_plan& part, size_t ordinal) const {
    const auto& chip = chips_[part.chips[ordinal]];
    return {{chip.column, chip.row, chip.width, chip.height}, part.block_edge};
  }

 private:
  friend class plan_builder;

  std::vector<planned_chip> chips_;
  std::vector<subdataset_plan> subdatasets_;
  geocode_algorithm algorithm_ = geocode_algorithm::geohash;
  int precision_ = 0;
  uint64_t needed_bytes_ = 0;
  uint64_t thread_bytes_ = 0;
  uint64_t table_bytes_ = 0;
};

}  // namespace stip

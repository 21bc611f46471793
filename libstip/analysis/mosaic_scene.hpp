#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "libstip/analysis/chip_blocks.hpp"
#include "libstip/catalog/image.hpp"
#include "libstip/core/error.hpp"
#include "libstip/raster/scene.hpp"

// A scene out of its chips: windows of its pixels, as if it lay there whole.

namespace stip {

/// What DN mean: value = DN * scale + offset.
struct dn_encoding {
  double scale = 1;
  double offset = 0;

  bool operator==(const dn_encoding&) const = default;
};

/// Where pixels go: dense planes over `rect` of the subdataset's grid, in one type, one for each
/// wanted band.
struct scene_window {
  pixel_rect rect;
  /// The part of it that is read.
  pixel_rect only;
  pixel_type type = pixel_type::uint8;
  /// bands x rows x columns.
  std::byte* pixels = nullptr;
  /// bands x rows x columns, a byte a pixel; set to 1 where there is data.
  uint8_t* valid = nullptr;
};

/// A band of a subdataset that is wanted, and what its numbers shall mean.
struct wanted_band {
  size_t band = 0;
  /// Plane of the window.
  size_t plane = 0;
  /// What they mean; not set: what the band's description says.
  std::optional<dn_encoding> means;
  /// Not set: numbers are taken as they are.
  std::optional<dn_encoding> as;
};

/// The chips of one subdataset of one scene, found by their place.
class scene_chips {
 public:
  /// `chips` lie on the grid of `description`. Numbers of chips begin at `first_number`; the caller
  /// keeps them apart.
  scene_chips(subdataset_description description, std::vector<chip_place> chips,
              uint64_t first_number);

  const subdataset_description& description() const noexcept { return description_; }
  const std::vector<chip_place>& chips() const noexcept { return chips_; }

  /// Writes the pixels that hold data into the window, and leaves the others as they are. Numbers
  /// are brought to the window's type and to `as`; those that would mean no data there by accident
  /// (`nodata` of the window's type) become the next one. A grid that spans the globe is read over
  /// its seam. Errors: those of the cache.
  result<void> read(block_cache& cache, std::span<const wanted_band> bands,
                    std::optional<uint64_t> nodata, const scene_window& to) const;

  /// Whether a chip meets the rectangle.
  bool meets(const pixel_rect& rect) const;

 private:
  result<void> read_chip(block_cache& cache, size_t chip, int64_t turn,
                         std::span<const wanted_band> bands, std::optional<uint64_t> nodata,
                         const scene_window& to) const;
  std::vector<size_t> chips_in(const pixel_rect& rect) const;

  subdataset_description description_;
  std::vector<chip_place> chips_;
  uint64_t first_number_;
  int64_t period_ = 0;
  /// Squares of the grid, by column and row, and the chips that meet them.
  int64_t bucket_edge_ = 1;
  std::unordered_map<uint64_t, std::vector<uint32_t>> buckets_;
};

}  // namespace stip

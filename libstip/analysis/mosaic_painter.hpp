#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "libstip/analysis/mosaic_plan.hpp"
#include "libstip/geo/grid_mapper.hpp"

namespace stip {

/// Pixels of a part of the picture: dense planes and their validity.
struct painted {
  /// bands x rows x columns of the picture's type; what holds no data is nodata, else 0.
  std::vector<std::byte> planes;
  /// bands x rows x columns, a byte a pixel.
  std::vector<uint8_t> valid;
};

/// Paints parts of a planned picture. What it makes of a pixel does not depend on the part that it
/// is asked with. One object per thread.
class mosaic_painter {
 public:
  /// Both must outlive it. Windows of sources, and the layers of a median, take at most
  /// `source_bytes` each: where a part of the picture needs more, it is divided.
  mosaic_painter(const mosaic_plan& plan, block_cache& cache,
                 uint64_t source_bytes = uint64_t{32} << 20)
      : plan_(plan), cache_(cache), source_bytes_(source_bytes) {}

  /// Paints `rect`, which lies in the picture. False: nothing there holds data, and `out` is
  /// unspecified. Errors: those of the chips' source.
  result<bool> paint(const pixel_rect& rect, painted& out);

  /// Bytes that a thread needs for a part of so many pixels, about.
  static uint64_t bytes_of(const mosaic_plan& plan, uint64_t pixels);

 private:
  struct mapped {
    const scene_chips* of = nullptr;
    grid_mapper mapper;
  };

  std::vector<const mosaic_layer*> layers_in(const pixel_rect& rect) const;
  result<grid_mapper*> mapper_of(const mosaic_part& part);
  void clear(const pixel_rect& rect, size_t bands, painted& out) const;
  result<void> read(const mosaic_layer& layer, const pixel_rect& rect, painted& out);
  result<void> read_part(const mosaic_part& part, const pixel_rect* only, pixel_type type,
                         std::optional<uint64_t> nodata, const pixel_rect& rect,
                         const pixel_rect& buffer, size_t first_plane, std::byte* planes,
                         uint8_t* valid);
  result<void> read_clouds(const mosaic_scene& scene, const pixel_rect& rect, painted& out);
  result<void> evaluate(const mosaic_scene& scene, const pixel_rect& rect, painted& read,
                        painted& out) const;
  result<bool> pick(const std::vector<const mosaic_layer*>& layers, const pixel_rect& rect,
                    painted& out);
  result<bool> reduce(const std::vector<const mosaic_layer*>& layers, const pixel_rect& rect,
                      painted& out);
  result<bool> blend(const std::vector<const mosaic_layer*>& layers, const pixel_rect& rect,
                     painted& out);

  std::optional<uint64_t> nodata() const;
  size_t bands() const { return plan_.picture.bands.size(); }

  const mosaic_plan& plan_;
  block_cache& cache_;
  const uint64_t source_bytes_;
  std::list<mapped> mappers_;
  painted scratch_;
  painted inputs_;
};

}  // namespace stip

#include "libstip/format/probe.hpp"

#include <limits>

#include "libstip/raster/nodata.hpp"

namespace stip {

std::string_view to_string(validity valid) noexcept {
  switch (valid) {
    case validity::nodata:
      return "nodata";
    case validity::alpha:
      return "alpha";
    case validity::mask:
      return "mask";
    case validity::band_masks:
      return "band masks";
    case validity::all:
      return "all pixels";
  }
  return "unknown";
}

probe_report probe(const scene_description& scene) {
  probe_report out;
  out.input = scene.input;
  out.input_bytes = scene.input_bytes;
  out.format = scene.format;
  out.platform = scene.platform;
  out.tile = scene.tile;
  out.timestamp = scene.timestamp;
  out.start = scene.start;
  out.end = scene.end;
  out.footprint = scene.footprint;
  for (const auto& d : scene.subdatasets) {
    probed_subdataset s;
    s.id = d.id;
    s.type = to_string(d.type);
    s.width = d.grid.width;
    s.height = d.grid.height;
    s.validity = to_string(d.valid);
    s.quality = d.quality;
    uint64_t pixels = 0;
    const auto bytes_a_pixel = uint64_t{size_of(d.type)} * d.bands.size();
    if (__builtin_mul_overflow(static_cast<uint64_t>(s.width), static_cast<uint64_t>(s.height),
                               &pixels) ||
        __builtin_mul_overflow(pixels, bytes_a_pixel, &s.raw_bytes))
      s.raw_bytes = std::numeric_limits<uint64_t>::max();
    for (const auto& band : d.bands)
      s.bands.push_back({band.name, band.nodata ? nodata_text(d.type, *band.nodata) : std::string(),
                         band.unit, band.scale, band.offset});
    out.subdatasets.push_back(std::move(s));
  }
  return out;
}

}  // namespace stip

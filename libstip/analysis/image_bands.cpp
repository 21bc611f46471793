#include "libstip/analysis/image_bands.hpp"

#include <limits>

#include "libstip/analysis/plane_fit.hpp"
#include "libstip/raster/nodata.hpp"

namespace stip {

result<std::vector<std::byte>> image_bands::bytes(const band_place& place) const {
  STIP_ASSIGN(auto out, planes_.read(place));
  if (out.size() != planes_.size(place.subdataset).pixels() * size_of(part_of(place).type))
    return fail(ec::invalid_argument, what_,
                "its band " + part_of(place).bands.at(place.band).name +
                    " has another number of pixels than its subdataset");
  return out;
}

result<std::vector<uint8_t>> image_bands::valid(size_t subdataset) const {
  if (!planes_.valid) return std::vector<uint8_t>();
  STIP_ASSIGN(auto out, planes_.valid(subdataset));
  if (!out.empty() && out.size() != planes_.size(subdataset).pixels())
    return fail(ec::invalid_argument, what_,
                "a mask has another number of pixels than its subdataset");
  return out;
}

result<std::vector<float>> image_bands::values(const band_place& place,
                                               const spectral_calibration& used,
                                               plane_size size) const {
  const auto own = planes_.size(place.subdataset);
  STIP_ASSIGN(const auto pixels, bytes(place));
  STIP_ASSIGN(const auto mask, valid(place.subdataset));
  std::vector<float> out(own.pixels());
  read_values(as_band(place, pixels, used), 0, out.size(), out.data());
  for (size_t i = 0; i < mask.size(); ++i)
    if (mask[i] == 0) out[i] = std::numeric_limits<float>::quiet_NaN();
  if (same_size(own, size)) return out;
  std::vector<float> fitted(size.pixels());
  STIP_TRY(fit_plane(out, own, size, fitted));
  return fitted;
}

spectral_band image_bands::as_band(const band_place& place, std::span<const std::byte> pixels,
                                   const spectral_calibration& used) const {
  const auto& part = part_of(place);
  spectral_band out{part.type, pixels, used, std::nullopt};
  if (const auto& pattern = part.bands.at(place.band).nodata)
    out.nodata = nodata_value(part.type, *pattern);
  return out;
}

}  // namespace stip

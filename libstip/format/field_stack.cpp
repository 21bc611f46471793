#include "libstip/format/field_stack.hpp"

#include <algorithm>
#include <map>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

struct stack {
  gdal_subdataset made;
  std::vector<std::optional<uint64_t>> nodata;
  std::vector<std::optional<std::pair<double, double>>> plausible;
  bool quality = true;
};

/// A name that occurs twice gets its place.
void make_names_unique(std::vector<band_description>& bands) {
  std::map<std::string, int> seen;
  for (size_t i = 0; i < bands.size(); ++i)
    if (++seen[bands[i].name] > 1) bands[i].name += "-" + std::to_string(i + 1);
}

void settle_validity(stack& s) {
  auto& d = s.made.description;
  auto& source = s.made.source;
  const auto with = std::count_if(s.nodata.begin(), s.nodata.end(),
                                  [](const auto& value) { return value.has_value(); });
  const auto all = static_cast<std::ptrdiff_t>(s.nodata.size());
  const bool ranges = std::any_of(s.plausible.begin(), s.plausible.end(),
                                  [](const auto& range) { return range.has_value(); });
  d.valid = ranges        ? validity::band_masks
            : with == 0   ? validity::all
            : with == all ? validity::nodata
                          : validity::band_masks;
  for (size_t i = 0; i < s.nodata.size(); ++i) {
    d.bands[i].nodata = s.nodata[i];
    if (d.valid != validity::band_masks) continue;
    gdal_mask mask{s.nodata[i] ? gdal_mask::kind::nodata : gdal_mask::kind::none, source.bands[i],
                   d.type, s.nodata[i].value_or(0)};
    if (const auto& range = s.plausible[i]) {
      mask.from = gdal_mask::kind::range;
      mask.low = range->first;
      mask.high = range->second;
      mask.named = s.nodata[i].has_value();
    }
    source.masks.push_back(mask);
  }
}

}  // namespace

source_tiling field_tiling(int64_t block_width, int64_t block_height, const grid& grid,
                           size_t pixel_bytes) {
  source_tiling out;
  out.block_width = std::clamp<int64_t>(block_width, 1, grid.width);
  out.block_height = std::clamp<int64_t>(block_height, 1, grid.height);
  out.bands_together = false;
  if (out.block_width != grid.width) return out;
  const auto strip_bytes = out.block_height * out.block_width * static_cast<int64_t>(pixel_bytes);
  const auto strips = std::min(defaults::strip_window_rows / out.block_height,
                               defaults::strip_window_bytes / std::max<int64_t>(strip_bytes, 1));
  if (strips > 1) out.block_height = std::min(out.block_height * strips, grid.height);
  return out;
}

result<void> stack_fields(std::vector<field_band> bands, gdal_scene_parts& parts) {
  const auto what = "open " + parts.description.input;
  if (bands.empty()) return fail(ec::unsupported, what, "it holds no raster that can be used");
  std::vector<stack> stacks;
  for (auto& band : bands) {
    auto at = std::find_if(stacks.begin(), stacks.end(), [&](const stack& s) {
      return s.made.description.type == band.type && s.made.description.grid == band.grid;
    });
    if (at == stacks.end()) {
      at = stacks.insert(stacks.end(), stack{});
      at->made.description.type = band.type;
      at->made.description.grid = band.grid;
      at->made.source.tiling = band.tiling;
    }
    if (at->made.source.bands.size() == defaults::max_bands)
      return fail(ec::limit_exceeded, what,
                  "it has more than " + std::to_string(defaults::max_bands) + " bands of one kind");
    at->quality &= band.quality;
    band.description.nodata.reset();
    at->made.description.bands.push_back(std::move(band.description));
    at->made.source.bands.push_back(band.source);
    at->nodata.push_back(band.nodata);
    at->plausible.push_back(band.plausible);
  }
  if (stacks.size() > defaults::max_subdatasets)
    return fail(ec::limit_exceeded, what, "it has too many grids and pixel types");
  // Coverage is measured by what is not quality: something must be.
  if (std::all_of(stacks.begin(), stacks.end(), [](const stack& s) { return s.quality; }))
    for (auto& s : stacks) s.quality = false;
  for (auto& s : stacks) {
    auto& d = s.made.description;
    d.id = std::to_string(parts.sources.size());
    d.quality = s.quality;
    make_names_unique(d.bands);
    settle_validity(s);
    parts.description.subdatasets.push_back(std::move(d));
    parts.sources.push_back(std::move(s.made.source));
  }
  return {};
}

}  // namespace stip

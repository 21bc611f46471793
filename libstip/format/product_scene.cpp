#include "libstip/format/product_scene.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "libstip/core/defaults.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/geo/footprint.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

bool same(const gdal_mask& a, const gdal_mask& b) {
  return a.from == b.from && a.type == b.type && a.nodata == b.nodata &&
         (a.from == gdal_mask::kind::none || a.band == b.band);
}

/// The reference of a product, opened.
struct opened_reference {
  stip::grid grid;
  gdal_mask mask;
};

/// A subdataset as it grows: beside its bands what tells the validity of each.
struct growing {
  gdal_subdataset made;
  std::string id;
  std::vector<gdal_mask> masks;
};

class assembly {
 public:
  assembly(const product_files& files) : files_(files) {}

  result<void> add_reference(const validity_reference& reference) {
    STIP_ASSIGN(const auto file, open(reference.member));
    if (file.bands.size() != 1) return {};
    const auto& description = file.bands.front().description;
    const auto pattern = nodata_pattern(description.type, reference.nodata);
    if (description.bands.size() != 1 || !pattern) return {};
    references_.push_back({file.grid,
                           {gdal_mask::kind::nodata, file.bands.front().source.bands.front(),
                            description.type, *pattern}});
    return {};
  }

  result<void> add(const product_band& known) {
    STIP_ASSIGN(auto file, open(known.member));
    size_t count = 0;
    for (const auto& group : file.bands) count += group.description.bands.size();
    if (file.bands.size() != 1 || count != known.bands.size())
      return fail(ec::malformed, "open " + files_.path(known.member),
                  "it has " + std::to_string(count) + " bands of " +
                      std::to_string(file.bands.size()) + " pixel types instead of " +
                      std::to_string(known.bands.size()),
                  "fetch the product again");
    auto& found = file.bands.front();
    const auto masks = masks_of(known, found, file.grid);
    for (size_t i = 0; i < known.bands.size(); ++i)
      describe(known.bands[i], found.description.bands[i]);
    auto& target = subdataset_for(known, found, file.grid);
    auto& to = target.made;
    to.description.quality = known.quality;
    for (size_t i = 0; i < known.bands.size(); ++i) {
      to.description.bands.push_back(std::move(found.description.bands[i]));
      to.source.bands.push_back(found.source.bands[i]);
      target.masks.push_back(masks[i]);
    }
    return {};
  }

  result<product_parts> finish() {
    product_parts out;
    for (auto& one : subdatasets_) {
      settle_validity(one);
      out.parts.description.subdatasets.push_back(std::move(one.made.description));
      out.parts.sources.push_back(std::move(one.made.source));
    }
    out.parts.datasets = std::move(datasets_);
    out.members = std::move(members_);
    return out;
  }

 private:
  struct opened_file {
    stip::grid grid;
    std::vector<gdal_subdataset> bands;
  };

  result<opened_file> open(const std::string& member) {
    const auto name = files_.path(member);
    STIP_ASSIGN(const auto dataset, open_gdal(name));
    opened_file out;
    STIP_ASSIGN(out.grid, gdal_grid(dataset, name));
    const auto at = std::find(members_.begin(), members_.end(), member);
    const auto index = static_cast<size_t>(at - members_.begin());
    STIP_ASSIGN(out.bands, describe_gdal(dataset, name, index, out.grid, budget_));
    if (at == members_.end()) {
      members_.push_back(member);
      datasets_.push_back(name);
    }
    return out;
  }

  /// What tells the validity of each band of a file: the product's nodata value, else what the file
  /// says, else the reference.
  std::vector<gdal_mask> masks_of(const product_band& known, const gdal_subdataset& found,
                                  const stip::grid& grid) const {
    const auto& d = found.description;
    std::vector<gdal_mask> out;
    for (size_t i = 0; i < d.bands.size(); ++i) {
      auto pattern = known.nodata ? nodata_pattern(d.type, *known.nodata) : std::nullopt;
      if (!pattern && d.valid == validity::nodata) pattern = d.bands[i].nodata;
      if (pattern)
        out.push_back({gdal_mask::kind::nodata, found.source.bands[i], d.type, *pattern});
      else if (d.valid == validity::mask)
        out.push_back(found.source.masks.front());
      else if (d.valid == validity::band_masks)
        out.push_back(found.source.masks[i]);
      else if (const auto at = std::ranges::find(references_, grid, &opened_reference::grid);
               at != references_.end())
        out.push_back(at->mask);
      else
        out.push_back({gdal_mask::kind::none, found.source.bands[i], d.type, 0});
    }
    return out;
  }

  static void describe(const known_band& known, band_description& band) {
    band.name = known.name;
    band.scale = known.scale;
    band.offset = known.offset;
    if (!known.unit.empty()) band.unit = known.unit;
    if (known.colour) band.colour = *known.colour;
    if (!known.categories.empty()) band.categories = known.categories;
    auto properties = known.properties;
    properties.merge(band.properties);
    band.properties = std::move(properties);
    band.nodata.reset();
  }

  growing& subdataset_for(const product_band& known, const gdal_subdataset& found,
                          const stip::grid& grid) {
    size_t same_id = 0;
    for (auto& one : subdatasets_) {
      if (one.id != known.subdataset) continue;
      if (one.made.description.type == found.description.type && one.made.description.grid == grid)
        return one;
      ++same_id;
    }
    growing fresh;
    fresh.id = known.subdataset;
    auto& d = fresh.made.description;
    d.id = known.subdataset + (same_id == 0 ? "" : "-" + std::to_string(same_id + 1));
    d.grid = grid;
    d.type = found.description.type;
    fresh.made.source.tiling = found.source.tiling;
    subdatasets_.push_back(std::move(fresh));
    return subdatasets_.back();
  }

  static void settle_validity(growing& one) {
    auto& d = one.made.description;
    auto& source = one.made.source;
    const auto own_nodata = [&](size_t i) {
      return one.masks[i].from == gdal_mask::kind::nodata && one.masks[i].band == source.bands[i];
    };
    bool all_own = true;
    bool none = true;
    bool alike = true;
    for (size_t i = 0; i < one.masks.size(); ++i) {
      all_own &= own_nodata(i);
      none &= one.masks[i].from == gdal_mask::kind::none;
      alike &= same(one.masks[i], one.masks.front());
    }
    if (none) {
      d.valid = validity::all;
      return;
    }
    d.valid = all_own ? validity::nodata : alike ? validity::mask : validity::band_masks;
    for (size_t i = 0; i < one.masks.size(); ++i) {
      if (!own_nodata(i)) continue;
      if (d.valid == validity::mask)
        d.bands[i].properties.emplace("nodata", nodata_text(d.type, one.masks[i].nodata));
      else
        d.bands[i].nodata = one.masks[i].nodata;
    }
    if (d.valid == validity::mask) one.masks.resize(1);
    if (d.valid != validity::nodata) source.masks = std::move(one.masks);
  }

  const product_files& files_;
  description_budget budget_;
  std::vector<std::string> members_;
  std::vector<std::string> datasets_;
  std::vector<growing> subdatasets_;
  std::vector<opened_reference> references_;
};

result<void> apply_options(scene_description& description, const std::string& input,
                           const scene_options& options) {
  if (options.platform) description.platform = *options.platform;
  if (options.timestamp) description.timestamp = *options.timestamp;
  if (options.tile) description.tile = *options.tile;
  auto& subdatasets = description.subdatasets;
  if (options.subdataset)
    for (auto& one : subdatasets)
      one.id = subdatasets.size() == 1 ? *options.subdataset : *options.subdataset + "-" + one.id;
  STIP_TRY(check_name("platform", description.platform, input));
  STIP_TRY(check_name("tile", description.tile, input));
  for (const auto& one : subdatasets) STIP_TRY(check_name("subdataset", one.id, input));
  return {};
}

}  // namespace

result<product_parts> assemble(const product_files& files, const std::vector<product_band>& bands,
                               const std::vector<validity_reference>& references) {
  assembly made(files);
  for (const auto& one : references) STIP_TRY(made.add_reference(one));
  for (const auto& band : bands) STIP_TRY(made.add(band));
  return made.finish();
}

result<std::unique_ptr<scene>> finish_scene(product_parts made, const product_files& files,
                                            const std::vector<std::string>& metadata,
                                            const std::string& input,
                                            const scene_options& options) {
  auto& description = made.parts.description;
  if (description.subdatasets.empty())
    return fail(ec::not_found, "open " + input, "none of its bands is there",
                "fetch the product again");
  STIP_TRY(apply_options(description, input, options));
  STIP_ASSIGN(const auto outline, footprint_of(description.subdatasets.front().grid));
  description.footprint = outline.to_wkt();
  auto members = metadata;
  members.insert(members.end(), made.members.begin(), made.members.end());
  STIP_ASSIGN(const auto identity, files.identify(std::move(members)));
  description.input = input;
  description.input_bytes = identity.bytes;
  description.input_checksum = identity.checksum;
  return make_gdal_scene(std::move(made.parts));
}

void keep_property(std::map<std::string, std::string>& properties, const std::string& key,
                   std::string_view value) {
  if (value.empty() || properties.size() >= defaults::max_properties) return;
  properties[key] = clean_text(value, defaults::max_property_bytes);
}

std::string number_text(double value) {
  char text[32];
  const auto [end, failed] = std::to_chars(text, text + sizeof(text), value);
  return failed == std::errc() ? std::string(text, end) : std::string();
}

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(out))
    return std::nullopt;
  return out;
}

}  // namespace stip

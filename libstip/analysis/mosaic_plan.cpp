#include "libstip/analysis/mosaic_plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "libstip/analysis/calibrate.hpp"
#include "libstip/analysis/pixel_numbers.hpp"
#include "libstip/geo/grid_mapper.hpp"

namespace stip {

namespace {

constexpr int64_t day_seconds = 86'400;

/// Points along each side of a chip that is placed in the picture, and the share of its size and
/// the pixels by which its outline may bulge between them.
constexpr int outline_steps = 4;
constexpr double outline_bulge = 0.05;
constexpr double outline_margin = 4;

/// Sources whose pixels are those of the scene itself.
bool is_plain(const std::string& source) {
  return source == "raw" || source == "split" || source == "merged";
}

bool is_classes(const subdataset_description& d, size_t band) {
  const auto& b = d.bands[band];
  return d.quality || !b.categories.empty() || !b.colour_table.empty();
}

int64_t day_of(epoch_seconds time) {
  return time / day_seconds - (time % day_seconds < 0 ? 1 : 0);
}

/// Where windows of a source come to lie in a picture.
class placer {
 public:
  static result<placer> make(const grid& source, const grid& picture) {
    STIP_ASSIGN(auto back, grid_mapper::make(source, picture));
    STIP_ASSIGN(auto there, grid_mapper::make(picture, source));
    return placer{std::move(back), std::move(there), picture};
  }

  std::optional<std::pair<int64_t, int64_t>> shift() const { return there_.shift(); }

  pixel_rect place(const pixel_rect& window) {
    const pixel_rect all{0, 0, picture_.width, picture_.height};
    if (const auto by = there_.shift())
      return intersect(window.moved(-by->first, -by->second), all);
    std::vector<double> x, y;
    for (int i = 0; i <= outline_steps; ++i)
      for (int k = 0; k <= outline_steps; ++k) {
        x.push_back(static_cast<double>(window.column) +
                    static_cast<double>(window.width) * i / outline_steps);
        y.push_back(static_cast<double>(window.row) +
                    static_cast<double>(window.height) * k / outline_steps);
      }
    std::vector<uint8_t> ok(x.size());
    back_.exact(x, y, ok);
    double x0 = std::numeric_limits<double>::infinity(), x1 = -x0, y0 = x0, y1 = -x0;
    for (size_t i = 0; i < x.size(); ++i) {
      // What reaches beyond the globe may lie anywhere.
      if (ok[i] == 0) return all;
      x0 = std::min(x0, x[i]);
      x1 = std::max(x1, x[i]);
      y0 = std::min(y0, y[i]);
      y1 = std::max(y1, y[i]);
    }
    const double mx = (x1 - x0) * outline_bulge + outline_margin;
    const double my = (y1 - y0) * outline_bulge + outline_margin;
    const auto low = [](double v) { return static_cast<int64_t>(std::floor(std::max(v, -1e12))); };
    const auto high = [](double v) { return static_cast<int64_t>(std::ceil(std::min(v, 1e12))); };
    const pixel_rect wide{low(x0 - mx), low(y0 - my), high(x1 + mx) - low(x0 - mx),
                          high(y1 + my) - low(y0 - my)};
    return intersect(wide, all);
  }

  /// Source pixels that a pixel of the picture spans where the window lies.
  std::pair<double, double> scale(const pixel_rect& bounds) {
    return there_.scale_at(
        static_cast<double>(bounds.column) + static_cast<double>(bounds.width) / 2,
        static_cast<double>(bounds.row) + static_cast<double>(bounds.height) / 2);
  }

 private:
  placer(grid_mapper back, grid_mapper there, const grid& picture)
      : back_(std::move(back)), there_(std::move(there)), picture_(picture) {}

  grid_mapper back_;
  grid_mapper there_;
  grid picture_;
};

pixel_rect united(const pixel_rect& a, const pixel_rect& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  const auto column = std::min(a.column, b.column), row = std::min(a.row, b.row);
  return {column, row, std::max(a.end_column(), b.end_column()) - column,
          std::max(a.end_row(), b.end_row()) - row};
}

}  // namespace

mosaic_planner::mosaic_planner(mosaic_request request, grid picture)
    : request_(std::move(request)), picture_(std::move(picture)) {}

mosaic_planner::scene& mosaic_planner::scene_of(const stored_image& image) {
  const auto& key = image.key();
  const auto& d = image.scene;
  const auto name = key.platform + '\n' + key.tile + '\n' + std::to_string(key.timestamp) + '\n' +
                    (is_plain(key.source) ? std::string() : key.source) + '\n' + d.input + '\n' +
                    to_string(d.input_checksum);
  const auto same = [&](const scene& s) { return s.description->subdatasets == d.subdatasets; };
  const auto [from, to] = by_name_.equal_range(name);
  for (auto at = from; at != to; ++at)
    if (same(*at->second)) return *at->second;
  auto made = std::make_unique<scene>();
  made->key = key;
  made->description = std::make_shared<const scene_description>(d);
  if (auto bands = mosaic_bands(d, request_)) {
    made->bands = std::move(*bands);
    std::set<size_t> used;
    for (const auto& place : made->bands) used.insert(place.subdataset);
    made->used.assign(used.begin(), used.end());
    made->chips.resize(made->used.size());
  } else {
    made->refusal = std::move(bands).error();
  }
  scenes_.push_back(std::move(made));
  by_name_.emplace(name, scenes_.back().get());
  return *scenes_.back();
}

result<void> mosaic_planner::add(const stored_image& stored, std::optional<double> cloud_coverage,
                                 uint64_t stored_bytes) {
  auto& to = scene_of(stored);
  if (before_in_mosaic(stored.key(), to.key)) to.key = stored.key();
  if (to.refusal) return {};
  image made{stored.key(), cloud_coverage, 0, std::vector<pixel_rect>(to.used.size())};
  const auto name = std::make_shared<const std::string>(to_string(stored.key()));
  uint64_t pixels = 0, used_pixels = 0;
  for (const auto& chip : stored.chips) {
    const pixel_rect window{chip.column, chip.row, chip.width, chip.height};
    const chip_place place{name,   chip.subdataset_index, chip.block_edge, chip.planes(),
                           window, chip.content};
    pixels += window.pixels() * chip.bands * size_of(chip.type);
    if (chip.clouds) {
      // Masks of one scene have one grid, unless it was changed in between.
      const auto& mask = stored.mask_scene->subdatasets.front();
      if (!to.cloud_description) to.cloud_description = mask;
      if (*to.cloud_description == mask) to.cloud_chips.push_back(place);
      continue;
    }
    const auto at = std::find(to.used.begin(), to.used.end(), size_t{chip.subdataset_index});
    if (at == to.used.end()) continue;
    const auto i = static_cast<size_t>(at - to.used.begin());
    const auto bands = std::count_if(to.bands.begin(), to.bands.end(), [&](const auto& band) {
      return band.subdataset == chip.subdataset_index;
    });
    used_pixels += window.pixels() * static_cast<uint64_t>(bands) * size_of(chip.type);
    made.windows[i] = window;
    to.chips[i].push_back(place);
  }
  if (pixels > 0)
    made.bytes = static_cast<uint64_t>(static_cast<double>(stored_bytes) *
                                       std::min(1.0, double(used_pixels) / double(pixels)));
  to.images.push_back(std::move(made));
  return {};
}

mosaic_part mosaic_planner::part_of(const subdataset_description& d, std::vector<chip_place> chips,
                                    bool classes) {
  mosaic_part out;
  const auto count = chips.size();
  out.chips = std::make_shared<const scene_chips>(d, std::move(chips), next_chip_);
  next_chip_ += count;
  out.kernel = request_.kernel.value_or(classes ? resampling::nearest : resampling::bilinear);
  return out;
}

result<void> mosaic_planner::describe(const std::vector<scene*>& scenes, mosaic_plan& out) const {
  const auto band_of = [](const scene& s, size_t i) -> const band_description& {
    return s.description->subdatasets[s.bands[i].subdataset].bands[s.bands[i].band];
  };
  const auto& reference = *scenes.front();
  auto& picture = out.picture;
  picture.id = "0";
  picture.grid = picture_;
  for (size_t i = 0; i < reference.bands.size(); ++i) {
    const auto& d = reference.description->subdatasets[reference.bands[i].subdataset];
    out.classes |= is_classes(d, reference.bands[i].band);
    auto band = band_of(reference, i);
    band.properties.clear();
    picture.bands.push_back(std::move(band));
    picture.type = i == 0 ? d.type : common_type(picture.type, d.type);
  }
  // One value for no data serves where all scenes have it, in the same numbers.
  bool plain = !request_.expression;
  std::optional<uint64_t> nodata = picture.bands.front().nodata;
  for (const auto* s : scenes)
    for (size_t i = 0; i < s->bands.size(); ++i) {
      const auto& d = s->description->subdatasets[s->bands[i].subdataset];
      const auto& band = band_of(*s, i);
      const bool encoded =
          band.scale != picture.bands[i].scale || band.offset != picture.bands[i].offset;
      if (!encoded) picture.type = common_type(picture.type, d.type);
      plain &= !encoded && d.valid == validity::nodata && band.nodata && band.nodata == nodata;
    }
  for (const auto* s : scenes)
    for (const auto& place : s->bands)
      plain &= s->description->subdatasets[place.subdataset].type == picture.type;
  if (!request_.expression && picture.bands.size() * size_of(picture.type) > max_mosaic_pixel_bytes)
    return fail(ec::limit_exceeded, "plan a picture",
                "its " + std::to_string(picture.bands.size()) + " bands of " +
                    std::string(to_string(picture.type)) + " take more than " +
                    std::to_string(max_mosaic_pixel_bytes) + " bytes a pixel",
                "choose fewer with --bands");
  picture.valid = plain ? validity::nodata : validity::mask;
  if (!plain)
    for (auto& band : picture.bands) band.nodata.reset();
  out.read_bands = picture.bands.size();
  if (!request_.expression) return {};
  picture.type = pixel_type::float32;
  band_description computed;
  computed.name = request_.expression->derived_name();
  picture.bands = {computed};
  out.classes = false;
  return {};
}

result<void> mosaic_planner::calibrate(const scene& from, mosaic_scene& made,
                                       std::vector<std::optional<dn_encoding>>& means) const {
  means.resize(from.bands.size());
  made.thermal.resize(from.bands.size());
  if (!request_.expression) return {};
  const auto& d = *from.description;
  // One sun for the whole scene, so that its cells leave no seam.
  const auto& g = d.subdatasets[from.bands.front().subdataset].grid;
  STIP_ASSIGN(auto to_degrees, pixel_mapper::make(g, 4326));
  double x = static_cast<double>(g.width) / 2, y = static_cast<double>(g.height) / 2;
  uint8_t ok = 0;
  to_degrees.to_cell_crs({&x, 1}, {&y, 1}, {&ok, 1});
  const auto sun = ok != 0 ? sun_of(d, x, y) : sun_angles{};
  for (size_t i = 0; i < from.bands.size(); ++i) {
    STIP_ASSIGN(const auto used, calibrate_band(d, band_at(d, from.bands[i]), sun));
    means[i] = dn_encoding{used.scale, used.offset};
    made.thermal[i] = used.thermal;
  }
  return {};
}

result<void> mosaic_planner::place(scene& from, size_t number, mosaic_plan& out,
                                   std::vector<std::pair<mosaic_layer, image>>& layers) {
  mosaic_scene made;
  made.key = from.key;
  std::vector<std::optional<dn_encoding>> means;
  STIP_TRY(calibrate(from, made, means));
  std::vector<placer> placers;
  for (size_t u = 0; u < from.used.size(); ++u) {
    const auto& d = from.description->subdatasets[from.used[u]];
    bool classes = false;
    std::vector<wanted_band> bands;
    for (size_t i = 0; i < from.bands.size(); ++i) {
      if (from.bands[i].subdataset != from.used[u]) continue;
      classes |= is_classes(d, from.bands[i].band);
      wanted_band wanted{from.bands[i].band, i, means[i], {}};
      if (request_.expression)
        wanted.as = dn_encoding{};
      else
        wanted.as = dn_encoding{out.picture.bands[i].scale, out.picture.bands[i].offset};
      bands.push_back(wanted);
    }
    STIP_ASSIGN(auto place, placer::make(d.grid, picture_));
    auto part = part_of(d, std::move(from.chips[u]), classes);
    part.bands = std::move(bands);
    part.shift = place.shift();
    pixel_rect bounds;
    for (const auto& chip : part.chips->chips()) bounds = united(bounds, place.place(chip.window));
    std::tie(part.across, part.down) = place.scale(bounds);
    made.parts.push_back(std::move(part));
    placers.push_back(std::move(place));
  }
  if (from.cloud_description) {
    made.clouds = part_of(*from.cloud_description, std::move(from.cloud_chips), true);
    made.clouds->kernel = resampling::nearest;
    made.clouds->bands = {{0, 0, {}, {}}};
    STIP_ASSIGN(const auto there, grid_mapper::make(picture_, from.cloud_description->grid));
    made.clouds->shift = there.shift();
  }
  const auto bounds_of = [&](const image& i) {
    pixel_rect bounds;
    for (size_t u = 0; u < placers.size(); ++u)
      if (!i.windows[u].empty()) bounds = united(bounds, placers[u].place(i.windows[u]));
    return bounds;
  };
  mosaic_layer whole;
  whole.scene = number;
  whole.day = day_of(from.key.timestamp);
  for (const auto& i : from.images) {
    const auto bounds = bounds_of(i);
    if (bounds.empty()) continue;
    ++out.images;
    out.bytes += i.bytes;
    if (request_.pick == mosaic_pick::least_cloud) {
      auto layer = whole;
      layer.bounds = bounds;
      layer.only = i.windows;
      layers.emplace_back(std::move(layer), i);
    } else {
      whole.bounds = united(whole.bounds, bounds);
    }
  }
  if (request_.pick != mosaic_pick::least_cloud && !whole.bounds.empty())
    layers.emplace_back(whole, image{from.key, {}, 0, {}});
  out.scenes.push_back(std::move(made));
  return {};
}

result<mosaic_plan> mosaic_planner::finish() && {
  mosaic_plan out;
  out.pick = request_.pick;
  out.blend = request_.blend;
  out.expression = request_.expression;
  std::vector<scene*> scenes;
  for (const auto& s : scenes_) scenes.push_back(s.get());
  std::sort(scenes.begin(), scenes.end(),
            [](const auto* a, const auto* b) { return before_in_mosaic(a->key, b->key); });
  std::vector<scene*> usable;
  for (auto* s : scenes) {
    if (!s->refusal && !usable.empty())
      if (auto fits = check_combines(request_, *usable.front()->description, usable.front()->bands,
                                     *s->description, s->bands);
          !fits)
        s->refusal = std::move(fits).error();
    if (s->refusal)
      out.refused.push_back({s->key, *s->refusal});
    else
      usable.push_back(s);
  }
  if (usable.empty())
    return fail(ec::not_found, "plan a picture",
                out.refused.empty() ? "no image matches" : to_string(out.refused.front().why),
                "see `stip image list`");
  STIP_TRY(describe(usable, out));
  std::vector<std::pair<mosaic_layer, image>> layers;
  for (auto* s : usable) {
    if (auto placed = place(*s, out.scenes.size(), out, layers); !placed)
      out.refused.push_back({s->key, std::move(placed).error()});
  }
  const auto cloud = [](const image& i) { return i.cloud_coverage.value_or(2); };
  std::stable_sort(layers.begin(), layers.end(), [&](const auto& a, const auto& b) {
    const auto& x = a.second;
    const auto& y = b.second;
    if (request_.pick == mosaic_pick::least_cloud && cloud(x) != cloud(y))
      return cloud(x) < cloud(y);
    if (request_.pick == mosaic_pick::latest && x.key.timestamp != y.key.timestamp)
      return x.key.timestamp > y.key.timestamp;
    return before_in_mosaic(x.key, y.key);
  });
  for (auto& [layer, i] : layers) out.layers.push_back(std::move(layer));
  return out;
}

}  // namespace stip

#include "libstip/analysis/mosaic_painter.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "libstip/analysis/indices.hpp"
#include "libstip/analysis/mask_classes.hpp"
#include "libstip/analysis/pixel_numbers.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/scatter.hpp"

namespace stip {

namespace {

/// Parts of so few pixels are not divided any more.
constexpr uint64_t min_part_pixels = 64;
/// Mappers that a thread keeps: each holds a projection.
constexpr size_t max_mappers = 16;

/// A rectangle in two, along its longer side.
std::pair<pixel_rect, pixel_rect> halves(const pixel_rect& r) {
  if (r.width >= r.height) {
    const auto half = r.width / 2;
    return {{r.column, r.row, half, r.height}, {r.column + half, r.row, r.width - half, r.height}};
  }
  const auto half = r.height / 2;
  return {{r.column, r.row, r.width, half}, {r.column, r.row + half, r.width, r.height - half}};
}

/// Numbers that would mean no data by accident become the next one.
void keep_off(pixel_type type, std::byte* pixels, const uint8_t* valid, size_t count,
              uint64_t pattern) {
  visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    T nodata;
    std::memcpy(&nodata, &pattern, sizeof(T));
    auto* p = reinterpret_cast<T*>(pixels);
    for (size_t i = 0; i < count; ++i)
      if (valid[i] != 0 && p[i] == nodata) p[i] = beside(p[i]);
  });
}

}  // namespace

uint64_t mosaic_painter::bytes_of(const mosaic_plan& plan, uint64_t pixels) {
  const auto size = size_of(plan.picture.type);
  const auto bands = std::max(plan.picture.bands.size(), plan.read_bands);
  // The part, a layer of it, places of its pixels.
  constexpr uint64_t place_bytes = 17;
  return pixels * (2 * bands * (size + 1) + place_bytes);
}

std::optional<uint64_t> mosaic_painter::nodata() const {
  if (plan_.picture.valid != validity::nodata) return std::nullopt;
  return plan_.picture.bands.front().nodata;
}

std::vector<const mosaic_layer*> mosaic_painter::layers_in(const pixel_rect& rect) const {
  std::vector<const mosaic_layer*> out;
  for (const auto& layer : plan_.layers)
    if (!intersect(layer.bounds, rect).empty()) out.push_back(&layer);
  return out;
}

result<grid_mapper*> mosaic_painter::mapper_of(const mosaic_part& part) {
  for (auto at = mappers_.begin(); at != mappers_.end(); ++at) {
    if (at->of != part.chips.get()) continue;
    mappers_.splice(mappers_.begin(), mappers_, at);
    return &mappers_.front().mapper;
  }
  STIP_ASSIGN(auto made, grid_mapper::make(plan_.picture.grid, part.chips->description().grid));
  mappers_.push_front({part.chips.get(), std::move(made)});
  if (mappers_.size() > max_mappers) mappers_.pop_back();
  return &mappers_.front().mapper;
}

void mosaic_painter::clear(const pixel_rect& rect, size_t bands, painted& out) const {
  out.planes.assign(rect.pixels() * bands * size_of(plan_.picture.type), std::byte{0});
  if (const auto pattern = nodata(); pattern && *pattern != 0)
    fill_pattern(plan_.picture.type, out.planes, *pattern);
  out.valid.assign(rect.pixels() * bands, 0);
}

result<void> mosaic_painter::read_part(const mosaic_part& part, const pixel_rect* only,
                                       pixel_type type, std::optional<uint64_t> nodata,
                                       const pixel_rect& rect, const pixel_rect& buffer,
                                       size_t first_plane, std::byte* planes, uint8_t* valid) {
  const size_t size = size_of(type);
  const size_t plane_pixels = buffer.pixels();
  const auto& source = part.chips->description().grid;
  if (part.shift) {
    const auto [columns, rows] = *part.shift;
    auto wanted = rect.moved(columns, rows);
    if (only != nullptr) wanted = intersect(wanted, *only);
    if (wanted.empty()) return {};
    return part.chips->read(
        cache_, part.bands, nodata,
        {buffer.moved(columns, rows), wanted, type, planes + first_plane * plane_pixels * size,
         valid + first_plane * plane_pixels});
  }
  STIP_ASSIGN(auto* mapper, mapper_of(part));
  const size_t pixels = rect.pixels();
  const auto width = static_cast<size_t>(rect.width);
  std::vector<double> x(pixels), y(pixels);
  std::vector<uint8_t> ok(pixels);
  double x0 = std::numeric_limits<double>::infinity(), x1 = -x0, y0 = x0, y1 = -x0;
  // Places beyond the source count for nothing, and may be far away.
  const bool periodic = period_columns(source).has_value();
  const auto last_column = static_cast<double>(source.width);
  const auto last_row = static_cast<double>(source.height);
  for (int64_t row = 0; row < rect.height; ++row) {
    const auto at = static_cast<size_t>(row) * width;
    mapper->row(rect.column, rect.row + row, std::span(x).subspan(at, width),
                std::span(y).subspan(at, width), std::span(ok).subspan(at, width));
    for (size_t i = at; i < at + width; ++i) {
      if (ok[i] != 0 && only != nullptr)
        ok[i] = x[i] >= double(only->column) && x[i] < double(only->end_column()) &&
                y[i] >= double(only->row) && y[i] < double(only->end_row());
      if (ok[i] != 0)
        ok[i] = y[i] >= 0 && y[i] < last_row && (periodic || (x[i] >= 0 && x[i] < last_column));
      if (ok[i] == 0) continue;
      x0 = std::min(x0, x[i]);
      x1 = std::max(x1, x[i]);
      y0 = std::min(y0, y[i]);
      y1 = std::max(y1, y[i]);
    }
  }
  if (!(x0 <= x1)) return {};
  const resampler kernel{part.kernel, part.across, part.down};
  const auto column = static_cast<int64_t>(std::floor(x0)) - kernel.margin_columns();
  const auto row = static_cast<int64_t>(std::floor(y0)) - kernel.margin_rows();
  const pixel_rect window{
      column, row, static_cast<int64_t>(std::floor(x1)) + kernel.margin_columns() + 1 - column,
      static_cast<int64_t>(std::floor(y1)) + kernel.margin_rows() + 1 - row};
  if (window.pixels() * part.bands.size() * (size + 1) > source_bytes_ &&
      pixels > min_part_pixels) {
    const auto [a, b] = halves(rect);
    STIP_TRY(read_part(part, only, type, nodata, a, buffer, first_plane, planes, valid));
    return read_part(part, only, type, nodata, b, buffer, first_plane, planes, valid);
  }
  if (!part.chips->meets(window)) return {};
  auto bands = part.bands;
  for (size_t k = 0; k < bands.size(); ++k) bands[k].plane = k;
  std::vector<std::byte> taken(window.pixels() * bands.size() * size);
  std::vector<uint8_t> taken_valid(window.pixels() * bands.size());
  STIP_TRY(part.chips->read(cache_, bands, std::nullopt,
                            {window, window, type, taken.data(), taken_valid.data()}));
  for (size_t k = 0; k < bands.size(); ++k) {
    const sampled_plane from{taken.data() + k * window.pixels() * size,
                             taken_valid.data() + k * window.pixels(), window, type};
    for (int64_t r = 0; r < rect.height; ++r) {
      const auto at = static_cast<size_t>(r) * width;
      const auto to = (first_plane + part.bands[k].plane) * plane_pixels +
                      static_cast<size_t>((rect.row + r - buffer.row) * buffer.width + rect.column -
                                          buffer.column);
      kernel.row(from, std::span(x).subspan(at, width), std::span(y).subspan(at, width),
                 std::span(ok).subspan(at, width), planes + to * size, valid + to);
      if (nodata) keep_off(type, planes + to * size, valid + to, width, *nodata);
    }
  }
  return {};
}

result<void> mosaic_painter::read(const mosaic_layer& layer, const pixel_rect& rect, painted& out) {
  const auto& scene = plan_.scenes[layer.scene];
  auto& to = plan_.expression ? inputs_ : out;
  clear(rect, plan_.read_bands, to);
  if (plan_.expression) clear(rect, bands(), out);
  for (size_t i = 0; i < scene.parts.size(); ++i)
    STIP_TRY(read_part(scene.parts[i], layer.only.empty() ? nullptr : &layer.only[i],
                       plan_.picture.type, nodata(), rect, rect, 0, to.planes.data(),
                       to.valid.data()));
  if (plan_.expression) STIP_TRY(evaluate(scene, rect, inputs_, out));
  return {};
}

result<void> mosaic_painter::evaluate(const mosaic_scene& scene, const pixel_rect& rect,
                                      painted& read, painted& out) const {
  const size_t pixels = rect.pixels();
  auto* values = reinterpret_cast<float*>(read.planes.data());
  for (size_t i = 0; i < read.valid.size(); ++i)
    if (read.valid[i] == 0) values[i] = std::numeric_limits<float>::quiet_NaN();
  std::vector<spectral_band> planes;
  for (size_t i = 0; i < plan_.read_bands; ++i)
    planes.push_back({pixel_type::float32,
                      std::as_bytes(std::span(values + i * pixels, pixels)),
                      {1, 0, scene.thermal[i]},
                      std::nullopt});
  auto* made = reinterpret_cast<float*>(out.planes.data());
  STIP_TRY(plan_.expression->math.evaluate(planes, {made, pixels}));
  for (size_t i = 0; i < pixels; ++i) {
    out.valid[i] = std::isfinite(made[i]) ? 1 : 0;
    if (out.valid[i] == 0) made[i] = 0;
  }
  return {};
}

result<void> mosaic_painter::read_clouds(const mosaic_scene& scene, const pixel_rect& rect,
                                         painted& out) {
  if (!scene.clouds) return {};
  const size_t pixels = rect.pixels();
  std::vector<std::byte> classes(pixels);
  std::vector<uint8_t> known(pixels);
  STIP_TRY(read_part(*scene.clouds, nullptr, pixel_type::uint8, std::nullopt, rect, rect, 0,
                     classes.data(), known.data()));
  for (size_t i = 0; i < pixels; ++i) {
    if (known[i] == 0 || !hides_ground(static_cast<mask_class>(classes[i]))) continue;
    for (size_t b = 0; b < bands(); ++b) out.valid[b * pixels + i] = 0;
  }
  return {};
}

result<bool> mosaic_painter::paint(const pixel_rect& rect, painted& out) {
  // Layers of one day that lie beside the part decide on how near its pixels are to an edge.
  const auto around = plan_.blend + 1;
  const auto layers =
      layers_in(plan_.blend == 0 ? rect
                                 : pixel_rect{rect.column - around, rect.row - around,
                                              rect.width + 2 * around, rect.height + 2 * around});
  if (layers.empty()) return false;
  if (is_statistic(plan_.pick)) return reduce(layers, rect, out);
  if (plan_.blend > 0) return blend(layers, rect, out);
  return pick(layers, rect, out);
}

result<bool> mosaic_painter::pick(const std::vector<const mosaic_layer*>& layers,
                                  const pixel_rect& rect, painted& out) {
  const size_t pixels = rect.pixels(), count = bands();
  const size_t size = size_of(plan_.picture.type);
  std::vector<uint8_t> have(pixels);
  const auto any_of = [&](const painted& of, size_t i) {
    uint8_t any = 0;
    for (size_t b = 0; b < count; ++b) any |= of.valid[b * pixels + i];
    return any;
  };
  size_t left = pixels;
  for (size_t l = 0; l < layers.size() && left > 0; ++l) {
    auto& to = l == 0 ? out : scratch_;
    STIP_TRY(read(*layers[l], rect, to));
    for (size_t i = 0; i < pixels; ++i) {
      if (have[i] != 0 || any_of(to, i) == 0) continue;
      have[i] = 1;
      --left;
      if (l == 0) continue;
      for (size_t b = 0; b < count; ++b) {
        const auto at = b * pixels + i;
        std::memcpy(out.planes.data() + at * size, to.planes.data() + at * size, size);
        out.valid[at] = to.valid[at];
      }
    }
  }
  return left < pixels;
}

}  // namespace stip

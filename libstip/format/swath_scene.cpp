#include "libstip/format/swath_scene.hpp"

#include <algorithm>
#include <cstring>
#include <list>
#include <mutex>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"
#include "libstip/raster/nodata.hpp"

namespace stip {

namespace {

/// Blocks that a swath's grid is read in.
constexpr int64_t tile_edge = 512;
/// Decoded bands that a reader keeps.
constexpr uint64_t band_cache_bytes = uint64_t{256} << 20;

/// What scene and readers share.
struct swath_parts {
  scene_description description;
  swath_map map;
  std::vector<swath_shape> shapes;
  std::vector<swath_part> parts;

  swath_parts(scene_description d, swath_map m, std::vector<swath_shape> s,
              std::vector<swath_part> p)
      : description(std::move(d)), map(std::move(m)), shapes(std::move(s)), parts(std::move(p)) {}

  /// The index of a shape, made when it is first asked for.
  const std::vector<int32_t>& index_of(size_t shape) const {
    const std::lock_guard lock(mutex);
    indices.resize(shapes.size());
    if (indices[shape].empty()) indices[shape] = map.index(shapes[shape]);
    return indices[shape];
  }

 private:
  mutable std::mutex mutex;
  mutable std::vector<std::vector<int32_t>> indices;
};

class swath_reader final : public scene_reader {
 public:
  explicit swath_reader(std::shared_ptr<const swath_parts> parts) : parts_(std::move(parts)) {}

  result<void> read(size_t subdataset, const source_window& w, size_t first_band, size_t count,
                    std::span<std::byte> pixels) override {
    STIP_TRY(check(subdataset, w, first_band, count));
    const auto& d = parts_->description.subdatasets[subdataset];
    const auto& part = parts_->parts[subdataset];
    const auto sources = sources_of(part.shape, w);
    const size_t bytes = sources.size() * size_of(d.type);
    if (pixels.size() != bytes * count) return wrong_size();
    for (size_t i = 0; i < count; ++i) {
      const auto out = pixels.subspan(i * bytes, bytes);
      const auto& band = part.bands[first_band + i];
      if (band.from != swath_band::kind::raster) {
        STIP_TRY(read_places(part.shape, band.from, sources, out));
        continue;
      }
      STIP_ASSIGN(const auto* whole, whole_band(part.shape, band, d.type));
      fill_pattern(d.type, out, band.nodata.value_or(0));
      const auto size = size_of(d.type);
      for (size_t p = 0; p < sources.size(); ++p)
        if (sources[p] >= 0)
          std::memcpy(out.data() + p * size, whole->data() + size_t(sources[p]) * size, size);
    }
    return {};
  }

  result<void> read_mask(size_t subdataset, const source_window& w, size_t first_band, size_t count,
                         std::span<std::byte> mask) override {
    STIP_TRY(check(subdataset, w, first_band, count));
    const auto& d = parts_->description.subdatasets[subdataset];
    const auto& part = parts_->parts[subdataset];
    const auto sources = sources_of(part.shape, w);
    if (mask.size() != sources.size() * count) return wrong_size();
    std::vector<std::byte> pixels(sources.size() * size_of(d.type));
    for (size_t i = 0; i < count; ++i) {
      const auto out = mask.subspan(i * sources.size(), sources.size());
      const auto& nodata = part.bands[first_band + i].nodata;
      std::fill(out.begin(), out.end(), std::byte{1});
      if (nodata) {
        STIP_TRY(read(subdataset, w, first_band + i, 1, pixels));
        mark_valid(d.type, pixels, *nodata, out);
      }
      for (size_t p = 0; p < sources.size(); ++p)
        if (sources[p] < 0) out[p] = std::byte{0};
    }
    return {};
  }

 private:
  static tl::unexpected<error> wrong_size() {
    return fail(ec::invalid_argument, "read a swath", "the buffer has another size");
  }

  result<void> check(size_t subdataset, const source_window& w, size_t first, size_t count) const {
    const auto& all = parts_->description.subdatasets;
    if (subdataset >= all.size() || count < 1 || count > all[subdataset].bands.size() ||
        first > all[subdataset].bands.size() - count)
      return fail(ec::invalid_argument, "read a swath", "there are no such bands");
    const auto& g = all[subdataset].grid;
    if (w.column < 0 || w.row < 0 || w.width < 1 || w.height < 1 || w.width > g.width - w.column ||
        w.height > g.height - w.row)
      return fail(ec::invalid_argument, "read a swath", "the window is not inside of the scene");
    return {};
  }

  std::vector<int32_t> sources_of(size_t shape, const source_window& w) const {
    const auto& index = parts_->index_of(shape);
    const auto width = parts_->shapes[shape].grid.width;
    std::vector<int32_t> out;
    out.reserve(static_cast<size_t>(w.width * w.height));
    for (int64_t row = w.row; row < w.row + w.height; ++row) {
      const auto from = index.begin() + row * width + w.column;
      out.insert(out.end(), from, from + w.width);
    }
    return out;
  }

  result<void> read_places(size_t shape, swath_band::kind which,
                           const std::vector<int32_t>& sources, std::span<std::byte> out) const {
    std::vector<double> lon(sources.size()), lat(sources.size());
    STIP_TRY(parts_->map.places(parts_->shapes[shape], sources, lon, lat));
    const auto& wanted = which == swath_band::kind::latitude ? lat : lon;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const auto value = static_cast<float>(wanted[i]);
      std::memcpy(out.data() + i * sizeof(value), &value, sizeof(value));
    }
    return {};
  }

  /// All pixels of a band, out of the cache if it has them.
  result<const std::vector<std::byte>*> whole_band(size_t shape, const swath_band& band,
                                                   pixel_type type) {
    for (auto at = cache_.begin(); at != cache_.end(); ++at)
      if (at->band == &band) {
        cache_.splice(cache_.begin(), cache_, at);
        return &cache_.front().pixels;
      }
    const auto& s = parts_->shapes[shape];
    STIP_ASSIGN(const auto dataset, open_gdal(band.dataset));
    const auto held = dataset.lock();
    const gdal_errors errors;
    const auto handle = GDALGetRasterBand(dataset.handle(), band.band);
    if (handle == nullptr || GDALGetRasterXSize(dataset.handle()) != s.columns ||
        GDALGetRasterYSize(dataset.handle()) != s.rows)
      return fail(ec::io_error, "open " + band.dataset,
                  "the file has changed since it was first looked at");
    std::vector<std::byte> pixels(static_cast<size_t>(s.columns * s.rows) * size_of(type));
    const int width = static_cast<int>(s.columns), height = static_cast<int>(s.rows);
    const auto read = GDALRasterIO(handle, GF_Read, 0, 0, width, height, pixels.data(), width,
                                   height, gdal_type(type), 0, 0);
    if (read != CE_None || errors.damaged())
      return fail(ec::corrupt, "read " + band.dataset, errors.text(),
                  "fetch the file again, it seems to be damaged");
    bytes_ += pixels.size();
    cache_.push_front({&band, std::move(pixels)});
    while (bytes_ > band_cache_bytes && cache_.size() > 1) {
      bytes_ -= cache_.back().pixels.size();
      cache_.pop_back();
    }
    return &cache_.front().pixels;
  }

  struct cached {
    const swath_band* band;
    std::vector<std::byte> pixels;
  };
  const std::shared_ptr<const swath_parts> parts_;
  std::list<cached> cache_;
  uint64_t bytes_ = 0;
};

class swath_scene final : public scene {
 public:
  explicit swath_scene(std::shared_ptr<const swath_parts> parts) : parts_(std::move(parts)) {}

  const scene_description& description() const override { return parts_->description; }

  source_tiling tiling(size_t subdataset) const override {
    const auto& g = parts_->description.subdatasets.at(subdataset).grid;
    return {std::min(tile_edge, g.width), std::min(tile_edge, g.height), false};
  }

  result<std::unique_ptr<scene_reader>> open_reader() const override {
    return std::make_unique<swath_reader>(parts_);
  }

 private:
  std::shared_ptr<const swath_parts> parts_;
};

}  // namespace

std::unique_ptr<scene> make_swath(scene_description description, swath_map map,
                                  std::vector<swath_shape> shapes, std::vector<swath_part> parts) {
  return std::make_unique<swath_scene>(std::make_shared<const swath_parts>(
      std::move(description), std::move(map), std::move(shapes), std::move(parts)));
}

}  // namespace stip

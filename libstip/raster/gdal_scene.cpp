#include "libstip/raster/gdal_scene.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "libstip/raster/gdal_type.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/tiff_blocks.hpp"
#include "libstip/raster/vsi_file.hpp"

namespace stip {

namespace {

/// a * b, or nullopt when that does not fit.
std::optional<uint64_t> product(uint64_t a, uint64_t b) {
  uint64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
  return out;
}

std::string window_text(const source_window& w) {
  return std::to_string(w.width) + "x" + std::to_string(w.height) + "+" + std::to_string(w.column) +
         "+" + std::to_string(w.row);
}

class gdal_scene_reader final : public scene_reader {
 public:
  explicit gdal_scene_reader(std::shared_ptr<const gdal_scene_parts> parts)
      : parts_(std::move(parts)), open_(parts_->datasets.size()) {}

  /// The dataset, opened when this is its first use.
  result<const gdal_dataset*> dataset(size_t index) {
    auto& slot = open_[index];
    if (!slot.dataset) {
      STIP_ASSIGN(slot.dataset, open_gdal(parts_->datasets[index]));
      if (auto same = check_unchanged(index, slot.dataset); !same) {
        slot.dataset = {};
        return fail(same.error());
      }
      slot.tiff = tiff_beside(index, slot.dataset);
    }
    return &slot.dataset;
  }

  result<void> read(size_t subdataset, const source_window& window, size_t first_band, size_t count,
                    std::span<std::byte> pixels) override {
    STIP_TRY(check_request(subdataset, window, first_band, count, pixels.size(), false));
    const auto type = parts_->description.subdatasets[subdataset].type;
    const auto& bands = parts_->sources[subdataset].bands;
    const size_t band_bytes = pixels.size() / count;
    for (size_t from = 0; from < count;) {
      // One call for all neighbours of one dataset: a pixel-interleaved block is then read once.
      size_t to = from + 1;
      while (to < count && bands[first_band + to].dataset == bands[first_band + from].dataset) ++to;
      STIP_TRY(read_bands(window, {bands.data() + first_band + from, to - from}, type,
                          pixels.subspan(from * band_bytes, (to - from) * band_bytes)));
      from = to;
    }
    return {};
  }

  result<void> read_mask(size_t subdataset, const source_window& window, size_t first_band,
                         size_t count, std::span<std::byte> mask) override {
    const auto& description = parts_->description.subdatasets;
    if (subdataset < description.size() && description[subdataset].valid == validity::mask) {
      first_band = 0;
      count = 1;
    }
    STIP_TRY(check_request(subdataset, window, first_band, count, mask.size(), true));
    const auto& source = parts_->sources[subdataset];
    const size_t plane = mask.size() / count;
    for (size_t i = 0; i < count; ++i) {
      const auto& from = source.masks[first_band + i];
      const auto out = mask.subspan(i * plane, plane);
      switch (from.from) {
        case gdal_mask::kind::none:
          std::fill(out.begin(), out.end(), std::byte{1});
          break;
        case gdal_mask::kind::nodata:
          scratch_.resize(plane * size_of(from.type));
          STIP_TRY(read_bands(window, {&from.band, 1}, from.type, scratch_));
          mark_valid(from.type, scratch_, from.nodata, out);
          break;
        case gdal_mask::kind::range:
          scratch_.resize(plane * size_of(from.type));
          STIP_TRY(read_bands(window, {&from.band, 1}, from.type, scratch_));
          if (from.named)
            mark_valid(from.type, scratch_, from.nodata, out);
          else
            std::fill(out.begin(), out.end(), std::byte{1});
          mark_in_range(from.type, scratch_, from.low, from.high, out);
          break;
        case gdal_mask::kind::gdal:
          STIP_TRY(read_gdal_mask(window, from.band, out));
          break;
      }
    }
    return {};
  }

 private:
  struct slot {
    gdal_dataset dataset;
    /// The short way to the same pixels, where there is one.
    std::unique_ptr<tiff_blocks> tiff;
    /// Bytes decoded since GDAL's cache of this dataset was last dropped.
    uint64_t cached = 0;
  };

  result<void> check_request(size_t subdataset, const source_window& w, size_t first_band,
                             size_t count, size_t bytes, bool mask) const {
    const auto refuse = [&](const char* why) {
      return fail(ec::invalid_argument,
                  "read window " + window_text(w) + " of " + parts_->description.input, why);
    };
    if (subdataset >= parts_->sources.size()) return refuse("there is no such subdataset");
    const auto& d = parts_->description.subdatasets[subdataset];
    const auto& source = parts_->sources[subdataset];
    const size_t planes = mask ? source.masks.size() : source.bands.size();
    if (count < 1 || count > planes || first_band > planes - count)
      return refuse("there are no such bands or masks");
    if (w.column < 0 || w.row < 0 || w.width < 1 || w.height < 1 || w.width > d.grid.width ||
        w.height > d.grid.height || w.column > d.grid.width - w.width ||
        w.row > d.grid.height - w.height)
      return refuse("it is not inside of the scene");
    const auto pixels = product(static_cast<uint64_t>(w.width), static_cast<uint64_t>(w.height));
    const auto all = pixels ? product(*pixels, count) : pixels;
    const auto needed = all ? product(*all, mask ? 1 : size_of(d.type)) : all;
    if (!needed || *needed != bytes) return refuse("the buffer has another size");
    return {};
  }

  /// The file may have been replaced since it was described.
  result<void> check_unchanged(size_t index, const gdal_dataset& dataset) const {
    const auto held = dataset.lock();
    const gdal_errors quiet;
    for (size_t s = 0; s < parts_->sources.size(); ++s) {
      const auto& d = parts_->description.subdatasets[s];
      for (const auto& band : parts_->sources[s].bands) {
        if (band.dataset != index) continue;
        const auto handle = GDALGetRasterBand(dataset.handle(), band.band);
        if (handle == nullptr || GDALGetRasterXSize(dataset.handle()) != d.grid.width ||
            GDALGetRasterYSize(dataset.handle()) != d.grid.height ||
            GDALGetRasterDataType(handle) != gdal_type(d.type))
          return fail(ec::io_error, "open " + parts_->datasets[index],
                      "the file has changed since it was first looked at",
                      "store it again when it is complete");
      }
    }
    return {};
  }

  /// A second handle on the file, for the blocks that need no GDAL.
  std::unique_ptr<tiff_blocks> tiff_beside(size_t index, const gdal_dataset& dataset) const {
    const auto& name = parts_->datasets[index];
    if (dataset.driver() != "GTiff" || !seeks_freely(name)) return nullptr;
    for (size_t s = 0; s < parts_->sources.size(); ++s) {
      const auto& source = parts_->sources[s];
      // Masks that are made of the same blocks want GDAL's cache, or they are decoded twice.
      for (const auto& mask : source.masks)
        if ((mask.from == gdal_mask::kind::nodata || mask.from == gdal_mask::kind::range) &&
            mask.band.dataset == index)
          return nullptr;
      for (const auto& band : source.bands) {
        if (band.dataset != index) continue;
        const auto first = GDALGetRasterBand(dataset.handle(), band.band);
        int block_width = 0, block_height = 0;
        GDALGetBlockSize(first, &block_width, &block_height);
        return tiff_blocks::open(
            name, {GDALGetRasterXSize(dataset.handle()), GDALGetRasterYSize(dataset.handle()),
                   size_t(GDALGetRasterCount(dataset.handle())),
                   parts_->description.subdatasets[s].type, block_width, block_height});
      }
    }
    return nullptr;
  }

  /// What GDAL's call gave, as a result: the driver's words where it failed.
  result<void> outcome(CPLErr status, const gdal_errors& errors, const source_window& window,
                       size_t dataset) const {
    if (status == CE_None && !errors.damaged()) return {};
    const auto what = "read window " + window_text(window) + " of " + parts_->datasets[dataset];
    auto why = errors.text();
    if (errors.out_of_memory()) return fail(ec::limit_exceeded, what, std::move(why));
    if (why.empty()) why = "the driver gave no reason";
    return fail(ec::corrupt, what, std::move(why), "fetch the file again, it seems to be damaged");
  }

  /// Keeps what GDAL caches for this dataset within a bound; the window that was read last stays,
  /// since its mask may be asked for next.
  void account(slot& s, uint64_t bytes) const {
    if (s.cached != 0 && s.cached + bytes > defaults::reader_cache_bytes) {
      GDALFlushCache(s.dataset.handle());
      s.cached = 0;
    }
    s.cached += bytes;
  }

  result<void> read_bands(const source_window& w, std::span<const gdal_band> bands, pixel_type type,
                          std::span<std::byte> pixels) {
    const size_t index = bands.front().dataset;
    STIP_ASSIGN(const auto* const dataset, this->dataset(index));
    if (auto* const tiff = open_[index].tiff.get(); tiff != nullptr) {
      std::vector<size_t> wanted;
      for (const auto& band : bands) wanted.push_back(size_t(band.band - 1));
      if (tiff->read(w, wanted, pixels)) return {};
    }
    const auto held = dataset->lock();
    const gdal_errors errors;
    account(open_[index], pixels.size());
    std::vector<int> numbers;
    for (const auto& band : bands) numbers.push_back(band.band);
    const auto status = GDALDatasetRasterIOEx(
        dataset->handle(), GF_Read, static_cast<int>(w.column), static_cast<int>(w.row),
        static_cast<int>(w.width), static_cast<int>(w.height), pixels.data(),
        static_cast<int>(w.width), static_cast<int>(w.height), gdal_type(type),
        static_cast<int>(numbers.size()), numbers.data(), 0, 0, 0, nullptr);
    return outcome(status, errors, w, index);
  }

  result<void> read_gdal_mask(const source_window& w, const gdal_band& band,
                              std::span<std::byte> out) {
    STIP_ASSIGN(const auto* const dataset, this->dataset(band.dataset));
    const auto held = dataset->lock();
    const gdal_errors errors;
    account(open_[band.dataset], out.size());
    const auto mask = GDALGetMaskBand(GDALGetRasterBand(dataset->handle(), band.band));
    if (mask == nullptr) return outcome(CE_Failure, errors, w, band.dataset);
    const auto status = GDALRasterIOEx(
        mask, GF_Read, static_cast<int>(w.column), static_cast<int>(w.row),
        static_cast<int>(w.width), static_cast<int>(w.height), out.data(),
        static_cast<int>(w.width), static_cast<int>(w.height), GDT_Byte, 0, 0, nullptr);
    STIP_TRY(outcome(status, errors, w, band.dataset));
    for (auto& byte : out) byte = std::byte{byte != std::byte{0}};
    return {};
  }

  std::shared_ptr<const gdal_scene_parts> parts_;
  std::vector<slot> open_;
  std::vector<std::byte> scratch_;
};

class gdal_scene final : public scene {
 public:
  explicit gdal_scene(gdal_scene_parts parts)
      : parts_(std::make_shared<const gdal_scene_parts>(std::move(parts))) {}

  const scene_description& description() const override { return parts_->description; }

  source_tiling tiling(size_t subdataset) const override {
    return parts_->sources.at(subdataset).tiling;
  }

  result<std::unique_ptr<scene_reader>> open_reader() const override {
    auto reader = std::make_unique<gdal_scene_reader>(parts_);
    if (auto first = reader->dataset(0); !first) {
      auto err = first.error();
      if (err.code == ec::unsupported || err.code == ec::malformed) err.code = ec::io_error;
      return fail(std::move(err));
    }
    return reader;
  }

 private:
  std::shared_ptr<const gdal_scene_parts> parts_;
};

}  // namespace

result<std::unique_ptr<scene>> make_gdal_scene(gdal_scene_parts parts) {
  const auto refuse = [&](const char* why) {
    return fail(ec::internal, "open " + parts.description.input, why);
  };
  const auto& described = parts.description.subdatasets;
  if (described.empty() || described.size() != parts.sources.size() || parts.datasets.empty())
    return refuse("subdatasets and sources differ in number");
  const auto known = [&](const gdal_band& band) {
    return band.dataset < parts.datasets.size() && band.band >= 1;
  };
  for (size_t i = 0; i < described.size(); ++i) {
    const auto& d = described[i];
    const auto& s = parts.sources[i];
    const size_t masks = d.valid == validity::mask         ? 1
                         : d.valid == validity::band_masks ? d.bands.size()
                                                           : 0;
    if (d.bands.empty() || s.bands.size() != d.bands.size() || s.masks.size() != masks)
      return refuse("bands or masks and their sources differ in number");
    if (!std::all_of(s.bands.begin(), s.bands.end(), known) ||
        !std::all_of(s.masks.begin(), s.masks.end(), [&](const gdal_mask& mask) {
          return known(mask.band) && is_known(mask.type);
        }))
      return refuse("a band comes from a dataset that is not there");
    if (!is_known(d.type) || d.type == pixel_type::bit || s.tiling.block_width < 1 ||
        s.tiling.block_height < 1)
      return refuse("a pixel type or tiling is unusable");
    if (auto checked = check_grid(d.grid); !checked) return fail(checked.error());
  }
  return std::make_unique<gdal_scene>(std::move(parts));
}

}  // namespace stip

#include "libstip/raster/cog_stream.hpp"

#include <cpl_vsi.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/plain_tiff.hpp"
#include "libstip/raster/scatter.hpp"
#include "libstip/raster/tiff_tile.hpp"

namespace stip {

namespace {

constexpr auto edge = cog_stream::tile_edge;
constexpr size_t tile_area = static_cast<size_t>(edge * edge);

/// Tags of TIFF 6.0 and GDAL that are set here; the others are GDAL's own.
enum tag : uint16_t {
  subfile_type = 254,
  image_width = 256,
  image_length = 257,
  bits_per_sample = 258,
  compression = 259,
  photometric = 262,
  strip_offsets = 273,
  samples_per_pixel = 277,
  rows_per_strip = 278,
  strip_byte_counts = 279,
  planar_configuration = 284,
  predictor = 317,
  colour_map = 320,
  tile_width = 322,
  tile_length = 323,
  tile_offsets = 324,
  tile_byte_counts = 325,
  extra_samples = 338,
  sample_format = 339,
  gdal_metadata = 42112,
  gdal_nodata = 42113,
};

constexpr uint16_t adobe_deflate = 8;
constexpr uint16_t photometric_mask = 4;
constexpr uint32_t reduced_image = 1;
constexpr uint32_t transparency_mask = 4;

/// Offsets beyond this do not fit a classic TIFF; deflate may make a tile slightly larger.
constexpr double classic_bytes = 3.5e9;

/// Unique within the process, beside other memory files of GDAL.
std::string memory_name() {
  static std::atomic<uint64_t> next{0};
  return "/vsimem/stip-template-" + std::to_string(next++) + ".tif";
}

/// The tags that GDAL gives such a file: type, colours, place, names, metadata.
result<tiff_tags> tags_by_gdal(const cog_description& of) {
  prepare_gdal();
  chip_image pixel;
  pixel.description = of.pixels;
  pixel.description.grid.width = pixel.description.grid.height = 1;
  pixel.pixels.resize(pixel.bands() * size_of(of.pixels.type));
  pixel.masks.assign(mask_planes(of.pixels.valid, pixel.bands()), 1);
  pixel.items = of.items;
  pixel.properties = of.properties;
  const auto name = memory_name();
  auto written = plain_tiff::write(name.c_str(), pixel);
  result<tiff_tags> out;
  if (written) {
    vsi_l_offset bytes = 0;
    const auto* file = VSIGetMemFileBuffer(name.c_str(), &bytes, FALSE);
    out = file == nullptr ? fail(ec::internal, "describe a picture", "GDAL wrote nothing")
                          : read_tiff_tags({reinterpret_cast<const std::byte*>(file), bytes});
  } else {
    out = fail(std::move(written).error());
  }
  VSIUnlink(name.c_str());
  STIP_TRY(out);
  for (const uint16_t own : {strip_offsets, rows_per_strip, strip_byte_counts, tile_offsets,
                             tile_byte_counts, predictor})
    out->erase(own);
  if (const auto found = out->find(gdal_metadata); found != out->end()) {
    auto& bytes = found->second.bytes;
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::string wanted(plain_tiff::domain_placeholder);
    wanted += '"';
    for (auto at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
      text.replace(at, plain_tiff::domain_attribute.size(), plain_tiff::domain_attribute);
    std::memcpy(bytes.data(), text.data(), bytes.size());
  }
  return out;
}

/// The mean of up to four valid values; `mean` of none is not asked for.
template <class T>
T mean_of(const std::array<T, 4>& values, size_t count) {
  if constexpr (std::is_floating_point_v<T>) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]);
    return static_cast<T>(sum / static_cast<double>(count));
  } else if constexpr (sizeof(T) <= 4) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; ++i) sum += static_cast<int64_t>(values[i]);
    const auto n = static_cast<int64_t>(count);
    // Halves go up.
    const int64_t twice = 2 * sum + n;
    return static_cast<T>(twice >= 0 ? twice / (2 * n) : -((-twice + 2 * n - 1) / (2 * n)));
  } else {
    long double sum = 0;
    for (size_t i = 0; i < count; ++i) sum += static_cast<long double>(values[i]);
    return static_cast<T>(std::floor(sum / static_cast<long double>(count) + 0.5L));
  }
}

}  // namespace

/// Encoders that wait for the next tile: at most one a thread is busy.
struct cog_stream::encoders {
  std::mutex mutex;
  std::vector<std::unique_ptr<tiff_tile_encoder>> idle;

  std::unique_ptr<tiff_tile_encoder> take() {
    const std::lock_guard lock{mutex};
    if (idle.empty()) return std::make_unique<tiff_tile_encoder>();
    auto out = std::move(idle.back());
    idle.pop_back();
    return out;
  }
  void give(std::unique_ptr<tiff_tile_encoder> back) {
    const std::lock_guard lock{mutex};
    idle.push_back(std::move(back));
  }
};

cog_stream::cog_stream(std::string path, cog_description of, nameless_file spool)
    : path_(std::move(path)),
      of_(std::move(of)),
      masked_(of_.pixels.valid == validity::mask),
      spool_(std::move(spool)),
      encoders_(std::make_unique<encoders>()) {}

cog_stream::~cog_stream() = default;

result<std::unique_ptr<cog_stream>> cog_stream::create(const std::string& path,
                                                       cog_description of) {
  const auto refuse = [&](std::string why) {
    return fail(ec::invalid_argument, "write " + path, std::move(why));
  };
  const auto& d = of.pixels;
  STIP_TRY(check_grid(d.grid));
  if (d.bands.empty() || !is_known(d.type) || d.type == pixel_type::bit)
    return refuse("a picture needs bands and a type");
  if (d.valid == validity::nodata) {
    for (const auto& band : d.bands)
      if (!band.nodata || *band.nodata != *d.bands.front().nodata)
        return refuse("its bands have no common value for no data");
  } else if (d.valid != validity::mask) {
    return refuse("its pixels tell their validity in another way");
  }
  STIP_ASSIGN(auto spool, nameless_file::beside(path));
  std::unique_ptr<cog_stream> out{new cog_stream(path, std::move(of), std::move(spool))};
  STIP_TRY(out->prepare());
  return out;
}

result<void> cog_stream::prepare() {
  const auto& d = of_.pixels;
  if (!masked_) nodata_ = *d.bands.front().nodata;
  STIP_ASSIGN(common_, tags_by_gdal(of_));
  auto width = d.grid.width, height = d.grid.height;
  for (;;) {
    level made;
    made.width = width;
    made.height = height;
    made.columns = (width + edge - 1) / edge;
    made.rows = (height + edge - 1) / edge;
    made.pixels.resize(static_cast<size_t>(made.columns * made.rows));
    if (masked_) made.masks.resize(made.pixels.size());
    levels_.push_back(std::move(made));
    if (width <= edge && height <= edge) break;
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
  growing_.resize(levels_.size());
  return {};
}

std::unique_ptr<cog_stream::tile> cog_stream::blank() const {
  const auto& d = of_.pixels;
  auto out = std::make_unique<tile>();
  out->planes.resize(d.bands.size() * tile_area * size_of(d.type));
  if (nodata_ != 0) fill_pattern(d.type, out->planes, nodata_);
  out->valid.resize(tile_area);
  return out;
}

result<void> cog_stream::add(const pixel_rect& part, std::span<const std::byte> planes,
                             std::span<const uint8_t> valid) {
  const size_t pixel = size_of(of_.pixels.type), bands = of_.pixels.bands.size();
  const plane_view from{const_cast<std::byte*>(planes.data()), part, pixel};
  const plane_view flags{reinterpret_cast<std::byte*>(const_cast<uint8_t*>(valid.data())), part, 1};
  for (int64_t y = part.row / edge; y * edge < part.end_row(); ++y)
    for (int64_t x = part.column / edge; x * edge < part.end_column(); ++x) {
      const pixel_rect whole{x * edge, y * edge, edge, edge};
      const auto piece = intersect(whole, part);
      auto made = blank();
      copy_part(from, {made->planes.data(), whole, pixel}, piece, bands);
      copy_part(flags, {reinterpret_cast<std::byte*>(made->valid.data()), whole, 1}, piece, 1);
      made->any = std::memchr(made->valid.data(), 1, tile_area) != nullptr;
      STIP_TRY(take(0, x, y, made->any ? std::move(made) : nullptr));
    }
  return {};
}

result<void> cog_stream::add_empty(const pixel_rect& part) {
  for (int64_t y = part.row / edge; y * edge < part.end_row(); ++y)
    for (int64_t x = part.column / edge; x * edge < part.end_column(); ++x)
      STIP_TRY(take(0, x, y, nullptr));
  return {};
}

result<void> cog_stream::take(size_t number, int64_t column, int64_t row,
                              std::unique_ptr<tile> pixels) {
  for (;; ++number) {
    auto& own = levels_[number];
    if (pixels) STIP_TRY(write(own, static_cast<size_t>(row * own.columns + column), *pixels));
    if (number + 1 == levels_.size()) return {};
    const int64_t up_column = column / 2, up_row = row / 2;
    const auto key = up_row * levels_[number + 1].columns + up_column;
    tile* target = nullptr;
    {
      const std::lock_guard lock{mutex_};
      auto& parent = growing_[number + 1][key];
      if (parent.missing == 0)
        parent.missing = static_cast<int>(std::min<int64_t>(2, own.columns - 2 * up_column) *
                                          std::min<int64_t>(2, own.rows - 2 * up_row));
      if (pixels && !parent.pixels) parent.pixels = blank();
      target = parent.pixels.get();
    }
    // Each child has a quarter of its own.
    if (pixels) shrink(*pixels, *target, column % 2 == 1, row % 2 == 1);
    const std::lock_guard lock{mutex_};
    auto at = growing_[number + 1].find(key);
    if (--at->second.missing > 0) return {};
    pixels = std::move(at->second.pixels);
    growing_[number + 1].erase(at);
    column = up_column;
    row = up_row;
  }
}

void cog_stream::shrink(const tile& from, tile& to, bool right, bool lower) const {
  constexpr size_t half = edge / 2;
  const size_t column = right ? half : 0, row = lower ? half : 0;
  const auto put = [&](size_t x, size_t y) { return (row + y) * edge + column + x; };
  const auto got = [](size_t x, size_t y, size_t i) {
    return (2 * y + i / 2) * edge + 2 * x + i % 2;
  };
  visit_pixel_type(of_.pixels.type, [&]<class T>(std::type_identity<T>) {
    T nodata{};
    std::memcpy(&nodata, &nodata_, sizeof(T));
    // A mean may happen to be the number that means no data.
    const auto beside = [&](T value) {
      if constexpr (std::is_floating_point_v<T>)
        return std::nextafter(value, value <= T{0} ? T{1} : T{-1});
      else
        return static_cast<T>(value == std::numeric_limits<T>::max() ? value - 1 : value + 1);
    };
    for (size_t band = 0; band < of_.pixels.bands.size(); ++band) {
      const auto* source = reinterpret_cast<const T*>(from.planes.data()) + band * tile_area;
      auto* target = reinterpret_cast<T*>(to.planes.data()) + band * tile_area;
      for (size_t y = 0; y < half; ++y)
        for (size_t x = 0; x < half; ++x) {
          std::array<T, 4> values{};
          size_t count = 0;
          for (size_t i = 0; i < 4; ++i) {
            const T value = source[got(x, y, i)];
            const bool holds = masked_ ? from.valid[got(x, y, i)] != 0
                                       : !(value == nodata || (value != value && nodata != nodata));
            if (holds) values[count++] = value;
          }
          if (count == 0) continue;
          T made = of_.classes ? values[0] : mean_of(values, count);
          if (!masked_ && made == nodata) made = beside(made);
          target[put(x, y)] = made;
        }
    }
  });
  for (size_t y = 0; y < half; ++y)
    for (size_t x = 0; x < half; ++x) {
      const uint8_t any = from.valid[got(x, y, 0)] | from.valid[got(x, y, 1)] |
                          from.valid[got(x, y, 2)] | from.valid[got(x, y, 3)];
      to.valid[put(x, y)] = any;
    }
}

result<void> cog_stream::write(level& to, size_t index, const tile& pixels) {
  auto encoder = encoders_->take();
  auto packed = encoder->encode(of_.pixels.type, pixels.planes, of_.pixels.bands.size(),
                                static_cast<size_t>(edge), static_cast<size_t>(edge));
  STIP_TRY(packed);
  STIP_ASSIGN(to.pixels[index], append(*packed));
  if (masked_) {
    packed =
        encoder->encode_mask(pixels.valid, static_cast<size_t>(edge), static_cast<size_t>(edge));
    STIP_TRY(packed);
    STIP_ASSIGN(to.masks[index], append(*packed));
  }
  encoders_->give(std::move(encoder));
  return {};
}

result<cog_stream::piece> cog_stream::append(std::span<const std::byte> bytes) {
  const auto at = end_.fetch_add(bytes.size());
  STIP_TRY(spool_.write(at, bytes));
  return piece{at, static_cast<uint32_t>(bytes.size())};
}

tiff_tags cog_stream::tags_of(const level& of, size_t number, bool mask) const {
  tiff_tags out;
  if (number == 0 && !mask) {
    out = common_;
  } else if (!mask) {
    for (const uint16_t kept : {bits_per_sample, photometric, samples_per_pixel, colour_map,
                                extra_samples, sample_format, gdal_nodata})
      if (const auto found = common_.find(kept); found != common_.end()) out.insert(*found);
  } else {
    out[bits_per_sample] = tiff_values::shorts({1});
    out[photometric] = tiff_values::shorts({photometric_mask});
    out[samples_per_pixel] = tiff_values::shorts({1});
  }
  out[subfile_type] =
      tiff_values::longs({(number > 0 ? reduced_image : 0) | (mask ? transparency_mask : 0)});
  out[image_width] = tiff_values::longs({static_cast<uint32_t>(of.width)});
  out[image_length] = tiff_values::longs({static_cast<uint32_t>(of.height)});
  out[compression] = tiff_values::shorts({adobe_deflate});
  out[planar_configuration] = tiff_values::shorts({1});
  out[tile_width] = tiff_values::shorts({static_cast<uint16_t>(edge)});
  out[tile_length] = tiff_values::shorts({static_cast<uint16_t>(edge)});
  if (!mask)
    out[predictor] = tiff_values::shorts({static_cast<uint16_t>(predictor_of(of_.pixels.type))});
  return out;
}

result<void> cog_stream::write_file(const std::string& name) {
  const auto what = "write " + path_;
  const bool big = static_cast<double>(end_.load()) > classic_bytes;
  // What follows the header: directories, then tiles from the smallest overview to the picture.
  struct image {
    const std::vector<piece>* pieces;
    tiff_tags tags;
    uint64_t at = 0;
    std::vector<uint64_t> offsets;
  };
  std::vector<image> images;
  for (size_t i = 0; i < levels_.size(); ++i)
    for (const bool mask : {false, true}) {
      if (mask && !masked_) continue;
      const auto& pieces = mask ? levels_[i].masks : levels_[i].pixels;
      image made{&pieces, tags_of(levels_[i], i, mask), 0, std::vector<uint64_t>(pieces.size())};
      std::vector<uint32_t> sizes;
      for (const auto& p : pieces) sizes.push_back(p.bytes);
      made.tags[tile_byte_counts] = tiff_values::longs(sizes);
      const std::vector<uint32_t> none(big ? 0 : pieces.size());
      made.tags[tile_offsets] = big ? tiff_values::long8s(made.offsets) : tiff_values::longs(none);
      images.push_back(std::move(made));
    }
  const auto header = make_tiff_header(big);
  uint64_t at = header.size();
  for (auto& i : images) {
    i.at = at;
    at += directory_bytes(i.tags, big);
  }
  const int file = ::open(name.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC,
                          S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
  if (file < 0) return fail(system_error(what, errno));
  const auto put = [&]() -> result<void> {
    STIP_TRY(write_at(file, 0, header, what));
    const size_t step = masked_ ? 2 : 1;
    for (size_t l = levels_.size(); l-- > 0;) {
      // Row by row, each tile with its mask: the same pixels give the same file, whoever painted
      // which part first.
      for (size_t i = 0; i < images[l * step].pieces->size(); ++i)
        for (size_t k = 0; k < step; ++k) {
          auto& of = images[l * step + k];
          const auto& tile = (*of.pieces)[i];
          if (tile.bytes == 0) continue;
          of.offsets[i] = at;
          STIP_TRY(spool_.copy(tile.offset, tile.bytes, file, at));
          at += tile.bytes;
        }
    }
    for (size_t i = 0; i < images.size(); ++i) {
      auto& one = images[i];
      if (big) {
        one.tags[tile_offsets] = tiff_values::long8s(one.offsets);
      } else {
        if (at > std::numeric_limits<uint32_t>::max())
          return fail(ec::internal, what, "it grew beyond what its form can hold");
        one.tags[tile_offsets] = tiff_values::longs({one.offsets.begin(), one.offsets.end()});
      }
      STIP_TRY(write_at(
          file, one.at,
          make_directory(one.tags, big, one.at, i + 1 < images.size() ? images[i + 1].at : 0),
          what));
    }
    return {};
  };
  auto done = put();
  if (::close(file) != 0 && done) done = fail(system_error(what, errno));
  return done;
}

result<void> cog_stream::finish() {
  // Parts that never came hold no data.
  for (size_t number = 1; number < levels_.size(); ++number)
    while (!growing_[number].empty()) {
      auto at = growing_[number].begin();
      const auto key = at->first;
      auto pixels = std::move(at->second.pixels);
      growing_[number].erase(at);
      const auto columns = levels_[number].columns;
      STIP_TRY(take(number, key % columns, key / columns, std::move(pixels)));
    }
  STIP_ASSIGN(auto file, new_file::beside(path_));
  STIP_TRY(write_file(file.name()));
  return file.commit();
}

}  // namespace stip

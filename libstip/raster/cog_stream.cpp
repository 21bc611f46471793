#include "libstip/raster/cog_stream.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "libstip/raster/nodata.hpp"
#include "libstip/raster/scatter.hpp"
#include "libstip/raster/tiff_tile.hpp"

namespace stip {

namespace {

constexpr auto edge = cog_tile_edge;
constexpr size_t tile_area = static_cast<size_t>(edge * edge);

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
  STIP_ASSIGN(common_, cog_tags(of_));
  auto width = d.grid.width, height = d.grid.height;
  for (;;) {
    cog_level made;
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

result<void> cog_stream::write(cog_level& to, size_t index, const tile& pixels) {
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

result<cog_piece> cog_stream::append(std::span<const std::byte> bytes) {
  const auto at = end_.fetch_add(bytes.size());
  STIP_TRY(spool_.write(at, bytes));
  return cog_piece{at, static_cast<uint32_t>(bytes.size())};
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
  auto written = write_cog_layout(file.name(), of_, common_, levels_, spool_);
  if (written) return file.commit();
  // The user knows the name that was asked for, not the temporary one.
  auto err = std::move(written).error();
  err.what = "write " + path_;
  return fail(std::move(err));
}

}  // namespace stip

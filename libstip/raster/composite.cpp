#include "libstip/raster/composite.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "libstip/raster/nodata.hpp"

namespace stip {

namespace {

tl::unexpected<error> differ(const subdataset_description& a, std::string what) {
  return fail(ec::unsupported, "combine images in subdataset " + a.id, std::move(what));
}

/// One band's numbers of one encoding in another.
struct recoding {
  double factor = 1;
  double summand = 0;
  /// A pattern that no number may become.
  std::optional<uint64_t> avoided;

  bool is_none() const { return factor == 1 && summand == 0 && !avoided; }
};

recoding recoding_of(const band_description& from, const band_description& to) {
  recoding out;
  const bool same = from.scale == to.scale && from.offset == to.offset;
  if (!same || from.nodata != to.nodata) out.avoided = to.nodata;
  if (same) return out;
  out.factor = from.scale / to.scale;
  out.summand = (from.offset - to.offset) / to.scale;
  return out;
}

/// value * factor + summand in the same type: rounded, within its range, and not nodata.
template <class T>
T recode(T value, const recoding& how) {
  const auto exact = static_cast<double>(value) * how.factor + how.summand;
  if constexpr (std::is_floating_point_v<T>) {
    const auto out = static_cast<T>(exact);
    const bool hole = how.avoided && out == nodata_value(sizeof(T) == 4 ? pixel_type::float32
                                                                        : pixel_type::float64,
                                                         *how.avoided);
    return hole ? std::nextafter(out, std::numeric_limits<T>::max()) : out;
  } else {
    constexpr auto least = std::numeric_limits<T>::min();
    constexpr auto most = std::numeric_limits<T>::max();
    const auto rounded = std::nearbyint(exact);
    auto out = rounded <= static_cast<double>(least)  ? least
               : rounded >= static_cast<double>(most) ? most
                                                      : static_cast<T>(rounded);
    if (how.avoided && out == static_cast<T>(*how.avoided)) {
      // The nearest number that is data, on the side of what it should be.
      const bool up = out == least || (out != most && exact > rounded);
      out = static_cast<T>(up ? out + 1 : out - 1);
    }
    return out;
  }
}

/// Copies numbers from places to the pixels of a row that want one.
template <class T>
void take_band(const T* from, T* to, std::span<const int64_t> places, const recoding& how) {
  if (how.is_none()) {
    for (size_t i = 0; i < places.size(); ++i)
      if (places[i] >= 0) to[i] = from[places[i]];
    return;
  }
  for (size_t i = 0; i < places.size(); ++i)
    if (places[i] >= 0) to[i] = recode(from[places[i]], how);
}

}  // namespace

result<void> check_combinable(const subdataset_description& a, const subdataset_description& b) {
  if (a.id != b.id) return differ(a, "the other's is " + b.id);
  if (a.type != b.type) return differ(a, "their pixel types differ");
  const auto way = [](validity v) { return v == validity::all ? validity::mask : v; };
  if (way(a.valid) != way(b.valid)) return differ(a, "they mark pixels without data differently");
  if (a.bands.size() != b.bands.size()) return differ(a, "they have not the same bands");
  for (size_t i = 0; i < a.bands.size(); ++i) {
    const auto& x = a.bands[i];
    const auto& y = b.bands[i];
    if (x.name != y.name)
      return differ(a, "they have not the same bands: " + x.name + ", " + y.name);
    if (x.unit != y.unit)
      return differ(a, "band " + x.name + " is in " + (x.unit.empty() ? "no unit" : x.unit) +
                           " and " + (y.unit.empty() ? "no unit" : y.unit));
    if (x.categories != y.categories) return differ(a, "band " + x.name + " has other categories");
    const bool recoded = x.scale != y.scale || x.offset != y.offset;
    if (recoded && (x.scale == 0 || y.scale == 0 || !std::isfinite(x.scale / y.scale)))
      return differ(a, "band " + x.name + " has a scale that is none");
  }
  return {};
}

result<composite> composite::make(const subdataset_description& description) {
  const auto& g = description.grid;
  STIP_ASSIGN(auto empty,
              chip_assembler::make(description, {0, 0, static_cast<uint32_t>(g.width),
                                                 static_cast<uint32_t>(g.height),
                                                 static_cast<uint16_t>(defaults::max_block_edge)}));
  return composite{std::move(empty).finish()};
}

composite::source::source(const chip_image& from, const subdataset_description& to, uint8_t number)
    : image(from), valid(from.valid()), number(number) {
  for (size_t b = 0; b < to.bands.size(); ++b) {
    const auto& own = from.description.bands[b];
    // Of equal bands numbers and nodata values are copied as they are.
    const bool same = from.description.valid == validity::nodata && to.valid == validity::nodata &&
                      own.nodata == to.bands[b].nodata && recoding_of(own, to.bands[b]).is_none();
    valid_in.push_back(same ? std::vector<uint8_t>{} : from.valid_in(b));
  }
}

result<composite::placing> composite::add(const chip_image& from, uint8_t number) {
  const source with{from, image_.description, number};
  STIP_ASSIGN(auto places, grid_mapper::make(image_.description.grid, from.description.grid));
  if (const auto shift = places.shift()) {
    take_copied(with, *shift);
    return placing::copied;
  }
  take_nearest(with, places);
  return placing::nearest;
}

void composite::take_copied(const source& with, std::pair<int64_t, int64_t> shift) {
  const auto& from = with.image;
  const auto [right, down] = shift;
  std::vector<int64_t> places(static_cast<size_t>(image_.width()));
  for (int64_t row = 0; row < image_.height(); ++row) {
    const auto source_row = row + down;
    if (source_row < 0 || source_row >= from.height()) continue;
    for (int64_t column = 0; column < image_.width(); ++column) {
      const auto source_column = column + right;
      const bool inside = source_column >= 0 && source_column < from.width();
      places[static_cast<size_t>(column)] = inside ? source_row * from.width() + source_column : -1;
    }
    take_row(with, row, places);
  }
}

void composite::take_nearest(const source& with, grid_mapper& mapper) {
  const auto& from = with.image;
  const auto width = static_cast<size_t>(image_.width());
  std::vector<double> x(width), y(width);
  std::vector<uint8_t> ok(width);
  std::vector<int64_t> places(width);
  for (int64_t row = 0; row < image_.height(); ++row) {
    for (size_t i = 0; i < width; ++i) x[i] = static_cast<double>(i) + 0.5;
    std::ranges::fill(y, static_cast<double>(row) + 0.5);
    mapper.exact(x, y, ok);
    for (size_t i = 0; i < width; ++i) {
      // Compared as numbers: what is far away fits no integer.
      const bool inside = ok[i] && x[i] >= 0 && x[i] < static_cast<double>(from.width()) &&
                          y[i] >= 0 && y[i] < static_cast<double>(from.height());
      places[i] =
          inside ? static_cast<int64_t>(y[i]) * from.width() + static_cast<int64_t>(x[i]) : -1;
    }
    take_row(with, row, places);
  }
}

void composite::take_row(const source& with, int64_t row, std::span<const int64_t> places) {
  const auto width = static_cast<size_t>(image_.width());
  const auto first = static_cast<size_t>(row) * width;
  wanted_.assign(places.begin(), places.end());
  bool any = false;
  for (size_t i = 0; i < width; ++i) {
    auto& place = wanted_[i];
    if (place >= 0 && (sources_[first + i] != 0 || !with.valid[static_cast<size_t>(place)]))
      place = -1;
    any = any || place >= 0;
  }
  if (!any) return;
  const auto& to = image_.description;
  const auto area = image_.area();
  for (size_t b = 0; b < to.bands.size(); ++b) {
    const auto how = recoding_of(with.image.description.bands[b], to.bands[b]);
    visit_pixel_type(to.type, [&]<class T>(std::type_identity<T>) {
      take_band(reinterpret_cast<const T*>(with.image.pixels.data()) + b * with.image.area(),
                reinterpret_cast<T*>(image_.pixels.data()) + b * area + first, wanted_, how);
    });
    keep_holes(with, b, first);
  }
  for (size_t i = 0; i < width; ++i) {
    if (wanted_[i] < 0) continue;
    sources_[first + i] = with.number;
    if (to.valid == validity::mask || to.valid == validity::all) image_.masks[first + i] = 1;
  }
}

void composite::keep_holes(const source& with, size_t band, size_t first) {
  const auto& valid = with.valid_in[band];
  if (valid.empty()) return;
  const auto& to = image_.description;
  const auto size = size_of(to.type);
  for (size_t i = 0; i < wanted_.size(); ++i) {
    if (wanted_[i] < 0) continue;
    const bool has = valid[static_cast<size_t>(wanted_[i])] != 0;
    const auto at = band * image_.area() + first + i;
    if (to.valid == validity::band_masks) image_.masks[at] = has;
    if (has || to.valid == validity::alpha) continue;
    const auto pixel = std::span(image_.pixels).subspan(at * size, size);
    fill_pattern(to.type, pixel, to.bands[band].nodata.value_or(0));
  }
}

}  // namespace stip

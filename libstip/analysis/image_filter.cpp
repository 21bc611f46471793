#include "libstip/analysis/image_filter.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "libstip/analysis/band_roles.hpp"
#include "libstip/analysis/filter_planes.hpp"
#include "libstip/raster/nodata.hpp"

namespace stip {

namespace {

/// A filter's name and its radius: none (0) or by default and at most.
struct filter_line {
  std::string_view name;
  filter_kind kind;
  int usual_radius = 0;
  int largest_radius = 0;
};

constexpr std::array filters = {
    filter_line{"grayscale", filter_kind::grayscale},
    filter_line{"blur", filter_kind::blur, 2, max_blur_radius},
    filter_line{"sharpen", filter_kind::sharpen, 1, max_blur_radius},
    filter_line{"median", filter_kind::median, 1, max_median_radius},
    filter_line{"edges", filter_kind::edges},
    filter_line{"equalize", filter_kind::equalize},
};

/// Brightness of red, green and blue: ITU-R BT.601, section 2.5.1.
struct brightness {
  band_role role;
  double share;
};
constexpr std::array brightnesses = {brightness{band_role::red, 0.299},
                                     brightness{band_role::green, 0.587},
                                     brightness{band_role::blue, 0.114}};

constexpr int least_equalized = 1;
constexpr int most_equalized = 255;

bool has_classes(const band_description& band) {
  return !band.colour_table.empty() || !band.categories.empty() || band.colour == "Palette";
}

/// Bands that are filtered: an alpha band is none.
size_t measured_bands(const subdataset_description& of) {
  return of.bands.size() - (of.valid == validity::alpha ? 1 : 0);
}

/// The band of a subdataset that is red, green or blue, by its colour, its name, or its role in the
/// scene.
std::optional<size_t> band_of_role(const scene_description& scene, size_t subdataset,
                                   band_role role) {
  const auto& bands = scene.subdatasets[subdataset].bands;
  const auto like = [&](const std::string& text) {
    return std::ranges::equal(text, to_string(role), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == b;
    });
  };
  for (size_t i = 0; i < bands.size(); ++i)
    if (like(bands[i].colour) || like(bands[i].name)) return i;
  const auto place = find_role(scene, role);
  if (place && place->subdataset == subdataset) return place->band;
  return std::nullopt;
}

std::vector<double> gray_weights(const scene_description& scene, size_t subdataset) {
  const auto& part = scene.subdatasets[subdataset];
  const auto measured = measured_bands(part);
  std::vector<double> out(part.bands.size(), 0.0);
  bool coloured = true;
  for (const auto& [role, share] : brightnesses) {
    const auto band = band_of_role(scene, subdataset, role);
    coloured = coloured && band.has_value() && *band < measured;
    if (coloured) out[*band] += share;
  }
  if (!coloured)
    for (size_t i = 0; i < out.size(); ++i) out[i] = i < measured ? 1.0 / double(measured) : 0.0;
  return out;
}

/// Single precision holds the numbers of small types.
template <class T>
using working = std::conditional_t<sizeof(T) <= 2 || std::is_same_v<T, float>, float, double>;

/// Numbers as the pixels of a type that do not mean "no data".
template <class T>
class pixel_maker {
 public:
  explicit pixel_maker(const std::optional<uint64_t>& nodata) {
    if (!nodata) return;
    T value{};
    std::memcpy(&value, &*nodata, sizeof value);
    if constexpr (std::is_floating_point_v<T>)
      if (std::isnan(value)) return;
    nodata_ = value;
  }

  template <class W>
  T make(W value) const {
    T out{};
    if constexpr (std::is_floating_point_v<T>) {
      out = static_cast<T>(value);
    } else {
      using limits = std::numeric_limits<T>;
      const auto whole = std::nearbyint(value);
      // The largest number of 64 bits is none of a double: the one beyond it is.
      if (!(whole < std::ldexp(W{1}, limits::digits)))
        out = limits::max();
      else if (whole <= static_cast<W>(limits::min()))
        out = limits::min();
      else
        out = static_cast<T>(whole);
    }
    if (!nodata_ || out != *nodata_) return out;
    if constexpr (std::is_floating_point_v<T>)
      return std::nextafter(out, out > 0 ? T{0} : std::numeric_limits<T>::infinity());
    else
      return out == std::numeric_limits<T>::max() ? T(out - 1) : T(out + 1);
  }

 private:
  std::optional<T> nodata_;
};

/// The pixels of one band of a chip as numbers of T, and where they count.
template <class T>
struct band_plane {
  std::vector<T> values;
  std::vector<uint8_t> valid;

  band_plane(const chip_image& chip, size_t band)
      : values(chip.area()), valid(chip.valid_in(band)) {
    std::memcpy(values.data(), chip.band(band).data(), values.size() * sizeof(T));
    if constexpr (std::is_floating_point_v<T>)
      for (size_t i = 0; i < values.size(); ++i)
        if (std::isnan(values[i])) valid[i] = 0;
  }
};

template <class T>
std::span<T> plane_in(chip_image& image, size_t band) {
  return {reinterpret_cast<T*>(image.pixels.data()) + band * image.area(), image.area()};
}

plane_size size_of_chip(const chip_image& chip) {
  return {size_t(chip.width()), size_t(chip.height())};
}

template <class T>
result<void> filter_values(const chip_image& chip, const image_filter& filter, chip_image& out) {
  using W = working<T>;
  const auto size = size_of_chip(chip);
  for (size_t b = 0; b < measured_bands(chip.description); ++b) {
    band_plane<T> from(chip, b);
    const auto to = plane_in<T>(out, b);
    if (filter.kind == filter_kind::median) {
      STIP_TRY(median_plane<T>(std::span(from.values), from.valid, size, filter.radius));
      std::copy(from.values.begin(), from.values.end(), to.begin());
      continue;
    }
    std::vector<W> blurred(from.values.begin(), from.values.end());
    STIP_TRY(blur_plane<W>(std::span(blurred), from.valid, size, filter.radius));
    const pixel_maker<T> pixel(chip.description.bands[b].nodata);
    for (size_t i = 0; i < to.size(); ++i) {
      if (from.valid[i] == 0) continue;
      const auto own = static_cast<W>(from.values[i]);
      to[i] = pixel.make(filter.kind == filter_kind::blur ? blurred[i] : own + (own - blurred[i]));
    }
  }
  return {};
}

template <class T>
result<void> filter_gray(const chip_image& chip, const filtered_part& part, chip_image& out) {
  std::vector<double> sums(chip.area());
  std::vector<uint8_t> valid(chip.area(), 1);
  for (size_t b = 0; b < part.weights.size(); ++b) {
    if (part.weights[b] == 0) continue;
    const band_plane<T> from(chip, b);
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i] += part.weights[b] * static_cast<double>(from.values[i]);
      valid[i] &= from.valid[i];
    }
  }
  const auto& made = out.description;
  const pixel_maker<T> pixel(made.bands.front().nodata);
  const auto to = plane_in<T>(out, 0);
  validity_rule(made).fill(0, std::as_writable_bytes(to));
  for (size_t i = 0; i < sums.size(); ++i)
    if (valid[i] != 0) to[i] = pixel.make(sums[i]);
  if (made.valid != validity::nodata) out.masks = std::move(valid);
  return {};
}

template <class T>
result<void> filter_edges(const chip_image& chip, chip_image& out) {
  using W = working<T>;
  for (size_t b = 0; b < measured_bands(chip.description); ++b) {
    const band_plane<T> from(chip, b);
    std::vector<W> values(from.values.begin(), from.values.end());
    STIP_TRY(edges_of_plane<W>(std::span(values), from.valid, size_of_chip(chip)));
    const auto to = plane_in<float>(out, b);
    for (size_t i = 0; i < to.size(); ++i)
      to[i] = from.valid[i] != 0 ? static_cast<float>(values[i])
                                 : std::numeric_limits<float>::quiet_NaN();
  }
  return {};
}

/// How many of a band's valid values are not above a number.
template <class T>
class frequencies {
 public:
  explicit frequencies(const band_plane<T>& of) {
    for (size_t i = 0; i < of.values.size(); ++i)
      if (of.valid[i] != 0) values_.push_back(of.values[i]);
    if constexpr (is_small) {
      upto_.resize(size_t{1} << (8 * sizeof(T)));
      for (const auto value : values_) ++upto_[place(value)];
      for (size_t i = 1; i < upto_.size(); ++i) upto_[i] += upto_[i - 1];
    } else {
      std::sort(values_.begin(), values_.end());
    }
  }

  double all() const { return double(values_.size()); }

  double upto(T value) const {
    if constexpr (is_small)
      return double(upto_[place(value)]);
    else
      return double(std::upper_bound(values_.begin(), values_.end(), value) - values_.begin());
  }

  /// That of the least value; 0 where there is none.
  double first() const {
    return values_.empty() ? 0 : upto(*std::min_element(values_.begin(), values_.end()));
  }

 private:
  static constexpr bool is_small = std::is_integral_v<T> && sizeof(T) <= 2;

  static size_t place(T value) {
    return static_cast<size_t>(static_cast<int64_t>(value) -
                               static_cast<int64_t>(std::numeric_limits<T>::min()));
  }

  /// Not sorted where a table tells.
  std::vector<T> values_;
  std::vector<uint64_t> upto_;
};

template <class T>
void filter_equalize(const chip_image& chip, chip_image& out) {
  for (size_t b = 0; b < measured_bands(chip.description); ++b) {
    const band_plane<T> from(chip, b);
    const frequencies<T> seen(from);
    const double least = seen.first(), range = seen.all() - least;
    const auto to = plane_in<uint8_t>(out, b);
    for (size_t i = 0; i < to.size(); ++i) {
      if (from.valid[i] == 0) continue;
      // Of one value alone there is nothing to part.
      const double share = range > 0 ? (seen.upto(from.values[i]) - least) / range : 0;
      to[i] = uint8_t(std::lround(least_equalized + share * (most_equalized - least_equalized)));
    }
  }
}

}  // namespace

std::string image_filter::name() const {
  const auto at = std::ranges::find(filters, kind, &filter_line::kind);
  auto out = std::string(at == filters.end() ? "unknown" : at->name);
  return radius == 0 ? out : out + "-r" + std::to_string(radius);
}

std::string image_filter_names() {
  std::string out;
  for (const auto& one : filters) out += (out.empty() ? "" : ", ") + std::string(one.name);
  return out;
}

result<image_filter> parse_image_filter(std::string_view name, std::optional<int64_t> radius) {
  const auto what = "filter with '" + std::string(name) + "'";
  const auto at = std::ranges::find(filters, name, &filter_line::name);
  if (at == filters.end())
    return fail(ec::invalid_argument, what, "there is no such filter",
                "there are " + image_filter_names());
  if (radius && at->largest_radius == 0)
    return fail(ec::invalid_argument, what, "this filter has no radius", "leave out --radius");
  if (radius && (*radius < 1 || *radius > at->largest_radius))
    return fail(ec::invalid_argument, what, "its radius is out of range",
                "give 1 to " + std::to_string(at->largest_radius));
  return image_filter{at->kind, radius ? static_cast<int>(*radius) : at->usual_radius};
}

std::vector<size_t> filtered_subdatasets(const scene_description& scene) {
  std::vector<size_t> out;
  for (size_t i = 0; i < scene.subdatasets.size(); ++i)
    if (!scene.subdatasets[i].quality) out.push_back(i);
  return out;
}

result<filtered_part> describe_filtered(const scene_description& scene, size_t subdataset,
                                        const image_filter& filter) {
  const auto& from = scene.subdatasets.at(subdataset);
  const auto what = "filter " + scene.tile;
  for (const auto& band : from.bands)
    if (has_classes(band))
      return fail(ec::unsupported, what, "its band " + band.name + " holds classes",
                  "filters are for what is measured");
  filtered_part out{from, {}};
  auto& made = out.description;
  auto& bands = made.bands;
  switch (filter.kind) {
    case filter_kind::blur:
    case filter_kind::sharpen:
    case filter_kind::median:
      return out;
    case filter_kind::edges:
    case filter_kind::equalize:
      bands.resize(measured_bands(from));
      made.valid = validity::nodata;
      made.type = filter.kind == filter_kind::edges ? pixel_type::float32 : pixel_type::uint8;
      for (auto& band : bands) {
        band.offset = 0;
        band.nodata = nodata_pattern(made.type, filter.kind == filter_kind::edges
                                                    ? std::numeric_limits<double>::quiet_NaN()
                                                    : 0.0);
        if (filter.kind == filter_kind::edges) continue;
        band.scale = 1;
        band.unit.clear();
      }
      return out;
    case filter_kind::grayscale:
      break;
  }
  out.weights = gray_weights(scene, subdataset);
  std::optional<band_description> gray;
  std::string joined;
  for (size_t i = 0; i < bands.size(); ++i) {
    if (out.weights[i] == 0) continue;
    if (!gray) gray = bands[i];
    if (bands[i].scale != gray->scale || bands[i].offset != gray->offset)
      return fail(ec::unsupported, what,
                  "its bands " + gray->name + " and " + bands[i].name + " have different scales");
    joined += (joined.empty() ? "" : ", ") + bands[i].name;
  }
  gray->name = "gray";
  gray->colour = "Gray";
  gray->properties = {{"bands", joined}};
  bands = {*gray};
  if (from.valid == validity::alpha || from.valid == validity::band_masks)
    made.valid = validity::mask;
  return out;
}

result<chip_image> filter_chip(const chip_image& chip, const filtered_part& part,
                               const image_filter& filter) {
  const auto& from = chip.description;
  const auto masks = mask_planes(from.valid, from.bands.size());
  if (!is_known(from.type) || chip.area() == 0 ||
      chip.pixels.size() != chip.area() * chip.bands() * size_of(from.type) ||
      chip.masks.size() != chip.area() * masks ||
      (filter.kind == filter_kind::grayscale && part.weights.size() != chip.bands()))
    return fail(ec::invalid_argument, "filter an image", "a chip has not the planes of its bands");
  chip_image out;
  out.description = part.description;
  out.description.grid = from.grid;
  const auto bytes = chip.area() * out.bands() * size_of(out.description.type);
  // Pixels without data stay as they are where type and bands do.
  const bool alike = filter.kind == filter_kind::blur || filter.kind == filter_kind::sharpen ||
                     filter.kind == filter_kind::median;
  if (alike) {
    out.pixels = chip.pixels;
    out.masks = chip.masks;
  } else {
    out.pixels.resize(bytes);
  }
  STIP_TRY(visit_pixel_type(from.type, [&]<class T>(std::type_identity<T>) -> result<void> {
    switch (filter.kind) {
      case filter_kind::grayscale:
        return filter_gray<T>(chip, part, out);
      case filter_kind::edges:
        return filter_edges<T>(chip, out);
      case filter_kind::equalize:
        filter_equalize<T>(chip, out);
        return {};
      default:
        return filter_values<T>(chip, filter, out);
    }
  }));
  return out;
}

}  // namespace stip

#include "libstip/catalog/filter.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"
#include "libstip/geo/cell.hpp"
#include "libstip/geo/quadtile.hpp"

namespace stip {

namespace {

constexpr uint8_t filter_version = 1;

constexpr std::array<std::string_view, 8> sort_field_names = {
    "timestamp", "geocode",        "platform",       "source",
    "tile",      "pixel_coverage", "cloud_coverage", "key"};

/// Which members a packed filter has; the numbers stand in messages.
enum member_bit : uint16_t {
  has_platform = 1 << 0,
  has_source = 1 << 1,
  has_geocode = 1 << 2,
  recurses = 1 << 3,
  has_start = 1 << 4,
  has_end = 1 << 5,
  has_cloud_coverage = 1 << 6,
  has_pixel_coverage = 1 << 7,
  has_bbox = 1 << 8,
  has_tile = 1 << 9,
  has_key = 1 << 10,
  all_members = (1 << 11) - 1,
};

bool in_range(double value, double least, double most) {
  return value >= least && value <= most;
}

result<void> check_coverage(std::string_view name, const std::optional<double>& value) {
  if (!value || in_range(*value, 0, 1)) return {};
  return fail(ec::invalid_argument, "filter by " + std::string(name),
              std::to_string(*value) + " is not a share", "give a number from 0 to 1");
}

result<void> check_box(const lon_lat_box& box) {
  if (in_range(box.west, -180, 180) && in_range(box.east, -180, 180) &&
      in_range(box.south, -90, 90) && in_range(box.north, -90, 90) && box.south <= box.north)
    return {};
  return fail(ec::invalid_argument, "filter by box", "its edges are not on the globe",
              "give W,S,E,N in degrees with S <= N; W > E crosses the antimeridian");
}

/// The northern end of what has a code; it belongs to the cells of the top row.
double northern_end(geocode_algorithm algorithm) {
  return algorithm == geocode_algorithm::geohash ? 90.0 : quadtile::max_latitude;
}

bool admits(const std::optional<std::string>& wanted, std::string_view value) {
  return !wanted || *wanted == value;
}

bool admits_platform(const std::optional<std::string>& wanted, std::string_view value) {
  if (!wanted) return true;
  if (!wanted->ends_with('*')) return *wanted == value;
  return value.starts_with(std::string_view(*wanted).substr(0, wanted->size() - 1));
}

template <class T>
int compare(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

/// Unknown last.
float cloud_rank(const image_facts& image) {
  const auto coverage = compared_cloud_coverage(image.cloud_coverage);
  return coverage < 0 ? INFINITY : coverage;
}

int compare_by(sort_field field, const image_facts& a, const image_facts& b) {
  switch (field) {
    case sort_field::timestamp:
      return compare(a.key.timestamp, b.key.timestamp);
    case sort_field::geocode:
      return compare(a.key.geocode, b.key.geocode);
    case sort_field::platform:
      return compare(a.key.platform, b.key.platform);
    case sort_field::source:
      return compare(a.key.source, b.key.source);
    case sort_field::tile:
      return compare(a.key.tile, b.key.tile);
    case sort_field::pixel_coverage:
      return compare(compared_pixel_coverage(a.pixel_coverage),
                     compared_pixel_coverage(b.pixel_coverage));
    case sort_field::cloud_coverage:
      return compare(cloud_rank(a), cloud_rank(b));
    case sort_field::key:
      break;
  }
  const auto parts = [](const image_key& k) {
    return std::tie(k.platform, k.geocode, k.source, k.tile, k.timestamp);
  };
  return compare(parts(a.key), parts(b.key));
}

}  // namespace

std::string_view to_string(sort_field field) {
  const auto i = static_cast<size_t>(field);
  return i < sort_field_names.size() ? sort_field_names[i] : "unknown";
}

result<sort_field> parse_sort_field(std::string_view text) {
  std::string name(text);
  std::replace(name.begin(), name.end(), '-', '_');
  std::string known;
  for (size_t i = 0; i < sort_field_names.size(); ++i) {
    if (sort_field_names[i] == name) return static_cast<sort_field>(i);
    known += (i == 0 ? "" : ", ") + std::string(sort_field_names[i]);
  }
  return fail(ec::invalid_argument, "sort by '" + std::string(text) + "'", "no such field",
              "use one of " + known);
}

result<void> check(const filter& f) {
  if (f.platform) STIP_TRY(check_name("platform", *f.platform));
  if (f.source) STIP_TRY(check_name("source", *f.source));
  if (f.geocode) STIP_TRY(check_name("geocode", *f.geocode));
  if (f.tile) STIP_TRY(check_name("tile", *f.tile));
  if (f.key) STIP_TRY(check(*f.key));
  if (f.recurse && !f.geocode)
    return fail(ec::invalid_argument, "filter below a geocode", "no geocode is given",
                "give one, or leave out the recursion");
  if (f.start && f.end && *f.start > *f.end)
    return fail(ec::invalid_argument, "filter by time", "the start lies after the end",
                "exchange them");
  STIP_TRY(check_coverage("cloud coverage", f.cloud_coverage));
  STIP_TRY(check_coverage("pixel coverage", f.pixel_coverage));
  if (f.bbox) STIP_TRY(check_box(*f.bbox));
  return {};
}

result<void> check(const filter& f, geocode_algorithm algorithm) {
  STIP_TRY(check(f));
  if (f.geocode) STIP_TRY(check_geocode(algorithm, *f.geocode));
  return {};
}

float compared_pixel_coverage(double coverage) {
  return std::isnan(coverage) ? 0.0f : static_cast<float>(coverage);
}

float compared_cloud_coverage(const std::optional<double>& coverage) {
  return coverage && *coverage >= 0 ? static_cast<float>(*coverage) : -1.0f;
}

bool intersects(const lon_lat_box& box, geocode_algorithm algorithm, std::string_view geocode) {
  const auto cell = decode(algorithm, geocode);
  if (!cell) return false;
  const bool below_top = cell->north < northern_end(algorithm);
  if (cell->south > box.north) return false;
  if (below_top ? box.south >= cell->north : box.south > northern_end(algorithm)) return false;
  const auto meets = [&](double west, double east) {
    return cell->west <= east && west < cell->east;
  };
  // The box's meridian 180 is the west edge of the westernmost cells.
  if (box.east == 180 && cell->west == -180) return true;
  if (box.west <= box.east) return meets(box.west, box.east);
  return meets(box.west, 180) || meets(-180, box.east);
}

bool matches(const filter& f, geocode_algorithm algorithm, const image_facts& image) {
  const auto& key = image.key;
  if (!admits_platform(f.platform, key.platform) || !admits(f.source, key.source) ||
      !admits(f.tile, key.tile))
    return false;
  if (f.geocode && !(f.recurse ? key.geocode.starts_with(*f.geocode) : key.geocode == *f.geocode))
    return false;
  if ((f.start && key.timestamp < *f.start) || (f.end && key.timestamp > *f.end)) return false;
  if (f.cloud_coverage) {
    const auto coverage = compared_cloud_coverage(image.cloud_coverage);
    if (coverage < 0 || !(coverage <= static_cast<float>(*f.cloud_coverage))) return false;
  }
  if (f.pixel_coverage &&
      !(compared_pixel_coverage(image.pixel_coverage) >= static_cast<float>(*f.pixel_coverage)))
    return false;
  if (f.key && !(key == *f.key)) return false;
  return !f.bbox || intersects(*f.bbox, algorithm, key.geocode);
}

bool before(sort_field field, const image_facts& a, const image_facts& b) {
  if (const int order = compare_by(field, a, b); order != 0) return order < 0;
  const auto parts = [](const image_key& k) {
    return std::tie(k.timestamp, k.geocode, k.platform, k.source, k.tile);
  };
  return parts(a.key) < parts(b.key);
}

std::string encode(const filter& f) {
  unsigned members = f.recurse ? recurses : 0;
  if (f.platform) members |= has_platform;
  if (f.source) members |= has_source;
  if (f.geocode) members |= has_geocode;
  if (f.start) members |= has_start;
  if (f.end) members |= has_end;
  if (f.cloud_coverage) members |= has_cloud_coverage;
  if (f.pixel_coverage) members |= has_pixel_coverage;
  if (f.bbox) members |= has_bbox;
  if (f.tile) members |= has_tile;
  if (f.key) members |= has_key;
  packed_writer out;
  out.u8(filter_version).u16(static_cast<uint16_t>(members));
  if (f.platform) out.text(*f.platform);
  if (f.source) out.text(*f.source);
  if (f.geocode) out.text(*f.geocode);
  if (f.start) out.i64(*f.start);
  if (f.end) out.i64(*f.end);
  if (f.cloud_coverage) out.f64(*f.cloud_coverage);
  if (f.pixel_coverage) out.f64(*f.pixel_coverage);
  if (f.bbox) out.f64(f.bbox->west).f64(f.bbox->south).f64(f.bbox->east).f64(f.bbox->north);
  if (f.tile) out.text(*f.tile);
  if (f.key)
    out.text(f.key->platform)
        .text(f.key->geocode)
        .text(f.key->source)
        .text(f.key->tile)
        .i64(f.key->timestamp);
  return out.take();
}

result<filter> decode_filter(std::string_view bytes) {
  packed_reader in{"filter", bytes};
  in.expect_version(filter_version);
  const unsigned members = in.u16();
  in.expect((members & ~unsigned{all_members}) == 0, "it has members that are not known here");
  const auto name = [&] { return std::string(in.text(defaults::max_name_bytes)); };
  filter f;
  f.recurse = (members & recurses) != 0;
  if (members & has_platform) f.platform = name();
  if (members & has_source) f.source = name();
  if (members & has_geocode) f.geocode = name();
  if (members & has_start) f.start = in.i64();
  if (members & has_end) f.end = in.i64();
  if (members & has_cloud_coverage) f.cloud_coverage = in.f64();
  if (members & has_pixel_coverage) f.pixel_coverage = in.f64();
  if (members & has_bbox) {
    auto& box = f.bbox.emplace();
    for (auto* edge : {&box.west, &box.south, &box.east, &box.north}) *edge = in.f64();
  }
  if (members & has_tile) f.tile = name();
  if (members & has_key) {
    auto& key = f.key.emplace();
    for (auto* part : {&key.platform, &key.geocode, &key.source, &key.tile}) *part = name();
    key.timestamp = in.i64();
  }
  STIP_TRY(in.finish());
  if (auto valid = check(f); !valid)
    return fail(ec::malformed, "read filter", valid.error().what + ": " + valid.error().why);
  return f;
}

}  // namespace stip

#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "libstip/catalog/filter.hpp"
#include "libstip/catalog/index.hpp"
#include "libstip/geo/cell.hpp"

namespace stip::test {

/// Random images of few names and places, so that keys are often equal in all parts but one, and
/// filters that often match some of them.
class random_images {
 public:
  random_images(uint64_t seed, geocode_algorithm algorithm) : random(seed), algorithm_(algorithm) {}

  std::mt19937_64 random;

  size_t below(size_t n) { return static_cast<size_t>(random() % n); }
  bool once_in(size_t n) { return below(n) == 0; }

  /// Squaring skews towards the first ones.
  template <class List>
  auto pick(const List& list) {
    const double u = std::uniform_real_distribution<double>(0, 1)(random);
    return *(std::begin(list) + static_cast<ptrdiff_t>(u * u * double(std::size(list))));
  }

  std::string platform() {
    static const std::vector<std::string> names = {"Sentinel-2", "Sentinel-1", "Sentinel-2A",
                                                   "Landsat8",   "MODIS",      "S"};
    return pick(names);
  }
  std::string source() {
    static const std::vector<std::string> names = {"raw", "split", "ra", "filled", "raw2"};
    return pick(names);
  }
  std::string tile() { return std::string("T").append(std::to_string(below(4) * below(30))); }

  std::string geocode() {
    const auto digits = alphabet(algorithm_);
    const auto longest = algorithm_ == geocode_algorithm::geohash ? 5 : 9;
    std::string code;
    for (auto n = 1 + below(longest); n > 0; --n)
      code += digits[below(3) * below(digits.size() / 3 + 1) % digits.size()];
    return code;
  }

  epoch_seconds time() {
    return 1'500'000'000 + int64_t(below(40)) * 86'400 * (once_in(50) ? -10'000 : 1);
  }

  /// Among them values that are not exact as float32.
  double coverage() {
    static const std::vector<double> values = {1.0, 0.1, 0.5, 0.3, 0.0, 0.7, 0.30000001};
    return pick(values);
  }

  image_key key() { return {platform(), geocode(), source(), tile(), time()}; }

  /// One of a few, so that images share them and differ by each of its parts.
  version written() { return {int64_t(below(3)), uint32_t(below(2)), below(2)}; }

  row_layout_ptr layout() {
    std::vector<row_layout::subdataset> subdatasets(1 + below(3));
    for (size_t i = 0; i < subdatasets.size(); ++i) {
      auto& s = subdatasets[i];
      s.id = std::to_string(10 * (i + 1)).append("m");
      s.type = once_in(2) ? pixel_type::uint16 : pixel_type::float32;
      s.bands = once_in(2) ? std::vector<std::string>{"B02", "B03"} : std::vector<std::string>{"1"};
      s.scene = {0, below(3)};
      s.quality = once_in(4);
    }
    const std::map<std::string, std::string> properties = {{"cloudy", once_in(2) ? "yes" : "no"}};
    const auto when = written();
    const auto made = row_layout::make(properties, subdatasets, when);
    layouts[made->form()] = {properties, subdatasets, when};
    return made;
  }

  /// What was made into layouts, by their forms (what is quality does not stand in them).
  struct made_layout {
    std::map<std::string, std::string> properties;
    std::vector<row_layout::subdataset> subdatasets;
    version written;
  };
  std::map<std::string, made_layout> layouts;

  /// Now and then one without chips.
  index_entry entry() {
    index_entry e;
    e.key = key();
    e.pixel_coverage = float(coverage());
    e.cloud_coverage = once_in(3) ? -1.0f : float(coverage());
    if (once_in(5)) return e;
    e.layout = layout();
    std::optional<double> measured, quality;
    for (size_t i = 0; i < e.layout->chips(); ++i) {
      e.chips.push_back({uint32_t(below(600)), uint32_t(below(600)), coverage(), random(),
                         hash128{random(), random()}});
      auto& least = e.layout->is_quality(i) ? quality : measured;
      least = std::min(least.value_or(1), e.chips.back().pixel_coverage);
    }
    e.pixel_coverage = float(measured ? *measured : *quality);
    return e;
  }

  lon_lat_box box() {
    lon_lat_box b;
    const auto lon = [&] { return once_in(3) ? 45.0 * double(below(9)) - 180 : degrees(180); };
    const auto lat = [&] { return once_in(3) ? 22.5 * double(below(9)) - 90 : degrees(90); };
    b.west = lon();
    b.east = lon();
    b.south = lat();
    b.north = lat();
    if (b.south > b.north) std::swap(b.south, b.north);
    return b;
  }

  filter any_filter() {
    filter f;
    if (once_in(4)) f.platform = once_in(2) ? platform() : platform().substr(0, below(9)) + "*";
    if (once_in(6)) f.source = once_in(5) ? "unheard" : source();
    if (once_in(6)) f.tile = tile();
    if (once_in(3)) {
      f.geocode = geocode().substr(0, 1 + below(3));
      f.recurse = !once_in(4);
    }
    if (once_in(4)) f.start = time();
    if (once_in(4)) f.end = time();
    if (once_in(5)) f.cloud_coverage = coverage();
    if (once_in(5)) f.pixel_coverage = coverage();
    if (once_in(4)) f.bbox = box();
    if (once_in(30)) f.key = key();
    return f;
  }

  sort_field order() { return static_cast<sort_field>(below(8)); }

 private:
  double degrees(double half) {
    return std::uniform_real_distribution<double>(-half, half)(random);
  }

  geocode_algorithm algorithm_;
};

}  // namespace stip::test

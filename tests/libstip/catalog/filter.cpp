#define CAF_SUITE catalog.filter
#include "libstip/catalog/filter.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cmath>

#include "random_images.hpp"

using namespace stip;
using stip::test::random_images;

namespace {

constexpr auto geohash_codes = geocode_algorithm::geohash;
constexpr auto quadtile_codes = geocode_algorithm::quadtile;

image_facts some_image() {
  return {{"Sentinel-2", "9xj5", "raw", "T13", 1'000}, 0.9, 0.1};
}

bool admitted(const filter& f, const image_facts& image = some_image()) {
  return matches(f, geohash_codes, image);
}

/// By definition: some place of the box has this code. The south-west corner of what box and cell
/// share is such a place, and its coordinates are each an edge of one of them.
bool shares_a_place(const lon_lat_box& box, geocode_algorithm algorithm, const std::string& code) {
  const auto cell = decode(algorithm, code);
  if (!cell) return false;
  const auto in_box = [&](double lon) {
    return box.west <= box.east ? lon >= box.west && lon <= box.east
                                : lon >= box.west || lon <= box.east;
  };
  for (const double lon : {cell->west, box.west, -180.0, 180.0}) {
    if (!in_box(lon)) continue;
    for (const double lat : {cell->south, box.south}) {
      if (lat < box.south || lat > box.north) continue;
      const auto there = encode(algorithm, {lon, lat}, int(code.size()));
      if (there && *there == code) return true;
    }
  }
  return false;
}

}  // namespace

CAF_TEST(an empty filter admits all and each member restricts) {
  filter f;
  CAF_CHECK(admitted(f));
  f.platform = "Sentinel-2";
  f.source = "raw";
  f.tile = "T13";
  f.geocode = "9xj5";
  f.start = f.end = 1'000;
  f.cloud_coverage = 0.1;
  f.pixel_coverage = 0.9;
  f.bbox = lon_lat_box{-180, -90, 180, 90};
  f.key = some_image().key;
  CAF_CHECK(admitted(f));
  const auto refuses = [&](auto change) {
    auto other = f;
    change(other);
    return !admitted(other);
  };
  CAF_CHECK(refuses([](filter& o) { o.platform = "Sentinel-1"; }));
  CAF_CHECK(refuses([](filter& o) { o.platform = "Sentinel"; }));
  CAF_CHECK(refuses([](filter& o) { o.source = "ra"; }));
  CAF_CHECK(refuses([](filter& o) { o.tile = "T1*"; }));
  CAF_CHECK(refuses([](filter& o) { o.geocode = "9xj"; }));
  CAF_CHECK(refuses([](filter& o) { o.start = 1'001; }));
  CAF_CHECK(refuses([](filter& o) { o.end = 999; }));
  CAF_CHECK(refuses([](filter& o) { o.cloud_coverage = 0.09; }));
  CAF_CHECK(refuses([](filter& o) { o.pixel_coverage = 0.91; }));
  CAF_CHECK(refuses([](filter& o) { o.bbox = lon_lat_box{0, 0, 1, 1}; }));
  CAF_CHECK(refuses([](filter& o) { o.key->timestamp = 1'001; }));
}

CAF_TEST(a trailing star takes a prefix of the platform) {
  filter f;
  for (const char* pattern : {"*", "S*", "Sentinel-2*"}) {
    f.platform = pattern;
    CAF_CHECK(admitted(f));
  }
  f.platform = "Sentinel-22*";
  CAF_CHECK(!admitted(f));
}

CAF_TEST(recursion takes the codes below and the code itself) {
  filter f;
  f.recurse = true;
  for (const char* code : {"9", "9x", "9xj5"}) {
    f.geocode = code;
    CAF_CHECK(admitted(f));
  }
  for (const char* code : {"9xj50", "8"}) {
    f.geocode = code;
    CAF_CHECK(!admitted(f));
  }
}

CAF_TEST(an image of unknown cloud coverage never matches a bound of it) {
  auto image = some_image();
  filter f;
  f.cloud_coverage = 1.0;
  CAF_CHECK(admitted(f, image));
  for (const auto unknown :
       {std::optional<double>{}, std::optional<double>{-1}, std::optional<double>{NAN}}) {
    image.cloud_coverage = unknown;
    CAF_CHECK(!admitted(f, image));
  }
}

CAF_TEST(a coverage kept as float32 is still at most and at least the bound it was made of) {
  for (const double share : {0.1, 0.3, 0.7, 0.9, 1.0 / 3}) {
    auto image = some_image();
    image.cloud_coverage = double(float(share));
    image.pixel_coverage = double(float(share));
    filter f;
    f.cloud_coverage = f.pixel_coverage = share;
    CAF_CHECK(admitted(f, image));
  }
}

CAF_TEST(a box that only touches a cell counts on its west and south edge alone) {
  // Geohash "s" is [0, 45) x [0, 45).
  const auto meets = [](double w, double s, double e, double n) {
    return intersects({w, s, e, n}, geohash_codes, "s");
  };
  CAF_CHECK(meets(10, 10, 20, 20));
  CAF_CHECK(meets(-10, -10, 50, 50));
  CAF_CHECK(meets(-10, 10, 0, 20));
  CAF_CHECK(meets(10, -10, 20, 0));
  CAF_CHECK(!meets(45, 10, 50, 20));
  CAF_CHECK(!meets(10, 45, 20, 50));
  CAF_CHECK(meets(0, 0, 0, 0));
  CAF_CHECK(!meets(45, 45, 45, 45));
}

CAF_TEST(a box over the antimeridian takes cells of both its sides) {
  // "x" is [135, 180) x [0, 45), "8" is [-180, -135) x [0, 45).
  const lon_lat_box over{170, 10, -170, 20};
  CAF_CHECK(intersects(over, geohash_codes, "x"));
  CAF_CHECK(intersects(over, geohash_codes, "8"));
  CAF_CHECK(!intersects(over, geohash_codes, "s"));
  const lon_lat_box line{180, 10, 180, 20};
  CAF_CHECK(!intersects(line, geohash_codes, "x"));
  CAF_CHECK(intersects(line, geohash_codes, "8"));
}

CAF_TEST(the poles belong to the top and bottom rows and quadtiles have none) {
  CAF_CHECK(intersects({10, 90, 20, 90}, geohash_codes, "u"));
  CAF_CHECK(intersects({10, -90, 20, -90}, geohash_codes, "h"));
  CAF_CHECK(!intersects({10, 86, 20, 90}, quadtile_codes, "1"));
  CAF_CHECK(intersects({10, 85, 20, 90}, quadtile_codes, "1"));
  CAF_CHECK(!intersects({-180, -90, 180, 90}, quadtile_codes, "14"));
}

CAF_TEST(a box meets a cell exactly when a place of it has that code) {
  for (const auto algorithm : {geohash_codes, quadtile_codes}) {
    random_images any(31, algorithm);
    int met = 0;
    for (int i = 0; i < 20'000; ++i) {
      const auto code = any.geocode();
      auto box = any.box();
      // Often boxes that share edges with the cell.
      const auto cell = decode(algorithm, code);
      CAF_REQUIRE(cell);
      if (any.once_in(3)) box.west = any.once_in(2) ? cell->west : cell->east;
      if (any.once_in(3)) box.east = any.once_in(2) ? cell->west : cell->east;
      if (any.once_in(3)) box.south = any.once_in(2) ? cell->south : cell->north;
      if (any.once_in(3)) box.north = any.once_in(2) ? cell->south : cell->north;
      if (box.south > box.north) std::swap(box.south, box.north);
      const bool meets = intersects(box, algorithm, code);
      CAF_REQUIRE_EQUAL(meets, shares_a_place(box, algorithm, code));
      met += meets;
    }
    CAF_CHECK(met > 1'000);
    CAF_CHECK(met < 19'000);
  }
}

CAF_TEST(every order is total and transitive over different images) {
  random_images any(2, geohash_codes);
  for (int field = 0; field < 8; ++field) {
    const auto order = static_cast<sort_field>(field);
    std::vector<image_facts> images;
    for (int i = 0; i < 60; ++i) {
      images.push_back(any.entry().facts());
      if (any.once_in(10)) images.back().pixel_coverage = NAN;
      if (any.once_in(10)) images.back().cloud_coverage = NAN;
    }
    for (const auto& a : images)
      for (const auto& b : images) {
        CAF_REQUIRE_EQUAL(before(order, a, b) + before(order, b, a) + (a.key == b.key), 1);
        for (const auto& c : images)
          if (before(order, a, b) && before(order, b, c)) CAF_REQUIRE(before(order, a, c));
      }
  }
}

CAF_TEST(the default order is timestamp then geocode then platform then source then tile) {
  const image_facts base{{"P", "9", "s", "t", 5}, 1, {}};
  const auto with = [&](auto change) {
    auto image = base;
    change(image);
    return image;
  };
  // Each is later by one part and earlier by all the parts that count less.
  const std::vector<image_facts> sorted = {
      base,
      with([](auto& i) { i.key.tile.assign(1, 'u'); }),
      with([](auto& i) { i.key.source.assign(1, 't'), i.key.tile.assign(1, 'a'); }),
      with([](auto& i) { i.key.platform.assign(1, 'Q'), i.key.source.assign(1, 'a'); }),
      with([](auto& i) { i.key.geocode.assign(1, 'b'), i.key.platform.assign(1, 'A'); }),
      with([](auto& i) { i.key.timestamp = 6, i.key.geocode.assign(1, '0'); })};
  for (size_t i = 0; i + 1 < sorted.size(); ++i)
    CAF_CHECK(before(sort_field::timestamp, sorted[i], sorted[i + 1]));
}

CAF_TEST(unknown cloud coverage comes last) {
  auto clear = some_image(), unknown = some_image();
  clear.cloud_coverage = 1.0;
  unknown.cloud_coverage.reset();
  unknown.key.timestamp = 0;
  CAF_CHECK(before(sort_field::cloud_coverage, clear, unknown));
  CAF_CHECK(!before(sort_field::cloud_coverage, unknown, clear));
}

CAF_TEST(sort fields are read as they are printed) {
  for (int i = 0; i < 8; ++i) {
    const auto field = static_cast<sort_field>(i);
    const auto back = parse_sort_field(to_string(field));
    CAF_REQUIRE(back);
    CAF_CHECK(*back == field);
  }
  CAF_CHECK(parse_sort_field("pixel-coverage").has_value());
  const auto wrong = parse_sort_field("size");
  CAF_REQUIRE(!wrong);
  CAF_CHECK(wrong.error().advice.find("timestamp") != std::string::npos);
}

CAF_TEST(filters out of range are refused) {
  const auto refused = [](auto change) {
    filter f;
    change(f);
    return !check(f, geohash_codes);
  };
  CAF_CHECK(check(filter{}, geohash_codes).has_value());
  CAF_CHECK(refused([](filter& f) { f.platform = ""; }));
  CAF_CHECK(refused([](filter& f) { f.geocode = "9a"; }));
  CAF_CHECK(refused([](filter& f) { f.geocode = "0123456789012"; }));
  CAF_CHECK(refused([](filter& f) { f.recurse = true; }));
  CAF_CHECK(refused([](filter& f) { f.start = 2, f.end = 1; }));
  CAF_CHECK(refused([](filter& f) { f.cloud_coverage = 1.01; }));
  CAF_CHECK(refused([](filter& f) { f.pixel_coverage = -0.01; }));
  CAF_CHECK(refused([](filter& f) { f.pixel_coverage = NAN; }));
  CAF_CHECK(refused([](filter& f) { f.bbox = lon_lat_box{-181, 0, 0, 1}; }));
  CAF_CHECK(refused([](filter& f) { f.bbox = lon_lat_box{0, 2, 1, 1}; }));
  CAF_CHECK(refused([](filter& f) { f.bbox = lon_lat_box{0, 0, NAN, 1}; }));
  CAF_CHECK(refused([](filter& f) { f.key = image_key{}; }));
}

CAF_TEST(a filter comes back from its packed form and damage is never accepted unchecked) {
  random_images any(13, geohash_codes);
  for (int i = 0; i < 3'000; ++i) {
    auto f = any.any_filter();
    if (f.start && f.end && *f.start > *f.end) std::swap(f.start, f.end);
    if (!f.geocode) f.recurse = false;
    if (f.platform && f.platform->empty()) f.platform = std::string("x");
    auto bytes = encode(f);
    const auto back = decode_filter(bytes);
    CAF_REQUIRE(back);
    CAF_REQUIRE(*back == f);
    CAF_REQUIRE(!decode_filter(std::string_view(bytes).substr(0, any.below(bytes.size()))));
    CAF_REQUIRE(!decode_filter(bytes + "x"));
    bytes[any.below(bytes.size())] = static_cast<char>(any.random());
    if (const auto damaged = decode_filter(bytes)) CAF_REQUIRE(check(*damaged).has_value());
  }
}

#define CAF_SUITE raster.composite
#include "libstip/raster/composite.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "libstip/geo/projection.hpp"
#include "libstip/raster/nodata.hpp"

using namespace stip;

namespace {

constexpr uint64_t seed = 20261122;
constexpr int rounds = 400;

grid make_grid(int64_t column, int64_t row, int64_t width, int64_t height, int epsg = 32631) {
  grid g;
  g.crs_wkt = "EPSG:" + std::to_string(epsg);
  g.transform = {500000.0 + 10.0 * static_cast<double>(column), 10, 0,
                 4600000.0 - 10.0 * static_cast<double>(row),   0,  -10};
  g.width = width;
  g.height = height;
  return g;
}

subdataset_description describe(pixel_type type, validity valid, size_t bands) {
  subdataset_description out;
  out.id = "10m";
  out.type = type;
  out.valid = valid;
  for (size_t i = 0; i < bands; ++i) {
    auto& band = out.bands.emplace_back();
    band.name = "B" + std::to_string(i);
    if (valid == validity::nodata) band.nodata = 0;
  }
  return out;
}

/// Random numbers, about half of them without data.
chip_image random_chip(std::mt19937_64& random, subdataset_description of, const grid& where) {
  chip_image out;
  of.grid = where;
  out.description = std::move(of);
  const auto& d = out.description;
  const auto size = size_of(d.type);
  out.pixels.resize(out.area() * d.bands.size() * size);
  for (auto& byte : out.pixels) byte = std::byte(random() % 100);
  out.masks.resize(out.area() * mask_planes(d.valid, d.bands.size()));
  for (auto& bit : out.masks) bit = random() % 2;
  for (size_t b = 0; b < d.bands.size(); ++b)
    for (size_t i = 0; i < out.area(); ++i)
      if (random() % 2 == 0 && d.bands[b].nodata)
        fill_pattern(d.type, std::span(out.pixels).subspan((b * out.area() + i) * size, size),
                     *d.bands[b].nodata);
  return out;
}

double number(const chip_image& chip, size_t band, size_t pixel) {
  return visit_pixel_type(chip.description.type, [&]<class T>(std::type_identity<T>) {
    T value;
    std::memcpy(&value, chip.pixels.data() + (band * chip.area() + pixel) * sizeof(T), sizeof(T));
    return static_cast<double>(value);
  });
}

/// What the pixel of a composite must be: of the first chip that has data there. -1: of none.
struct expected {
  int source = -1;
  size_t place = 0;
};

expected look_up(const std::vector<chip_image>& chips,
                 const std::vector<std::vector<uint8_t>>& valid, const grid& target, int64_t column,
                 int64_t row) {
  const auto x = target.x_of(double(column) + 0.5, double(row) + 0.5);
  const auto y = target.y_of(double(column) + 0.5, double(row) + 0.5);
  for (size_t i = 0; i < chips.size(); ++i) {
    const auto& g = chips[i].description.grid;
    double there_x = x, there_y = y;
    if (g.crs_wkt != target.crs_wkt) {
      auto way = coordinate_transform::make(target.crs_wkt, g.crs_wkt);
      uint8_t ok = 0;
      way->forward({&there_x, 1}, {&there_y, 1}, {&ok, 1});
      if (!ok) continue;
    }
    const auto [c, r] = pixel_of(g, there_x, there_y);
    if (c < 0 || r < 0 || c >= double(g.width) || r >= double(g.height)) continue;
    const auto place = static_cast<size_t>(int64_t(r) * g.width + int64_t(c));
    if (valid[i][place]) return {static_cast<int>(i), place};
  }
  return {};
}

void check(const std::vector<chip_image>& chips, const subdataset_description& to,
           bool expect_copies) {
  auto made = composite::make(to);
  CAF_REQUIRE(made.has_value());
  std::vector<std::vector<uint8_t>> valid;
  for (size_t i = 0; i < chips.size(); ++i) {
    const auto how = made->add(chips[i], static_cast<uint8_t>(i + 1));
    CAF_REQUIRE(how.has_value());
    if (expect_copies) CAF_CHECK(*how == composite::placing::copied);
    valid.push_back(chips[i].valid());
  }
  const std::vector<uint8_t> sources(made->sources().begin(), made->sources().end());
  const auto image = std::move(*made).finish();
  const auto now_valid = image.valid();
  size_t taken = 0;
  for (int64_t row = 0; row < image.height(); ++row)
    for (int64_t column = 0; column < image.width(); ++column) {
      const auto pixel = static_cast<size_t>(row * image.width() + column);
      const auto want = look_up(chips, valid, to.grid, column, row);
      CAF_REQUIRE_EQUAL(int(sources[pixel]), want.source + 1);
      CAF_REQUIRE_EQUAL(now_valid[pixel] != 0, want.source >= 0);
      if (want.source < 0) continue;
      ++taken;
      const auto& chip = chips[static_cast<size_t>(want.source)];
      for (size_t b = 0; b < to.bands.size(); ++b) {
        const bool has = chip.valid_in(b)[want.place] != 0;
        CAF_REQUIRE_EQUAL(image.valid_in(b)[pixel] != 0, has);
        if (!has) continue;
        const auto& from = chip.description.bands[b];
        const auto value = number(chip, b, want.place) * from.scale + from.offset;
        const auto now = number(image, b, pixel) * to.bands[b].scale + to.bands[b].offset;
        // Half a step of the encoding, or a whole one where nodata is avoided, or its end.
        const auto own = number(image, b, pixel);
        const auto off = std::abs(now - value) / std::abs(to.bands[b].scale);
        const bool at_an_end = own <= 1;
        CAF_REQUIRE(off <= 0.5001 || (off <= 1.0001 && to.bands[b].nodata) || at_an_end);
      }
    }
  CAF_CHECK(taken > 0);
}

}  // namespace

CAF_TEST(pixels come from the first chip that has them on one lattice) {
  std::mt19937_64 random{seed};
  CAF_MESSAGE("seed " << seed);
  const std::vector types{pixel_type::uint8, pixel_type::uint16, pixel_type::int16,
                          pixel_type::int32, pixel_type::float32};
  const std::vector kinds{validity::nodata, validity::mask, validity::band_masks, validity::all};
  for (int round = 0; round < rounds; ++round) {
    const auto type = types[random() % types.size()];
    const auto bands = 1 + random() % 3;
    const auto at = [&](int64_t most) { return static_cast<int64_t>(random() % 9) - most; };
    const auto kind = kinds[random() % kinds.size()];
    const auto alike = [&] {
      if (kind != validity::mask && kind != validity::all) return kind;
      return random() % 2 ? validity::mask : validity::all;
    };
    auto to = describe(type, kind, bands);
    to.grid = make_grid(0, 0, 8 + at(0), 8 + at(0));
    std::vector<chip_image> chips;
    for (size_t i = 0; i < 1 + random() % 4; ++i)
      chips.push_back(random_chip(random, describe(type, alike(), bands),
                                  make_grid(at(4), at(4), 6 + at(0), 6 + at(0))));
    // The first of all may lie beside the target; one that does not is added.
    chips.push_back(random_chip(random, describe(type, alike(), bands), to.grid));
    check(chips, to, true);
  }
}

CAF_TEST(numbers are brought to one encoding and never become nodata by that) {
  std::mt19937_64 random{seed + 1};
  for (int round = 0; round < rounds; ++round) {
    auto to = describe(pixel_type::uint16, validity::nodata, 1);
    to.grid = make_grid(0, 0, 12, 9);
    to.bands[0].scale = 0.0001;
    auto other = to;
    other.bands[0].offset = random() % 2 ? -0.1 : 0.001 * double(random() % 9);
    other.bands[0].scale = random() % 2 ? 0.0001 : 0.0002;
    check({random_chip(random, other, to.grid), random_chip(random, to, to.grid)}, to, true);
  }
  // Exactly: the offset of Sentinel-2's baselines from 04.00 on.
  auto to = describe(pixel_type::uint16, validity::nodata, 1);
  to.grid = make_grid(0, 0, 3, 1);
  to.bands[0].scale = 1e-4;
  auto shifted = to;
  shifted.bands[0].offset = -0.1;
  chip_image chip;
  chip.description = shifted;
  const std::array<uint16_t, 3> numbers{1000, 3500, 0};
  chip.pixels.resize(sizeof numbers);
  std::memcpy(chip.pixels.data(), numbers.data(), sizeof numbers);
  auto made = composite::make(to);
  CAF_REQUIRE(made.has_value() && made->add(chip, 1).has_value());
  const auto image = std::move(*made).finish();
  CAF_CHECK_EQUAL(number(image, 0, 0), 1.0);
  CAF_CHECK_EQUAL(number(image, 0, 1), 2500.0);
  CAF_CHECK_EQUAL(number(image, 0, 2), 0.0);
}

CAF_TEST(pixels of another zone are the ones that centres fall into) {
  std::mt19937_64 random{seed + 2};
  auto to = describe(pixel_type::uint16, validity::nodata, 2);
  to.grid = make_grid(0, 0, 40, 30);
  // The same ground in the zone to the west, where x is about 600 km further.
  double x = 500000, y = 4600000;
  auto way = coordinate_transform::make("EPSG:32631", "EPSG:32630");
  uint8_t ok = 0;
  way->forward({&x, 1}, {&y, 1}, {&ok, 1});
  CAF_REQUIRE(ok == 1);
  auto west = make_grid(0, 0, 50, 40, 32630);
  west.transform[0] = x - 40;
  west.transform[3] = y + 40;
  std::vector<chip_image> chips{
      random_chip(random, describe(pixel_type::uint16, validity::nodata, 2), make_grid(5, 5, 9, 9)),
      random_chip(random, describe(pixel_type::uint16, validity::nodata, 2), west)};
  check(chips, to, false);
  auto made = composite::make(to);
  CAF_REQUIRE(made.has_value());
  CAF_CHECK(*made->add(chips[1], 1) == composite::placing::nearest);
}

CAF_TEST(what may not stand side by side is refused with what differs) {
  const auto a = describe(pixel_type::uint16, validity::nodata, 2);
  CAF_CHECK(check_combinable(a, a).has_value());
  const auto why = [&](auto change) {
    auto b = a;
    change(b);
    const auto checked = check_combinable(a, b);
    CAF_REQUIRE(!checked.has_value());
    return checked.error().why;
  };
  CAF_CHECK(why([](auto& b) { b.id = "20m"; }).find("20m") != std::string::npos);
  CAF_CHECK(why([](auto& b) { b.type = pixel_type::int16; }).find("type") != std::string::npos);
  CAF_CHECK(why([](auto& b) { b.bands.pop_back(); }).find("bands") != std::string::npos);
  CAF_CHECK(why([](auto& b) { b.bands[1].name = "B8"; }).find("B8") != std::string::npos);
  CAF_CHECK(why([](auto& b) { b.bands[1].unit = "K"; }).find("K") != std::string::npos);
  CAF_CHECK(why([](auto& b) { b.bands[1].scale = 0; }).find("scale") != std::string::npos);
  CAF_CHECK(why([](auto& b) { b.valid = validity::alpha; }).find("differently") !=
            std::string::npos);
}

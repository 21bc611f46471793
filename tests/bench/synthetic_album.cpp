#include "tests/bench/synthetic_album.hpp"

#include <fstream>
#include <random>

#include "libstip/catalog/scene_record.hpp"
#include "libstip/raster/block.hpp"
#include "tests/bench/harness.hpp"
#include "tests/support/libstip/sample_chips.hpp"

namespace stip::bench {

namespace {

constexpr uint64_t candidates = 7873;
/// The first scene of the other images.
constexpr uint64_t first_other = candidates / synthetic_album::images_per_scene + 1;
constexpr std::string_view wanted_prefix = "9xj";
constexpr epoch_seconds first_time = 1'420'070'400;
constexpr epoch_seconds day = 86'400;
constexpr uint64_t days = 3650;
constexpr size_t images_per_commit = 10'000;
constexpr auto algorithm = geocode_algorithm::geohash;

/// splitmix64: numbers that look random, of any number.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

float share(uint64_t bits) {
  return static_cast<float>(bits & 0xffff) / 65535.0f;
}

scene_description scene_of(uint32_t scene) {
  scene_description s;
  s.format = "synthetic";
  s.platform = synthetic_album::platform(0);
  s.tile = synthetic_album::tile(scene);
  s.properties = {{"PROCESSING_LEVEL", "Level-1C"}, {"ORBIT", std::to_string(scene % 143)}};
  subdataset_description sub;
  sub.id = "10m";
  sub.type = pixel_type::uint16;
  for (const char* name : {"B02", "B03", "B04", "B08"}) sub.bands.emplace_back().name = name;
  s.subdatasets.push_back(sub);
  return s;
}

}  // namespace

synthetic_image synthetic_album::image(uint64_t number) const {
  const auto a = mix(number), b = mix(a), c = mix(b);
  synthetic_image out;
  // The images of a scene have its platform and time, and lie in one prefix.
  const auto of_scene = number < candidates ? number / images_per_scene
                                            : candidates + (number - candidates) / images_per_scene;
  const auto s = mix(of_scene ^ 77), t = mix(s);
  out.scene = static_cast<uint32_t>(number < candidates
                                        ? number / images_per_scene
                                        : (number - candidates) / images_per_scene + first_other);
  const auto digits = alphabet(algorithm);
  std::string code = "9x";
  // The first ones are the query's candidates, and no others are.
  if (number < candidates) {
    code = wanted_prefix;
  } else {
    out.platform = static_cast<uint32_t>(s % 4);
    auto digit = digits[(s >> 8) % digits.size()];
    if (out.platform == 0 && digit == wanted_prefix[2]) digit = digits[0];
    code += digit;
  }
  // Each image of a scene has a cell of its own: one of four neighbours.
  const auto of_its_scene = (number < candidates ? number : number - candidates) % images_per_scene;
  const auto cell = of_its_scene * 4 + a % 4;
  code += digits[cell / digits.size()];
  code += digits[cell % digits.size()];
  out.geocode = pack(algorithm, code);
  out.time = first_time + static_cast<epoch_seconds>(t % days) * day +
             static_cast<epoch_seconds>((t >> 32) % 36'000);
  out.pixel_coverage = share(c);
  out.cloud_coverage = share(c >> 16);
  out.chip = {376, 490, out.pixel_coverage, 700'000 + (c >> 48), {a, b}};
  return out;
}

uint32_t synthetic_album::scenes() const {
  return first_other + static_cast<uint32_t>(images_ / images_per_scene) + 1;
}

std::string synthetic_album::platform(uint32_t number) {
  return number == 0 ? "Sentinel-2A" : "Platform-" + std::to_string(number);
}

std::string synthetic_album::tile(uint32_t scene) {
  return "S2A_MSIL1C_20200714T180211_N0209_R084_T13TDE_20200714T" +
         std::to_string(1'000'000 + scene);
}

hash128 synthetic_album::scene_id(uint32_t scene) {
  return stip::scene_id(encode(scene_of(scene)));
}

row_layout_ptr synthetic_album::layout(uint32_t scene) {
  const auto description = scene_of(scene);
  row_layout::subdataset s;
  s.id = "10m";
  s.type = pixel_type::uint16;
  s.bands = {"B02", "B03", "B04", "B08"};
  s.scene = hash128_of(tile(scene));
  return row_layout::make(description.properties, std::span(&s, 1));
}

filter synthetic_album::query(bool with_clouds) {
  filter f;
  f.platform = platform(0);
  f.geocode = std::string(wanted_prefix);
  f.recurse = true;
  const auto percent = static_cast<epoch_seconds>(days) * day / 100;
  f.start = first_time + percent * (with_clouds ? 4 : 22);
  f.end = *f.start + percent * (with_clouds ? 57 : 29);
  f.pixel_coverage = 0.5;
  if (with_clouds) f.cloud_coverage = 0.5;
  return f;
}

index_columns synthetic_album::columns() const {
  index_builder builder(algorithm);
  builder.reserve(images_, images_);
  std::vector<uint32_t> platforms, tiles, layouts;
  for (uint32_t p = 0; p < 4; ++p) platforms.push_back(builder.platform(platform(p)));
  const auto scenes = this->scenes();
  for (uint32_t s = 0; s < scenes; ++s) {
    tiles.push_back(builder.tile(tile(s)));
    layouts.push_back(builder.layout(layout(s)));
  }
  const auto raw = builder.source("raw");
  for (uint64_t i = 0; i < images_; ++i) {
    const auto m = image(i);
    builder.add({platforms[m.platform], raw, tiles[m.scene], layouts[m.scene], m.geocode, m.time,
                 m.pixel_coverage, m.cloud_coverage},
                std::span(&m.chip, 1));
  }
  return std::move(builder).finish();
}

void synthetic_album::fill(album_store& store) const {
  std::mt19937_64 random{20200714};
  const auto pixels =
      test::random_chip(random, test::sample_key(0), 0, 1, 0, test::sample_version(1));
  const auto scenes = this->scenes();
  std::vector<hash128> ids;
  std::vector<put_scene> records;
  for (uint32_t s = 0; s < scenes; ++s) {
    const auto json = encode(scene_of(s));
    ids.push_back(stip::scene_id(json));
    records.push_back({ids.back(), json});
  }
  for (uint64_t first = 0; first < images_; first += images_per_commit) {
    commit_request request;
    if (first == 0) request.scenes = records;
    const auto places = value_or_give_up(store.append(test::joined(pixels.records)));
    put_chip put{pixels.chip, {}};
    put.chip.bands = 4;
    put.chip.mask_planes = 0;
    put.chip.block_edge = 512;
    put.chip.type = pixel_type::uint16;
    put.chip.subdataset = "10m";
    put.chip.quality = false;
    put.blocks.assign(4, places.front());
    for (auto i = first; i < std::min(images_, first + images_per_commit); ++i) {
      const auto m = image(i);
      auto& chip = put.chip;
      chip.key = {platform(m.platform), unpack(algorithm, m.geocode), "raw", tile(m.scene), m.time};
      chip.scene = ids[m.scene];
      chip.width = m.chip.width;
      chip.height = m.chip.height;
      chip.cell_pixels = 65'535;
      chip.valid_pixels = static_cast<uint64_t>(m.pixel_coverage * 65'535.0f);
      chip.content = m.chip.content;
      chip.token = i;
      request.chips.push_back(put);
    }
    (void)value_or_give_up(store.commit(request));
  }
}

uint64_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word)
    if (word == "RssAnon:") {
      uint64_t kib = 0;
      status >> kib;
      return kib << 10;
    }
  return 0;
}

}  // namespace stip::bench

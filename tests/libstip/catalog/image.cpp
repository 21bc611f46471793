#define CAF_SUITE catalog.image
#include "libstip/catalog/image.hpp"

#include <caf/test/unit_test.hpp>
#include <random>

#include "libstip/core/defaults.hpp"

using namespace stip;

namespace {

const image_key plain{"Sentinel-2", "9xj5s", "raw", "S2A_MSIL1C", 1594749731};

chip_description some_chip() {
  chip_description c;
  c.key = plain;
  c.subdataset = "10m";
  c.subdataset_index = 1;
  c.subdataset_count = 4;
  c.quality = true;
  c.scene = {1, 2};
  c.type = pixel_type::uint16;
  c.bands = 4;
  c.mask_planes = 1;
  c.block_edge = 512;
  c.column = -17;
  c.row = 1'000'000;
  c.width = 1300;
  c.height = 700;
  c.cell_pixels = 900'000;
  c.valid_pixels = 450'000;
  c.outline = {{0, 0}, {900, 10}, {1300, 700}, {40, 650}};
  c.content = {3, UINT64_MAX};
  c.written = {1'600'000'000'000, 5, 77};
  c.token = UINT64_MAX - 1;
  return c;
}

}  // namespace

CAF_TEST(a key of plain names reads as its parts) {
  CAF_CHECK_EQUAL(to_string(plain), "Sentinel-2/9xj5s/raw/S2A_MSIL1C/20200714T180211Z");
  CAF_CHECK_EQUAL(to_file_name(plain), "Sentinel-2~9xj5s~raw~S2A_MSIL1C~20200714T180211Z");
}

CAF_TEST(what is not unreserved is percent encoded and the tilde too) {
  const image_key key{"a/b", "9", "x~y %", "caf\xc3\xa9", 0};
  const auto text = to_string(key);
  CAF_CHECK_EQUAL(text, "a%2Fb/9/x%7Ey%20%25/caf%C3%A9/19700101T000000Z");
  const auto back = parse_image_key(text);
  CAF_REQUIRE(back);
  CAF_CHECK(*back == key);
  const auto lower = parse_image_key("a%2fb/%39/x%7ey%20%25/caf%c3%a9/19700101T000000Z");
  CAF_REQUIRE(lower);
  CAF_CHECK(*lower == key);
}

CAF_TEST(printing and reading keys are inverse for any names) {
  std::mt19937_64 random{4};
  const std::vector<std::string> letters = {"a",
                                            "Z",
                                            "0",
                                            "-",
                                            ".",
                                            "_",
                                            "~",
                                            "/",
                                            "%",
                                            " ",
                                            "\xc3\xa9",
                                            "\xe2\x82\xac",
                                            "*",
                                            ":",
                                            "\\",
                                            "+",
                                            "\xf0\x9f\x9b\xb0"};
  const auto name = [&] {
    std::string out;
    for (auto n = 1 + random() % 30; n > 0; --n) out += letters[random() % letters.size()];
    return out;
  };
  for (int i = 0; i < 5000; ++i) {
    const image_key key{name(), name(), name(), name(), int64_t(random() % 4'000'000'000)};
    const auto text = to_string(key);
    CAF_REQUIRE(text.find('~') == std::string::npos);
    const auto back = parse_image_key(text);
    CAF_REQUIRE(back);
    CAF_REQUIRE(*back == key);
    CAF_REQUIRE(image_id(*back) == image_id(key));
  }
}

CAF_TEST(what is no key is refused) {
  for (const char* text :
       {"", "/", "a/b/c/d", "a/b/c/d/", "a/b/c/d/2020", "a/b/c/d/20200714T180211",
        "a/b/c/d/20200714T180211Z/0", "/b/c/d/20200714T180211Z", "a/b/c//20200714T180211Z",
        "a b/b/c/d/20200714T180211Z", "a%2/b/c/d/20200714T180211Z", "a%/b/c/d/20200714T180211Z",
        "a%zz/b/c/d/20200714T180211Z", "a~b/b/c/d/20200714T180211Z", "%00/b/c/d/20200714T180211Z",
        "%FF/b/c/d/20200714T180211Z", "a/b/c/d/20200714T180260Z", "a/b/c/d/1594749731"}) {
    const auto key = parse_image_key(text);
    CAF_CHECK(!key);
    if (key) CAF_MESSAGE("accepted: " << text);
  }
}

CAF_TEST(names are bounded printable unicode text) {
  CAF_CHECK(check_name("tile", std::string(defaults::max_name_bytes, 'x')).has_value());
  const auto longer = check_name("tile", std::string(defaults::max_name_bytes + 1, 'x'));
  CAF_REQUIRE(!longer);
  CAF_CHECK(longer.error().code == ec::limit_exceeded);
  for (const char* good : {"a", "\xc2\xa0", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"})
    CAF_CHECK(check_name("tile", good).has_value());
  // Overlong, a surrogate, beyond U+10FFFF, cut off, stray, control characters.
  for (const char* bad : {"", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xe2\x82", "\x80", "a\x1f", "\x7f", "\xc2\x85"})
    CAF_CHECK(!check_name("tile", bad));
}

CAF_TEST(the id of an image does not depend on the machine) {
  CAF_CHECK_EQUAL(to_string(image_id(plain)), to_string(hash128_of(to_string(plain))));
}

CAF_TEST(a chip description comes back as it was written) {
  const auto chip = some_chip();
  const auto bytes = encode(chip);
  const auto back = decode_chip_description(bytes);
  CAF_REQUIRE(back);
  CAF_CHECK(*back == chip);
}

CAF_TEST(a chip description that is cut off or longer or of another version is refused) {
  const auto bytes = encode(some_chip());
  for (size_t n = 0; n < bytes.size(); ++n)
    CAF_CHECK(!decode_chip_description(std::string_view(bytes).substr(0, n)));
  CAF_CHECK(!decode_chip_description(bytes + '\0'));
  auto newer = bytes;
  newer[0] = 2;
  CAF_CHECK(!decode_chip_description(newer));
}

CAF_TEST(damaged chip descriptions never decode to one that check refuses) {
  std::mt19937_64 random{9};
  const auto bytes = encode(some_chip());
  int decoded = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto damaged = bytes;
    for (auto n = 1 + random() % 3; n > 0; --n)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto chip = decode_chip_description(damaged);
    if (!chip) continue;
    ++decoded;
    CAF_REQUIRE(check(*chip).has_value());
    CAF_REQUIRE(chip->blocks() <= defaults::max_chip_blocks);
  }
  CAF_CHECK(decoded > 0);
}

CAF_TEST(every number of a chip is held to its bound) {
  CAF_CHECK(check(some_chip()).has_value());
  const auto refused = [](auto change) {
    auto chip = some_chip();
    change(chip);
    return !check(chip) && !decode_chip_description(encode(chip));
  };
  CAF_CHECK(refused([](auto& c) { c.key.platform.clear(); }));
  CAF_CHECK(refused([](auto& c) { c.key.timestamp = INT64_MAX; }));
  CAF_CHECK(refused([](auto& c) { c.subdataset = "a\n"; }));
  CAF_CHECK(refused([](auto& c) { c.subdataset_index = c.subdataset_count; }));
  CAF_CHECK(refused([](auto& c) { c.subdataset_count = 0; }));
  CAF_CHECK(refused([](auto& c) { c.type = pixel_type(0); }));
  CAF_CHECK(refused([](auto& c) { c.bands = 0; }));
  CAF_CHECK(refused([](auto& c) { c.bands = defaults::max_bands + 1; }));
  CAF_CHECK(refused([](auto& c) { c.mask_planes = 2; }));
  CAF_CHECK(refused([](auto& c) { c.block_edge = 0; }));
  CAF_CHECK(refused([](auto& c) { c.block_edge = 513; }));
  CAF_CHECK(refused([](auto& c) { c.width = 0; }));
  CAF_CHECK(refused([](auto& c) { c.height = UINT32_MAX; }));
  CAF_CHECK(refused([](auto& c) { c.column = INT64_MIN; }));
  CAF_CHECK(refused([](auto& c) { c.row = INT64_MAX; }));
  CAF_CHECK(refused([](auto& c) { c.cell_pixels = 1300 * 700 + 1; }));
  CAF_CHECK(refused([](auto& c) { c.valid_pixels = c.cell_pixels + 1; }));
  CAF_CHECK(refused([](auto& c) { c.outline[2].column = c.width + 1; }));
  CAF_CHECK(refused([](auto& c) { c.outline[2].row = c.height + 1; }));
  CAF_CHECK(refused([](auto& c) { std::swap(c.outline[0], c.outline[1]); }));
  CAF_CHECK(refused([](auto& c) { c.outline.resize(2); }));
  CAF_CHECK(refused([](auto& c) { c.outline.resize(max_outline_corners + 1); }));
  // The product of the three factors of blocks() exceeds 64 bits here.
  CAF_CHECK(refused([](auto& c) {
    c.block_edge = 1;
    c.bands = 1000;
    c.width = c.height = defaults::max_chip_edge;
  }));
}

CAF_TEST(a chip counts its planes and blocks and bytes) {
  auto chip = some_chip();
  CAF_CHECK_EQUAL(chip.planes(), 5u);
  CAF_CHECK_EQUAL(chip.block_columns(), 3u);
  CAF_CHECK_EQUAL(chip.block_rows(), 2u);
  CAF_CHECK_EQUAL(chip.blocks(), 30u);
  CAF_CHECK_EQUAL(chip.pixel_coverage(), 0.5);
  const chip_record record{chip, {{0, 1, 100}, {128, 1, 0}, {128, 1, UINT32_MAX}}};
  CAF_CHECK_EQUAL(record.bytes(), uint64_t{100} + UINT32_MAX);
}

#define CAF_SUITE raster.block

#include "libstip/raster/block.hpp"

#include <gdal_priv.h>

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>

#include "libstip/core/defaults.hpp"
#include "libstip/core/hash.hpp"
#include "sample_blocks.hpp"

using namespace stip;
using namespace stip::test;

CAF_TEST(pixels come back bit for bit whatever type shape and content) {
  const shape shapes[] = {{1, 1},   {1, 2},   {1, 17},  {1, 512},   {2, 1},    {300, 1},
                          {512, 1}, {3, 5},   {16, 16}, {17, 31},   {33, 100}, {100, 33},
                          {5, 255}, {255, 3}, {4, 257}, {131, 511}, {512, 512}};
  constexpr uint64_t seed = 21;
  std::mt19937_64 random(seed);
  block_encoder encoder;
  block_decoder decoder;
  std::map<std::string, int> codecs;
  for (const auto type : all_types)
    for (const auto& [name, pixel] : contents)
      for (const auto s : shapes) {
        const auto pixels = make_pixels(type, s, pixel, random);
        const auto record = encode(encoder, type, s, pixels);
        if (record.size() > max_record_bytes(type, s.rows, s.columns) ||
            record.size() % block_alignment != 0)
          CAF_FAIL("record of " << record.size() << " bytes: " << name_of(type) << " " << name);
        const auto header = parse_block(record);
        CAF_REQUIRE(header.has_value());
        CAF_REQUIRE(header->type == type);
        CAF_REQUIRE_EQUAL(header->rows, s.rows);
        CAF_REQUIRE_EQUAL(header->columns, s.columns);
        CAF_REQUIRE_EQUAL(header->content, hash64(pixels));
        CAF_REQUIRE_EQUAL(record_bytes(*header), record.size());
        CAF_REQUIRE_EQUAL(pixel_bytes(*header), pixels.size());
        CAF_REQUIRE(verify_block(record).has_value());
        bytes back(pixels.size(), std::byte{0xee});
        CAF_REQUIRE(decoder.decode_block(record, back).has_value());
        if (back != pixels)
          CAF_FAIL("other pixels: " << name_of(type) << " " << name << " " << s.rows << " x "
                                    << s.columns);
        ++codecs[std::string(to_string(header->codec))];
      }
  for (const auto& [name, count] : codecs) CAF_MESSAGE(name << ": " << count << " blocks");
  // All six are met, or the test covers less than it says.
  CAF_CHECK_EQUAL(codecs.size(), 6u);
}

CAF_TEST(a record does not depend on what the encoder did before nor on alignment) {
  std::mt19937_64 random(22);
  block_encoder used;
  for (const auto type : all_types)
    for (const auto& [name, pixel] : contents) {
      const shape s{static_cast<uint16_t>(1 + random() % 90),
                    static_cast<uint16_t>(1 + random() % 300)};
      const auto pixels = make_pixels(type, s, pixel, random);
      block_encoder fresh;
      const auto record = encode(fresh, type, s, pixels);
      CAF_REQUIRE(encode(used, type, s, pixels) == record);
      bytes shifted(pixels.size() + 1);
      std::copy(pixels.begin(), pixels.end(), shifted.begin() + 1);
      bytes out(3, std::byte{9});
      const auto size =
          used.append_block(type, s.rows, s.columns, std::span(shifted).subspan(1), out);
      CAF_REQUIRE(size.has_value());
      CAF_REQUIRE(std::equal(record.begin(), record.end(), out.begin() + 3, out.end()));
      const auto back = std::span(shifted).subspan(1);
      std::fill(back.begin(), back.end(), std::byte{0});
      CAF_REQUIRE(decode_block(std::span(out).subspan(3), back).has_value());
      CAF_REQUIRE(std::equal(pixels.begin(), pixels.end(), back.begin()));
    }
}

CAF_TEST(the bytes of a record stay what they are) {
  block_encoder encoder;
  const auto digest = [&](codec_id codec, pixel_type type, shape s, auto pixel) {
    bytes pixels;
    for (size_t i = 0; i < size_t{s.rows} * s.columns; ++i) {
      const uint64_t value = pixel(i / s.columns, i % s.columns);
      const auto* begin = reinterpret_cast<const std::byte*>(&value);
      pixels.insert(pixels.end(), begin, begin + size_of(type));
    }
    const auto record = encode(encoder, type, s, pixels);
    const auto header = parse_block(record);
    CAF_REQUIRE(header.has_value());
    CAF_REQUIRE(header->codec == codec);
    return to_string(hash128_of(record));
  };
  // A ramp with noise and outliers, from arithmetic alone; vdpfor in each size of word.
  const auto ramp = [](uint64_t row, uint64_t column) {
    const uint64_t noise = (row * 7919 + column * 104729) * 2654435761u % 4294967291u;
    return 20 + row / 9 + column / 7 + noise % 6 + (noise % 113 == 0 ? 90 : 0);
  };
  const auto as_uint8 = digest(codec_id::vdpfor, pixel_type::uint8, {61, 300}, ramp);
  const auto as_uint16 = digest(codec_id::vdpfor, pixel_type::uint16, {61, 300}, ramp);
  const auto as_int32 = digest(codec_id::vdpfor, pixel_type::int32, {61, 300}, ramp);
  const auto as_int64 = digest(codec_id::vdpfor, pixel_type::int64, {61, 300}, ramp);
  const auto classes =
      digest(codec_id::classes, pixel_type::uint16, {61, 300}, [](uint64_t row, uint64_t column) {
        return uint64_t{1} << (row / 9 + column / 7 + (row * column % 97 == 0)) % 16;
      });
  const auto raw = digest(
      codec_id::raw, pixel_type::uint64, {3, 3},
      [](uint64_t row, uint64_t column) { return (row * 3 + column + 1) * 0x9e3779b97f4a7c15u; });
  const auto constant = digest(codec_id::constant, pixel_type::float64, {512, 512},
                               [](auto, auto) { return 0xfff8000000000123u; });
  CAF_MESSAGE("digests: " << as_uint8 << " " << as_uint16 << " " << as_int32 << " " << as_int64
                          << " " << classes << " " << raw << " " << constant);
  CAF_CHECK_EQUAL(as_uint8, "fc0e594e1dc6f28a75b28f032a384d9c");
  CAF_CHECK_EQUAL(as_uint16, "14fbca3f77a3b240f8df06903d5d7520");
  CAF_CHECK_EQUAL(as_int32, "5940164a479219e573405401f97001f8");
  CAF_CHECK_EQUAL(as_int64, "def149ceb3ce48ead5512abf0af5142d");
  CAF_CHECK_EQUAL(classes, "ff09470bc2811acf63cdca86dbda03d4");
  CAF_CHECK_EQUAL(raw, "b3f3293dfa0bc30fd95afb852291c28e");
  CAF_CHECK_EQUAL(constant, "f0b4d82e1e357e9506e1341b21c890d2");
}

CAF_TEST(records that follow each other are read one by one) {
  const auto samples = make_samples(23);
  bytes stream;
  for (const auto& s : samples) stream.insert(stream.end(), s.record.begin(), s.record.end());
  std::span<const std::byte> rest = stream;
  for (const auto& s : samples) {
    const auto header = parse_block(rest);
    CAF_REQUIRE(header.has_value());
    bytes pixels(pixel_bytes(*header));
    CAF_REQUIRE(decode_block(rest, pixels).has_value());
    CAF_REQUIRE(pixels == s.pixels);
    rest = rest.subspan(record_bytes(*header));
  }
  CAF_CHECK(rest.empty());
}

CAF_TEST(real pixels are kept and shrink) {
  const char* data = std::getenv("STIP_SHARED_DATA");
  const auto path = std::filesystem::path(data ? data : "") / "landsat/L7_ETMs.tif";
  if (!data || !std::filesystem::exists(path)) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA has no landsat/L7_ETMs.tif");
    return;
  }
  GDALAllRegister();
  const GDALDatasetUniquePtr scene(
      GDALDataset::FromHandle(GDALOpenEx(path.c_str(), GDAL_OF_RASTER, nullptr, nullptr, nullptr)));
  CAF_REQUIRE(scene != nullptr);
  const std::pair<pixel_type, GDALDataType> types[] = {{pixel_type::uint8, GDT_Byte},
                                                       {pixel_type::uint16, GDT_UInt16},
                                                       {pixel_type::float32, GDT_Float32}};
  constexpr int edge = defaults::max_block_edge;
  for (const auto& [type, gdal_type] : types) {
    block_encoder encoder;
    block_decoder decoder;
    size_t raw = 0;
    bytes records;
    for (int band = 1; band <= scene->GetRasterCount(); ++band)
      for (int y = 0; y < scene->GetRasterYSize(); y += edge)
        for (int x = 0; x < scene->GetRasterXSize(); x += edge) {
          const int columns = std::min(edge, scene->GetRasterXSize() - x);
          const int rows = std::min(edge, scene->GetRasterYSize() - y);
          bytes pixels(size_t(rows) * size_t(columns) * size_of(type));
          const auto status = scene->GetRasterBand(band)->RasterIO(
              GF_Read, x, y, columns, rows, pixels.data(), columns, rows, gdal_type, 0, 0, nullptr);
          CAF_REQUIRE(status == CE_None);
          const size_t begin = records.size();
          const auto size = encoder.append_block(type, static_cast<uint16_t>(rows),
                                                 static_cast<uint16_t>(columns), pixels, records);
          CAF_REQUIRE(size.has_value());
          bytes back(pixels.size());
          CAF_REQUIRE(decoder.decode_block(std::span(records).subspan(begin), back).has_value());
          CAF_REQUIRE(back == pixels);
          raw += pixels.size();
        }
    CAF_MESSAGE("L7_ETMs.tif as " << name_of(type) << ": " << raw << " bytes became "
                                  << records.size() << ", ratio "
                                  << double(raw) / double(records.size()));
    CAF_CHECK(raw > records.size() * size_of(type));
  }
}

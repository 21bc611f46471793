#define CAF_SUITE raster.block

#include "libstip/raster/block.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>

#include <gdal_priv.h>

#include "libstip/core/defaults.hpp"
#include "libstip/core/hash.hpp"

#include <caf/test/unit_test.hpp>

using namespace stip;

namespace {

using bytes = std::vector<std::byte>;

const pixel_type all_types[] = {
    pixel_type::uint8,   pixel_type::int8,    pixel_type::uint16, pixel_type::int16,
    pixel_type::uint32,  pixel_type::int32,   pixel_type::uint64, pixel_type::int64,
    pixel_type::float32, pixel_type::float64, pixel_type::bit,
};

struct shape {
  uint16_t rows;
  uint16_t columns;
};

/// One pixel's bit pattern at a row and column.
using content = std::function<uint64_t(pixel_type, size_t, size_t, std::mt19937_64&)>;

/// The bit pattern of a number in the type.
uint64_t pattern_of(pixel_type type, double value) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    T pixel;
    if constexpr (std::is_floating_point_v<T>)
      pixel = static_cast<T>(value);
    else
      pixel = static_cast<T>(static_cast<int64_t>(value));
    uint64_t out = 0;
    std::memcpy(&out, &pixel, sizeof pixel);
    return out;
  });
}

/// Bit patterns that are easily lost: NaNs with payloads, both zeros, infinities, denormals.
uint64_t odd_pattern(pixel_type type, uint64_t random) {
  const uint64_t of_float[] = {0x7fc00000, 0xffc12345, 0x7f800001, 0x80000000, 0,
                               0x7f800000, 0xff800000, 1,          0x807fffff, 0x3f800000};
  const uint64_t of_double[] = {0x7ff8000000000000,
                                0xfff8000000abcdef,
                                0x7ff0000000000001,
                                0x8000000000000000,
                                0,
                                0x7ff0000000000000,
                                0xfff0000000000000,
                                1,
                                0x800fffffffffffff,
                                0x3ff0000000000000};
  return type == pixel_type::float64 ? of_double[random % 10] : of_float[random % 10];
}

const std::map<std::string, content> contents = {
    {"random", [](auto, auto, auto, auto& random) { return random(); }},
    {"smooth",
     [](auto type, size_t row, size_t column, auto& random) {
       return pattern_of(type,
                         40.0 + 0.11 * double(row) + 0.07 * double(column) + double(random() % 3));
     }},
    {"zero", [](auto, auto, auto, auto&) { return uint64_t{0}; }},
    {"constant", [](auto type, auto, auto, auto&) { return pattern_of(type, 1); }},
    {"outliers",
     [](auto type, auto, auto, auto& random) {
       return random() % 97 == 0 ? random() : pattern_of(type, double(random() % 4));
     }},
    {"lonely outlier",
     [](auto type, size_t row, size_t column, auto& random) {
       return row == 0 && column == 0 ? random() : pattern_of(type, 1);
     }},
    {"min and max by turns",
     [](auto type, size_t row, size_t column, auto&) {
       return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
         const T value = (row + column) % 2 == 0 ? std::numeric_limits<T>::lowest()
                                                 : std::numeric_limits<T>::max();
         uint64_t out = 0;
         std::memcpy(&out, &value, sizeof value);
         return out;
       });
     }},
    {"odd patterns",
     [](auto type, auto, auto, auto& random) { return odd_pattern(type, random()); }},
    {"classes", [](auto type, size_t row, size_t column,
                   auto&) { return pattern_of(type, double((row / 7 + column / 9) % 5)); }},
};

bytes make_pixels(pixel_type type, shape s, const content& pixel, std::mt19937_64& random) {
  const size_t size = size_of(type);
  bytes out(size_t{s.rows} * s.columns * size);
  for (size_t row = 0; row < s.rows; ++row)
    for (size_t column = 0; column < s.columns; ++column) {
      uint64_t value = pixel(type, row, column, random);
      if (type == pixel_type::bit) value &= 1;
      std::memcpy(&out[(row * s.columns + column) * size], &value, size);
    }
  return out;
}

bytes encode(block_encoder& encoder, pixel_type type, shape s, const bytes& pixels) {
  bytes out;
  const auto size = encoder.append_block(type, s.rows, s.columns, pixels, out);
  CAF_REQUIRE(size.has_value());
  CAF_REQUIRE_EQUAL(*size, out.size());
  return out;
}

/// Makes both checksums of a record match what it says now, as an attacker would.
void sign(bytes& record) {
  if (record.size() < block_header_bytes) return;
  uint32_t payload_bytes;
  std::memcpy(&payload_bytes, &record[12], sizeof payload_bytes);
  const size_t there = record.size() - block_header_bytes;
  const auto payload =
      std::span(record).subspan(block_header_bytes, std::min<size_t>(payload_bytes, there));
  const uint64_t payload_hash = hash64(payload);
  std::memcpy(&record[24], &payload_hash, sizeof payload_hash);
  const uint64_t header_hash = hash64(std::span(record).first(56));
  std::memcpy(&record[56], &header_hash, sizeof header_hash);
}

ec code_of(const result<void>& r) {
  return r ? ec::none : r.error().code;
}
ec code_of(const result<block_header>& r) {
  return r ? ec::none : r.error().code;
}

std::string name_of(pixel_type type) {
  return std::string(to_string(type));
}

/// A small record of each type and kind of content, so that every codec is met.
struct sample {
  pixel_type type;
  bytes pixels;
  bytes record;
};

std::vector<sample> make_samples(uint64_t seed) {
  std::mt19937_64 random(seed);
  block_encoder encoder;
  std::vector<sample> out;
  for (const auto type : all_types)
    for (const auto& [name, pixel] : contents) {
      const shape s{static_cast<uint16_t>(2 + random() % 20),
                    static_cast<uint16_t>(2 + random() % 20)};
      auto pixels = make_pixels(type, s, pixel, random);
      auto record = encode(encoder, type, s, pixels);
      out.push_back({type, std::move(pixels), std::move(record)});
    }
  return out;
}

}  // namespace

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
  // All five are met, or the test covers less than it says.
  CAF_CHECK_EQUAL(codecs.size(), 5u);
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
  const auto raw = digest(
      codec_id::raw, pixel_type::uint64, {3, 3},
      [](uint64_t row, uint64_t column) { return (row * 3 + column + 1) * 0x9e3779b97f4a7c15u; });
  const auto constant = digest(codec_id::constant, pixel_type::float64, {512, 512},
                               [](auto, auto) { return 0xfff8000000000123u; });
  CAF_MESSAGE("digests: " << as_uint8 << " " << as_uint16 << " " << as_int32 << " " << as_int64 << " "
                          << raw << " " << constant);
  CAF_CHECK_EQUAL(as_uint8, "fc0e594e1dc6f28a75b28f032a384d9c");
  CAF_CHECK_EQUAL(as_uint16, "45815b4264096ab02e3ff9cab5221661");
  CAF_CHECK_EQUAL(as_int32, "b19b90d2bb15e20f9e386d7094c09460");
  CAF_CHECK_EQUAL(as_int64, "400a0a8472eb8ada7915e54d5e735692");
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

CAF_TEST(what is no block is refused and leaves the output as it was) {
  block_encoder encoder;
  bytes out(5, std::byte{1});
  const bytes before = out;
  const auto code = [&](pixel_type type, uint16_t rows, uint16_t columns, const bytes& pixels) {
    const auto size = encoder.append_block(type, rows, columns, pixels, out);
    CAF_REQUIRE(out == before);
    return size ? ec::none : size.error().code;
  };
  CAF_CHECK(code(pixel_type::uint8, 511, 513, bytes(511 * 513)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint8, 513, 1, bytes(513)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint8, 0, 5, {}) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint8, 5, 0, {}) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint16, 2, 2, bytes(7)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::uint16, 2, 2, bytes(9)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type{0}, 2, 2, bytes(4)) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type{11}, 2, 2, {}) == ec::invalid_argument);
  CAF_CHECK(code(pixel_type::bit, 1, 2, {std::byte{1}, std::byte{2}}) == ec::invalid_argument);
}

CAF_TEST(room of another size than the pixels is refused) {
  block_encoder encoder;
  const auto record = encode(encoder, pixel_type::uint16, {4, 4}, bytes(32));
  for (const size_t size : {0, 16, 31, 33, 64}) {
    bytes pixels(size);
    CAF_CHECK(code_of(decode_block(record, pixels)) == ec::invalid_argument);
  }
}

CAF_TEST(a flipped bit is found or harmless) {
  for (auto [type, pixels, record] : make_samples(24)) {
    bytes back(pixels.size());
    for (size_t at = 0; at < record.size(); ++at) {
      const auto kept = record[at];
      for (const int flip : {0x01, 0x80, 0xff, 0x10}) {
        record[at] = kept ^ static_cast<std::byte>(flip);
        if (decode_block(record, back) && back != pixels)
          CAF_FAIL("byte " << at << " of " << name_of(type) << " changed unnoticed");
        CAF_REQUIRE(!verify_block(record));
      }
      record[at] = kept;
    }
    CAF_REQUIRE(verify_block(record).has_value());
  }
}

CAF_TEST(a record that is cut off is refused at every length) {
  for (const auto& [type, pixels, record] : make_samples(25)) {
    bytes back(pixels.size());
    for (size_t size = 0; size < record.size(); ++size) {
      const bytes cut(record.begin(), record.begin() + static_cast<ptrdiff_t>(size));
      CAF_REQUIRE(code_of(parse_block(cut)) == ec::malformed);
      CAF_REQUIRE(code_of(verify_block(cut)) == ec::malformed);
      CAF_REQUIRE(code_of(decode_block(cut, back)) == ec::malformed);
    }
  }
}

CAF_TEST(fields that no encoder writes are refused though the checksums match) {
  block_encoder encoder;
  std::mt19937_64 random(26);
  const auto pixels = make_pixels(pixel_type::uint16, {8, 8}, contents.at("smooth"), random);
  const auto good = encode(encoder, pixel_type::uint16, {8, 8}, pixels);
  const auto code = [&](size_t at, uint64_t value, size_t size) {
    auto record = good;
    std::memcpy(&record[at], &value, size);
    sign(record);
    return code_of(parse_block(record));
  };
  CAF_CHECK(code(0, 0, 0) == ec::none);
  CAF_CHECK(code(0, 0, 4) == ec::malformed);
  CAF_CHECK(code(4, 0, 2) == ec::incompatible);
  CAF_CHECK(code(4, 3, 2) == ec::incompatible);
  CAF_CHECK(code(6, 0, 1) == ec::unsupported);
  CAF_CHECK(code(6, 11, 1) == ec::unsupported);
  CAF_CHECK(code(7, 0, 1) == ec::unsupported);
  CAF_CHECK(code(7, 6, 1) == ec::unsupported);
  CAF_CHECK(code(8, 0, 2) == ec::malformed);
  CAF_CHECK(code(8, 513, 2) == ec::malformed);
  CAF_CHECK(code(10, 0, 2) == ec::malformed);
  CAF_CHECK(code(10, 0xffff, 2) == ec::malformed);
  CAF_CHECK(code(12, 0, 4) == ec::malformed);
  CAF_CHECK(code(12, 129, 4) == ec::malformed);
  CAF_CHECK(code(12, 0xffffffff, 4) == ec::malformed);
  CAF_CHECK(code(32, 1, 8) == ec::malformed);
  CAF_CHECK(code(55, 1, 1) == ec::malformed);
}

CAF_TEST(a payload with a forged checksum gives the pixels of the content hash or an error) {
  constexpr uint64_t seed = 27;
  constexpr int rounds = 200000;
  std::mt19937_64 random(seed);
  const auto samples = make_samples(seed);
  block_decoder decoder;
  int harmless = 0;
  std::map<int, int> refusals;
  for (int round = 0; round < rounds; ++round) {
    const auto& original = samples[random() % samples.size()];
    auto record = original.record;
    for (uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      // Mostly the payload and its kind: the rest of the header has its own tests.
      const size_t at = random() % 4 == 0
                            ? 4 + random() % 12
                            : block_header_bytes + random() % (record.size() - block_header_bytes);
      switch (random() % 3) {
        case 0:
          record[at] ^= static_cast<std::byte>(1 << (random() % 8));
          break;
        case 1:
          record[at] = static_cast<std::byte>(random());
          break;
        default:
          record[at] = static_cast<std::byte>(random() % 2 == 0 ? 0 : 0xff);
      }
    }
    if (random() % 8 != 0) sign(record);
    if (random() % 16 == 0) record.resize(random() % record.size());
    const auto header = parse_block(record);
    // Room of exactly the size that the header claims, so that a sanitizer sees a write beyond it.
    bytes pixels(header ? pixel_bytes(*header) : original.pixels.size());
    const auto decoded = decoder.decode_block(record, pixels);
    if (!decoded) {
      ++refusals[static_cast<int>(decoded.error().code)];
      continue;
    }
    ++harmless;
    if (hash64(pixels) != header->content) CAF_FAIL("wrong pixels in round " << round);
  }
  CAF_MESSAGE("seed " << seed << ": " << harmless << " of " << rounds << " harmless, "
                      << refusals[int(ec::corrupt)] << " corrupt, " << refusals[int(ec::malformed)]
                      << " malformed");
  CAF_CHECK(refusals[int(ec::corrupt)] > rounds / 4);
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

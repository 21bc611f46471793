#include <blosc.h>
#include <cpl_vsi.h>
#include <gdal_priv.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <span>

#include "libstip/raster/block.hpp"
#include "libstip/raster/codec_planes.hpp"
#include "tests/bench/chip_sets.hpp"
#include "tests/bench/harness.hpp"

using namespace stip;
using namespace stip::bench;

namespace {

using bytes = std::vector<std::byte>;

constexpr double repeat_s = 0.05;
constexpr const char* unit = "GB";

/// Blosc's default, and its fastest Zstandard.
constexpr int blosc_lz4_level = 5;
constexpr int blosc_zstd_level = 1;

/// What Blosc is told to do with a block, and whether its words are first replaced by differences
/// with the word above (which Blosc has no filter for).
struct blosc_filter {
  const char* compressor = "lz4";
  int level = blosc_lz4_level;
  int shuffle = BLOSC_BITSHUFFLE;
  bool difference = false;
};

/// Whether a payload of planes has one in Zstandard.
bool has_zstd(std::span<const std::byte> payload, size_t planes) {
  for (; planes > 0; --planes) {
    uint32_t size;
    std::memcpy(&size, payload.data() + 1, sizeof size);
    if (payload[0] == static_cast<std::byte>(planes::plane_kind::zstd)) return true;
    payload = payload.subspan(1 + sizeof size + size);
  }
  return false;
}

/// Blosc with what the codec of a block does: bit packing is nearest to a bit shuffle, and what
/// changes from one rank to the one above is nearest to the difference of their classes.
blosc_filter filter_like(const block_header& header, std::span<const std::byte> record) {
  const bool planes = header.codec == codec_id::planes || header.codec == codec_id::up_planes;
  const bool above = header.codec == codec_id::vdpfor || header.codec == codec_id::classes;
  if (!planes) return {"lz4", blosc_lz4_level, BLOSC_BITSHUFFLE, above};
  const bool up = header.codec == codec_id::up_planes;
  const size_t count = header.type == pixel_type::bit ? 1 : size_of(header.type);
  if (has_zstd(record.subspan(block_header_bytes, header.payload_bytes), count))
    return {"zstd", blosc_zstd_level, BLOSC_SHUFFLE, up};
  return {"lz4", blosc_lz4_level, BLOSC_SHUFFLE, up};
}

template <class T>
void difference_as(const bytes& in, size_t columns, bytes& out) {
  const auto* from = reinterpret_cast<const T*>(in.data());
  auto* __restrict to = reinterpret_cast<T*>(out.data());
  const size_t count = in.size() / sizeof(T);
  std::memcpy(to, from, columns * sizeof(T));
  for (size_t i = columns; i < count; ++i) to[i] = static_cast<T>(from[i] - from[i - columns]);
}

template <class T>
void sum_as(bytes& words, size_t columns) {
  auto* word = reinterpret_cast<T*>(words.data());
  const size_t count = words.size() / sizeof(T);
  for (size_t row = columns; row < count; row += columns) {
#pragma GCC ivdep
    for (size_t i = row; i < row + columns; ++i)
      word[i] = static_cast<T>(word[i] + word[i - columns]);
  }
}

void difference(const bytes& in, size_t word_bytes, size_t columns, bytes& out) {
  if (word_bytes == 1) return difference_as<uint8_t>(in, columns, out);
  if (word_bytes == 2) return difference_as<uint16_t>(in, columns, out);
  if (word_bytes == 4) return difference_as<uint32_t>(in, columns, out);
  difference_as<uint64_t>(in, columns, out);
}

void sum(bytes& words, size_t word_bytes, size_t columns) {
  if (word_bytes == 1) return sum_as<uint8_t>(words, columns);
  if (word_bytes == 2) return sum_as<uint16_t>(words, columns);
  if (word_bytes == 4) return sum_as<uint32_t>(words, columns);
  sum_as<uint64_t>(words, columns);
}

/// One chip, coded in every way but GDAL's. stip codes band by band, Blosc all bands at once.
struct coded_chip {
  block_shape shape;
  std::vector<std::span<const std::byte>> bands;
  bytes pixels;
  /// Where each codec decodes to; every chip has its own, as in a batch.
  bytes out;
  bytes differences;
  std::vector<bytes> records;
  std::vector<codec_id> codecs;
  /// As most of the bands are coded.
  blosc_filter filter;
  bytes blosc_bits;
  bytes blosc_same;

  std::span<std::byte> band_out(size_t band) {
    return std::span(out).subspan(band * shape.memory_bytes(), shape.memory_bytes());
  }
};

size_t blosc_encode(const coded_chip& c, const blosc_filter& filter, const bytes& pixels,
                    bytes& out) {
  out.resize(pixels.size() + BLOSC_MAX_OVERHEAD);
  const int size =
      blosc_compress_ctx(filter.level, filter.shuffle, size_of(c.shape.type), pixels.size(),
                         pixels.data(), out.data(), out.size(), filter.compressor, 0, 1);
  if (size <= 0) give_up("Blosc cannot compress a chip");
  return static_cast<size_t>(size);
}

void blosc_decode(const bytes& in, bytes& out) {
  if (blosc_decompress_ctx(in.data(), out.data(), out.size(), 1) != static_cast<int>(out.size()))
    give_up("Blosc cannot read what it wrote");
}

/// All chips of a set.
struct job {
  const chip_set& set;
  std::vector<coded_chip> chips;
  block_encoder encoder;
  block_decoder decoder;
  codec_scratch scratch;
  bytes space;

  double gigabytes() const { return double(set.bytes()) * 1e-9; }
};

std::unique_ptr<job> make_job(const chip_set& set) {
  auto j = std::make_unique<job>(job{set, {}, {}, {}, {}, {}});
  for (const auto& from : set.chips) {
    coded_chip c;
    c.shape = {from.type, from.rows, from.columns};
    std::map<codec_id, size_t> votes;
    size_t most = 0;
    for (const auto& pixels : from.bands) {
      c.pixels.insert(c.pixels.end(), pixels.begin(), pixels.end());
      bytes record;
      if (!j->encoder.append_block(from.type, static_cast<uint16_t>(from.rows),
                                   static_cast<uint16_t>(from.columns), pixels, record))
        give_up("a chip cannot be encoded");
      const auto header = value_or_give_up(parse_block(record));
      if (++votes[header.codec] > most) {
        most = votes[header.codec];
        c.filter = filter_like(header, record);
      }
      c.codecs.push_back(header.codec);
      c.records.push_back(std::move(record));
    }
    for (size_t b = 0; b < from.bands.size(); ++b)
      c.bands.push_back(std::span(c.pixels).subspan(b * from.band_bytes(), from.band_bytes()));
    c.out.resize(c.pixels.size());
    c.differences.resize(c.pixels.size());
    c.blosc_bits.resize(blosc_encode(c, blosc_filter{}, c.pixels, c.blosc_bits));
    if (c.filter.difference) difference(c.pixels, size_of(from.type), from.columns, c.differences);
    c.blosc_same.resize(
        blosc_encode(c, c.filter, c.filter.difference ? c.differences : c.pixels, c.blosc_same));
    j->chips.push_back(std::move(c));
    // The spans of the bands must be those of the chip where it is now.
    auto& kept = j->chips.back();
    for (size_t b = 0; b < kept.bands.size(); ++b)
      kept.bands[b] = std::span(kept.pixels).subspan(b * from.band_bytes(), from.band_bytes());
  }
  return j;
}

/// A contender that does something with every chip.
template <class F>
std::function<work()> for_chips(job& j, F&& f) {
  return [&j, f] {
    for (auto& c : j.chips) f(c);
    return work{j.gigabytes(), 0};
  };
}

void add_copy(comparison& c, job& j) {
  c.add("memcpy", for_chips(j, [](coded_chip& chip) {
          std::memcpy(chip.out.data(), chip.pixels.data(), chip.pixels.size());
          // The compiler must not leave the copy out.
          asm volatile("" : : "r"(chip.out.data()) : "memory");
        }));
}

void add_decoders(comparison& c, job& j) {
  add_copy(c, j);
  c.add("stip", for_chips(j, [&j](coded_chip& chip) {
          for (size_t b = 0; b < chip.records.size(); ++b)
            if (!j.decoder.decode_block(chip.records[b], chip.band_out(b)))
              give_up("a record is refused");
        }));
  c.add("stip without checksums", for_chips(j, [&j](coded_chip& chip) {
          for (size_t b = 0; b < chip.records.size(); ++b) {
            const auto header = parse_block(chip.records[b]);
            const auto payload =
                std::span(chip.records[b]).subspan(block_header_bytes, header->payload_bytes);
            if (!decode_pixels(chip.shape, header->codec, payload, j.scratch, chip.band_out(b)))
              give_up("a payload is refused");
          }
        }));
  c.add("Blosc LZ4 bitshuffle",
        for_chips(j, [](coded_chip& chip) { blosc_decode(chip.blosc_bits, chip.out); }));
  c.add("Blosc, same filters", for_chips(j, [](coded_chip& chip) {
          blosc_decode(chip.blosc_same, chip.out);
          if (chip.filter.difference) sum(chip.out, size_of(chip.shape.type), chip.shape.columns);
        }));
}

/// What comes to be encoded is fresh from a decoder and lies in memory, not in the cache.
constexpr const char* memory_copy = "memcpy in memory";

void add_memory_copy(comparison& c) {
  constexpr size_t size = size_t{256} << 20;
  c.add(memory_copy, [from = bytes(size, std::byte{1}), to = bytes(size)]() mutable {
    std::memcpy(to.data(), from.data(), size);
    asm volatile("" : : "r"(to.data()) : "memory");
    return work{double(size) * 1e-9, 0};
  });
}

void add_encoders(comparison& c, job& j) {
  add_memory_copy(c);
  c.add("stip", for_chips(j, [&j](coded_chip& chip) {
          j.space.clear();
          for (const auto& band : chip.bands)
            if (!j.encoder.append_block(chip.shape.type, static_cast<uint16_t>(chip.shape.rows),
                                        static_cast<uint16_t>(chip.shape.columns), band, j.space))
              give_up("a chip cannot be encoded");
        }));
  c.add("stip without checksums", for_chips(j, [&j](coded_chip& chip) {
          j.space.clear();
          for (const auto& band : chip.bands) encode_pixels(chip.shape, band, j.scratch, j.space);
        }));
  c.add("Blosc LZ4 bitshuffle", for_chips(j, [&j](coded_chip& chip) {
          blosc_encode(chip, blosc_filter{}, chip.pixels, j.space);
        }));
  c.add("Blosc, same filters", for_chips(j, [&j](coded_chip& chip) {
          if (chip.filter.difference)
            difference(chip.pixels, size_of(chip.shape.type), chip.shape.columns, chip.differences);
          blosc_encode(chip, chip.filter, chip.filter.difference ? chip.differences : chip.pixels,
                       j.space);
        }));
}

// -- GeoTIFF, a file a chip ---------------------------------------------------

struct tiff_options {
  const char* name;
  std::vector<std::string> creation;
};

const tiff_options tiff_kinds[] = {
    {"GTiff LZW", {"COMPRESS=LZW"}},
    {"GTiff ZSTD 1 predictor 2", {"COMPRESS=ZSTD", "ZSTD_LEVEL=1", "PREDICTOR=2"}},
};

std::string tiff_path(size_t i) {
  return "/vsimem/stip-bench-" + std::to_string(i) + ".tif";
}

void write_tiff(const chip& c, const std::vector<std::string>& creation, const std::string& path) {
  auto* memory = GetGDALDriverManager()->GetDriverByName("MEM");
  auto* tiff = GetGDALDriverManager()->GetDriverByName("GTiff");
  if (!memory || !tiff) give_up("GDAL lacks its GeoTIFF driver");
  const int columns = static_cast<int>(c.columns);
  const int rows = static_cast<int>(c.rows);
  const GDALDatasetUniquePtr from(memory->Create("", columns, rows, 0, GDT_UInt16, nullptr));
  for (const auto& pixels : c.bands) {
    char pointer[64] = {};
    CPLPrintPointer(pointer, const_cast<std::byte*>(pixels.data()), sizeof pointer - 1);
    const CPLStringList where{CPLStringList().SetNameValue("DATAPOINTER", pointer)};
    if (from->AddBand(GDT_UInt16, const_cast<char**>(where.List())) != CE_None)
      give_up("GDAL cannot add a band");
  }
  CPLStringList options;
  for (const auto& o : creation) options.AddString(o.c_str());
  const GDALDatasetUniquePtr to(
      tiff->CreateCopy(path.c_str(), from.get(), FALSE, options.List(), nullptr, nullptr));
  if (!to) give_up("GDAL cannot write a GeoTIFF: " + std::string(CPLGetLastErrorMsg()));
}

void read_tiff(const chip& c, const std::string& path, bytes& out) {
  const GDALDatasetUniquePtr from(
      GDALDataset::FromHandle(GDALOpenEx(path.c_str(), GDAL_OF_RASTER, nullptr, nullptr, nullptr)));
  out.resize(c.bytes());
  const int columns = static_cast<int>(c.columns);
  const int rows = static_cast<int>(c.rows);
  if (!from ||
      from->RasterIO(GF_Read, 0, 0, columns, rows, out.data(), columns, rows, GDT_UInt16,
                     static_cast<int>(c.bands.size()), nullptr, 0, 0, 0, nullptr) != CE_None)
    give_up("GDAL cannot read its GeoTIFF: " + std::string(CPLGetLastErrorMsg()));
}

size_t write_tiffs(const chip_set& set, const tiff_options& kind) {
  size_t total = 0;
  for (size_t i = 0; i < set.chips.size(); ++i) {
    write_tiff(set.chips[i], kind.creation, tiff_path(i));
    VSIStatBufL status;
    if (VSIStatL(tiff_path(i).c_str(), &status) == 0) total += static_cast<size_t>(status.st_size);
  }
  return total;
}

void add_tiff_encoders(comparison& c, job& j) {
  for (const auto& kind : tiff_kinds)
    c.add(kind.name, [&j, &kind] {
      write_tiffs(j.set, kind);
      return work{j.gigabytes(), 0};
    });
}

void add_tiff_decoders(comparison& c, job& j) {
  for (const auto& kind : tiff_kinds)
    c.add(
        kind.name,
        [&j] {
          for (size_t i = 0; i < j.set.chips.size(); ++i)
            read_tiff(j.set.chips[i], tiff_path(i), j.space);
          return work{j.gigabytes(), 0};
        },
        [&j, &kind] { write_tiffs(j.set, kind); });
}

void remove_tiffs(const chip_set& set) {
  for (size_t i = 0; i < set.chips.size(); ++i) VSIUnlink(tiff_path(i).c_str());
}

// -- what is printed ----------------------------------------------------------

void report_sizes(const job& j, bool with_tiff) {
  std::map<std::string, size_t> codecs;
  size_t ours = 0;
  size_t bits = 0;
  size_t same = 0;
  for (const auto& c : j.chips) {
    for (const auto codec : c.codecs) ++codecs[std::string(to_string(codec))];
    for (const auto& record : c.records) ours += record.size();
    bits += c.blosc_bits.size();
    same += c.blosc_same.size();
  }
  std::printf("\n== %s: %zu chips, %.2f MB; bands:", j.set.name.c_str(), j.set.chips.size(),
              double(j.set.bytes()) * 1e-6);
  for (const auto& [name, count] : codecs) std::printf(" %zu %s", count, name.c_str());
  std::printf("\n");
  const double raw = double(j.set.bytes());
  report("size, stip: raw bytes to one", raw / double(ours), "");
  report("size, Blosc LZ4 bitshuffle: raw bytes to one", raw / double(bits), "");
  report("size, Blosc with the same filters: raw bytes to one", raw / double(same), "");
  if (with_tiff)
    for (const auto& kind : tiff_kinds)
      report(std::string("size, ") + kind.name + ": raw bytes to one",
             raw / double(write_tiffs(j.set, kind)), "");
  report("size of stip in sizes of Blosc LZ4 bitshuffle", double(ours) / double(bits), "",
         goal::at_most, 1);
}

void check(job& j) {
  for (auto& c : j.chips) {
    for (size_t b = 0; b < c.records.size(); ++b)
      if (!j.decoder.decode_block(c.records[b], c.band_out(b))) give_up("a record is refused");
    if (c.out != c.pixels) give_up("stip gives other pixels back");
    blosc_decode(c.blosc_same, c.out);
    if (c.filter.difference) sum(c.out, size_of(c.shape.type), c.shape.columns);
    if (c.out != c.pixels) give_up("Blosc gives other pixels back");
  }
}

void compare_uint16(const chip_set& set, const stip::bench::options& options) {
  const auto j = make_job(set);
  check(*j);
  report_sizes(*j, true);
  comparison decode("decode, " + set.name, unit, options);
  decode.repeat_for(repeat_s);
  add_decoders(decode, *j);
  add_tiff_decoders(decode, *j);
  decode.run();
  decode.ratio("stip", "memcpy", goal::at_least, 0.3);
  decode.ratio("stip without checksums", "memcpy");
  decode.ratio("stip", "Blosc LZ4 bitshuffle", goal::at_least, 3);
  decode.ratio("stip", "GTiff LZW");
  decode.ratio("stip", "GTiff ZSTD 1 predictor 2");
  comparison encode("encode, " + set.name, unit, options);
  encode.repeat_for(repeat_s);
  add_encoders(encode, *j);
  add_tiff_encoders(encode, *j);
  encode.run();
  encode.ratio("stip", memory_copy, goal::at_least, 0.1);
  encode.ratio("stip", "Blosc LZ4 bitshuffle");
  encode.ratio("stip", "GTiff LZW");
  encode.ratio("stip", "GTiff ZSTD 1 predictor 2");
  remove_tiffs(set);
}

void compare_other(const chip_set& set, const stip::bench::options& options) {
  const auto j = make_job(set);
  check(*j);
  report_sizes(*j, false);
  comparison decode("decode, " + set.name, unit, options);
  decode.repeat_for(repeat_s);
  add_decoders(decode, *j);
  decode.run();
  decode.ratio("stip", "Blosc, same filters", goal::at_least, 1);
  decode.ratio("stip", "Blosc LZ4 bitshuffle");
  comparison encode("encode, " + set.name, unit, options);
  encode.repeat_for(repeat_s);
  add_encoders(encode, *j);
  encode.run();
  encode.ratio("stip", "Blosc, same filters", goal::at_least, 1);
  encode.ratio("stip", "Blosc LZ4 bitshuffle");
}

bool wanted(const chip_set& set, const stip::bench::options& options) {
  if (options.arguments.empty()) return true;
  for (const auto& word : options.arguments)
    if (set.name.find(word) != std::string::npos) return true;
  return false;
}

}  // namespace

STIP_BENCH(chips,
           "the codec of chips against memcpy, Blosc and GeoTIFF; words choose sets by name") {
  GDALAllRegister();
  const char* shared = std::getenv("STIP_SHARED_DATA");
  if (!shared) std::printf("STIP_SHARED_DATA is not set: real chips are left out\n");
  const auto synthetic = synthetic_chips();
  if (wanted(synthetic, options)) {
    for (size_t b = 0; b < synthetic.chips[0].bands.size(); ++b)
      report("entropy of horizontal differences, synthetic band " + std::to_string(b + 1),
             difference_entropy(synthetic.chips[0], b), "bits");
    compare_uint16(synthetic, options);
  }
  for (const auto& set : shared ? real_uint16_chips(shared) : std::vector<chip_set>{})
    if (wanted(set, options)) compare_uint16(set, options);
  for (const auto& set : shared ? other_chips(shared) : std::vector<chip_set>{})
    if (wanted(set, options)) compare_other(set, options);
}

#include "libstip/raster/codec.hpp"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "libstip/raster/codec_shuffle.hpp"
#include "libstip/raster/codec_vdpfor.hpp"

namespace stip {

namespace {

/// The fastest level that still finds what LZ4 misses (entropy of the bytes).
constexpr int zstd_level = 1;

/// LZ4's own default.
constexpr int lz4_acceleration = 1;

/// A codec that decodes slower must be smaller than this share of the faster one's payload.
constexpr size_t gain_numerator = 7;
constexpr size_t gain_denominator = 8;

/// LZ4 and Zstandard are tried on integers of which at least this share (1 / n) equals the pixel
/// above: classes, masks, quality flags. Elsewhere vdpfor wins and trying would only cost time.
constexpr size_t class_like_share = 2;

/// Zstandard is tried where LZ4 brought the pixels to at most this share (1 / n): elsewhere it is
/// slow and gains little.
constexpr size_t zstd_share = 2;

/// Memory of which nobody reads what was not written.
class buffer {
 public:
  std::span<std::byte> get(size_t bytes) {
    if (bytes > capacity_) {
      memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
      capacity_ = bytes;
    }
    return {memory_.get(), bytes};
  }

 private:
  std::unique_ptr<std::byte[]> memory_;
  size_t capacity_ = 0;
};

struct free_zstd {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

size_t packed_columns(size_t columns) {
  return (columns + 7) / 8;
}

/// Eight bytes of 0 or 1 become the bits of one, the first the lowest.
void pack_bits(const block_shape& shape, const std::byte* pixels, std::byte* out) {
  // Each byte's lowest bit is moved to bit 56 + its number; no two terms meet in one bit.
  constexpr uint64_t gather = 0x0102040810204080;
  for (size_t row = 0; row < shape.rows; ++row) {
    for (size_t column = 0; column < shape.columns; column += 8) {
      uint64_t eight = 0;
      std::memcpy(&eight, pixels + column, std::min<size_t>(8, shape.columns - column));
      *out++ = static_cast<std::byte>((eight * gather) >> 56);
    }
    pixels += shape.columns;
  }
}

/// False when a bit beyond the last column is set.
bool unpack_bits(const block_shape& shape, const std::byte* in, std::byte* pixels) {
  // Copies the byte to all eight, keeps bit i in byte i, and brings it down to bit 0.
  constexpr uint64_t spread = 0x0101010101010101;
  constexpr uint64_t select = 0x8040201008040201;
  constexpr uint64_t carry = 0x7f7f7f7f7f7f7f7f;
  const size_t used = shape.columns % 8;
  for (size_t row = 0; row < shape.rows; ++row) {
    for (size_t column = 0; column < shape.columns; column += 8) {
      const auto byte = static_cast<uint64_t>(*in++);
      const uint64_t kept = (byte * spread) & select;
      const uint64_t eight = (((kept & carry) + carry) | kept) >> 7 & spread;
      const size_t count = std::min<size_t>(8, shape.columns - column);
      std::memcpy(pixels + column, &eight, count);
      if (count < 8 && (byte >> used) != 0) return false;
    }
    pixels += shape.columns;
  }
  return true;
}

/// The block as the byte codecs see it: rows of words.
struct word_view {
  size_t word_bytes;
  size_t columns;
  std::span<const std::byte> bytes;
};

}  // namespace

struct codec_scratch::state {
  buffer bits;
  buffer packed;
  buffer shuffled;
  buffer compressed[2];
  std::unique_ptr<LZ4_stream_t> lz4;
  std::unique_ptr<ZSTD_CCtx, free_zstd> compressor;
  std::unique_ptr<ZSTD_DCtx, free_zstd> decompressor;

  /// Bytes written to `out`, or 0 when it is too small.
  size_t compress_lz4(std::span<const std::byte> in, std::span<std::byte> out) {
    if (out.empty()) return 0;
    if (!lz4) lz4 = std::make_unique<LZ4_stream_t>();
    const int bytes = LZ4_compress_fast_extState(
        lz4.get(), reinterpret_cast<const char*>(in.data()), reinterpret_cast<char*>(out.data()),
        static_cast<int>(in.size()), static_cast<int>(out.size()), lz4_acceleration);
    return bytes > 0 ? static_cast<size_t>(bytes) : 0;
  }

  size_t compress_zstd(std::span<const std::byte> in, std::span<std::byte> out) {
    if (out.empty()) return 0;
    if (!compressor) compressor.reset(ZSTD_createCCtx());
    if (!compressor) return 0;
    const size_t bytes = ZSTD_compressCCtx(compressor.get(), out.data(), out.size(), in.data(),
                                           in.size(), zstd_level);
    return ZSTD_isError(bytes) ? 0 : bytes;
  }

  bool decompress_zstd(std::span<const std::byte> in, std::span<std::byte> out) {
    if (!decompressor) decompressor.reset(ZSTD_createDCtx());
    if (!decompressor) return false;
    return ZSTD_decompressDCtx(decompressor.get(), out.data(), out.size(), in.data(), in.size()) ==
           out.size();
  }
};

codec_scratch::codec_scratch() = default;
codec_scratch::~codec_scratch() = default;
codec_scratch::codec_scratch(codec_scratch&&) noexcept = default;
codec_scratch& codec_scratch::operator=(codec_scratch&&) noexcept = default;

codec_scratch::state& codec_scratch::get() {
  if (!state_) state_ = std::make_unique<state>();
  return *state_;
}

bool is_known(codec_id codec, pixel_type type) noexcept {
  const auto value = static_cast<uint8_t>(codec);
  return is_known(type) && value >= static_cast<uint8_t>(codec_id::raw) &&
         value <= static_cast<uint8_t>(codec_id::up_shuffle_zstd);
}

std::string_view to_string(codec_id codec) noexcept {
  switch (codec) {
    case codec_id::raw:
      return "raw";
    case codec_id::constant:
      return "constant";
    case codec_id::vdpfor:
      return "vdpfor";
    case codec_id::shuffle_lz4:
      return "shuffle+lz4";
    case codec_id::shuffle_zstd:
      return "shuffle+zstd";
    case codec_id::up_shuffle_lz4:
      return "up+shuffle+lz4";
    case codec_id::up_shuffle_zstd:
      return "up+shuffle+zstd";
  }
  return "unknown";
}

size_t block_shape::raw_bytes() const noexcept {
  return type == pixel_type::bit ? rows * packed_columns(columns) : memory_bytes();
}

namespace {

struct candidate {
  codec_id codec;
  std::span<const std::byte> payload;
};

/// Bytes that a slower codec may take to be preferred to `bytes`.
size_t worthwhile(size_t bytes) {
  return bytes * gain_numerator / gain_denominator;
}

/// LZ4 over the words and over their differences, then Zstandard over the better of the two;
/// `best` when neither is worthwhile.
candidate try_compressors(const word_view& words, codec_scratch::state& scratch, candidate best) {
  const size_t total = words.bytes.size();
  const auto shuffled = scratch.shuffled.get(total);
  const size_t limit = worthwhile(best.payload.size());
  const auto plain_out = scratch.compressed[0].get(limit);
  shuffle::split(words.word_bytes, words.bytes, shuffled);
  const size_t plain = scratch.compress_lz4(shuffled, plain_out);
  if (plain > 0) best = {codec_id::shuffle_lz4, plain_out.first(plain)};
  shuffle::split_differences(words.word_bytes, words.bytes, words.columns, shuffled);
  const auto up_out = scratch.compressed[1].get(plain > 0 ? plain - 1 : limit);
  const size_t up = scratch.compress_lz4(shuffled, up_out);
  if (up > 0) best = {codec_id::up_shuffle_lz4, up_out.first(up)};
  if ((plain == 0 && up == 0) || best.payload.size() > total / zstd_share) return best;
  if (up == 0) shuffle::split(words.word_bytes, words.bytes, shuffled);
  // The buffer that does not hold the best.
  auto& free_buffer = scratch.compressed[up > 0 ? 0 : 1];
  const auto dense_out = free_buffer.get(worthwhile(best.payload.size()));
  const size_t dense = scratch.compress_zstd(shuffled, dense_out);
  if (dense == 0) return best;
  return {up > 0 ? codec_id::up_shuffle_zstd : codec_id::shuffle_zstd, dense_out.first(dense)};
}

}  // namespace

codec_id encode_pixels(const block_shape& shape, std::span<const std::byte> pixels,
                       codec_scratch& scratch, std::vector<std::byte>& out) {
  const auto append = [&](candidate chosen) {
    out.insert(out.end(), chosen.payload.begin(), chosen.payload.end());
    return chosen.codec;
  };
  const size_t pixel = size_of(shape.type);
  if (std::memcmp(pixels.data(), pixels.data() + pixel, pixels.size() - pixel) == 0)
    return append({codec_id::constant, pixels.first(pixel)});
  auto& state = scratch.get();
  word_view words{pixel, shape.columns, pixels};
  if (shape.type == pixel_type::bit) {
    const auto packed = state.bits.get(shape.raw_bytes());
    pack_bits(shape, pixels.data(), packed.data());
    words = {1, packed_columns(shape.columns), packed};
  }
  candidate best{codec_id::raw, words.bytes};
  const size_t count = words.bytes.size() / words.word_bytes;
  const auto packed = state.packed.get(vdpfor::max_bytes(words.word_bytes, count));
  const auto done = vdpfor::encode(words.word_bytes, words.bytes, words.columns, packed);
  if (done.bytes < best.payload.size()) best = {codec_id::vdpfor, packed.first(done.bytes)};
  if (is_float(shape.type) || shape.type == pixel_type::bit ||
      done.unchanged >= count / class_like_share)
    best = try_compressors(words, state, best);
  return append(best);
}

namespace {

bool decode_words(codec_id codec, std::span<const std::byte> payload, size_t word_bytes,
                  size_t columns, codec_scratch& scratch, std::span<std::byte> words) {
  switch (codec) {
    case codec_id::raw:
      if (payload.size() != words.size()) return false;
      std::memcpy(words.data(), payload.data(), words.size());
      return true;
    case codec_id::vdpfor:
      return vdpfor::decode(word_bytes, payload, columns, words);
    case codec_id::shuffle_lz4:
    case codec_id::up_shuffle_lz4:
    case codec_id::shuffle_zstd:
    case codec_id::up_shuffle_zstd: {
      auto& state = scratch.get();
      const auto shuffled = state.shuffled.get(words.size());
      if (codec == codec_id::shuffle_lz4 || codec == codec_id::up_shuffle_lz4) {
        const int bytes = LZ4_decompress_safe(
            reinterpret_cast<const char*>(payload.data()), reinterpret_cast<char*>(shuffled.data()),
            static_cast<int>(payload.size()), static_cast<int>(shuffled.size()));
        if (bytes < 0 || static_cast<size_t>(bytes) != shuffled.size()) return false;
      } else if (!state.decompress_zstd(payload, shuffled)) {
        return false;
      }
      if (codec == codec_id::shuffle_lz4 || codec == codec_id::shuffle_zstd)
        shuffle::join(word_bytes, shuffled, words);
      else
        shuffle::join_differences(word_bytes, shuffled, columns, words);
      return true;
    }
    case codec_id::constant:
      break;
  }
  return false;
}

bool decode_constant(const block_shape& shape, std::span<const std::byte> payload,
                     std::span<std::byte> pixels) {
  const size_t pixel = size_of(shape.type);
  if (payload.size() != pixel) return false;
  if (shape.type == pixel_type::bit && std::to_integer<unsigned>(payload[0]) > 1) return false;
  std::memcpy(pixels.data(), payload.data(), pixel);
  // What is filled doubles with each copy.
  for (size_t filled = pixel; filled < pixels.size();) {
    const size_t bytes = std::min(filled, pixels.size() - filled);
    std::memcpy(pixels.data() + filled, pixels.data(), bytes);
    filled += bytes;
  }
  return true;
}

}  // namespace

bool decode_pixels(const block_shape& shape, codec_id codec, std::span<const std::byte> payload,
                   codec_scratch& scratch, std::span<std::byte> pixels) {
  if (!is_known(codec, shape.type) || payload.size() > shape.raw_bytes()) return false;
  if (codec == codec_id::constant) return decode_constant(shape, payload, pixels);
  if (shape.type != pixel_type::bit)
    return decode_words(codec, payload, size_of(shape.type), shape.columns, scratch, pixels);
  const auto packed = scratch.get().bits.get(shape.raw_bytes());
  return decode_words(codec, payload, 1, packed_columns(shape.columns), scratch, packed) &&
         unpack_bits(shape, packed.data(), pixels.data());
}

}  // namespace stip

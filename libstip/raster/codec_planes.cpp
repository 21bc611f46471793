#include "libstip/raster/codec_planes.hpp"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "libstip/raster/codec_buffer.hpp"
#include "libstip/raster/codec_shuffle.hpp"
#include "libstip/raster/codec_vdpfor.hpp"
#include "libstip/raster/codec_words.hpp"

namespace stip::planes {

namespace {

/// The fastest level that still finds what LZ4 misses (entropy of the bytes).
constexpr int zstd_level = 1;

/// Half as slow again as the slowest, for a few per cent of the bytes.
constexpr int lz4_acceleration = 4;

/// What decodes slower must be smaller than this share of the faster.
constexpr size_t gain_numerator = 7;
constexpr size_t gain_denominator = 8;

/// Zstandard is taken where LZ4 brings the sample to a size between these shares (1 / n): above it
/// is slow and gains little, below there is little left to gain.
constexpr size_t zstd_share = 2;
constexpr size_t lz4_share = 32;

/// The sample is this share (1 / n) of the rows, in so many stripes, but no less than these bytes.
constexpr size_t sample_share = 32;
constexpr size_t sample_stripes = 4;
constexpr size_t min_sample_bytes = 4096;

/// Rows that are compared with the row above to tell classes and masks from measurements.
constexpr size_t compared_rows = 8;

/// Bytes of a plane that are looked at to tell whether it is noise.
constexpr size_t noise_sample = 256;

/// A plane whose bytes are spread as evenly as if more than so many values were equally frequent is
/// noise to LZ4.
constexpr size_t noisy_values = 64;

/// Before a plane: its kind and the bytes that follow.
constexpr size_t plane_header_bytes = 1 + sizeof(uint32_t);

struct free_zstd {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

bool worthwhile(size_t slower, size_t faster) {
  return slower <= faster * gain_numerator / gain_denominator;
}

bool is_constant(std::span<const std::byte> plane) {
  return std::memcmp(plane.data(), plane.data() + 1, plane.size() - 1) == 0;
}

/// By the chance that two bytes of the plane are equal.
bool is_noise(std::span<const std::byte> plane) {
  const size_t step = std::max<size_t>(1, plane.size() / noise_sample);
  // Counters in turn, so that equal bytes do not wait for each other.
  constexpr size_t turns = 4;
  uint16_t counts[turns][256] = {};
  uint32_t total = 0;
  for (size_t i = 0; i < plane.size(); i += step, ++total)
    ++counts[total % turns][std::to_integer<size_t>(plane[i])];
  uint64_t pairs = 0;
  for (size_t value = 0; value < 256; ++value) {
    uint32_t n = 0;
    for (const auto& some : counts) n += some[value];
    pairs += uint64_t{n} * n;
  }
  return pairs * noisy_values < uint64_t{total} * total;
}

}  // namespace

struct workspace::state {
  buffer sample;
  buffer packed;
  buffer shuffled;
  buffer compressed;
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

  static bool decompress_lz4(std::span<const std::byte> in, std::span<std::byte> out) {
    const int bytes = LZ4_decompress_safe(
        reinterpret_cast<const char*>(in.data()), reinterpret_cast<char*>(out.data()),
        static_cast<int>(in.size()), static_cast<int>(out.size()));
    return bytes >= 0 && static_cast<size_t>(bytes) == out.size();
  }

  /// Some stripes of rows, evenly spread.
  word_view take_sample(const word_view& words) {
    const size_t row_bytes = words.columns * words.word_bytes;
    const size_t wanted = std::max(words.bytes.size() / sample_share, min_sample_bytes);
    const size_t stripe = (wanted + sample_stripes * row_bytes - 1) / (sample_stripes * row_bytes);
    if (2 * stripe * sample_stripes >= words.rows()) return words;
    const auto out = sample.get(sample_stripes * stripe * row_bytes);
    for (size_t i = 0; i < sample_stripes; ++i) {
      // The middle of the i-th part.
      const size_t row = (2 * i + 1) * words.rows() / (2 * sample_stripes) - stripe / 2;
      std::memcpy(out.data() + i * stripe * row_bytes, words.bytes.data() + row * row_bytes,
                  stripe * row_bytes);
    }
    return {words.word_bytes, words.columns, out};
  }

  std::span<const std::byte> split(const word_view& words, bool differences) {
    const auto out = shuffled.get(words.bytes.size());
    if (differences)
      shuffle::split_differences(words.word_bytes, words.bytes, words.columns, out);
    else
      shuffle::split(words.word_bytes, words.bytes, out);
    return out;
  }
};

workspace::workspace() = default;
workspace::~workspace() = default;
workspace::workspace(workspace&&) noexcept = default;
workspace& workspace::operator=(workspace&&) noexcept = default;

workspace::state& workspace::get() {
  if (!state_) state_ = std::make_unique<state>();
  return *state_;
}

bool changes_rarely(const word_view& words) noexcept {
  const size_t rows = words.rows();
  if (rows < 2) return false;
  const size_t stride = std::max<size_t>(1, (rows - 1) / compared_rows);
  return with_word(words.word_bytes, [&]<class T>(std::type_identity<T>) {
    const auto* all = words_at<T>(words.bytes.data());
    size_t compared = 0;
    size_t equal = 0;
    for (size_t row = 1; row < rows; row += stride) {
      const auto* here = all + row * words.columns;
      const auto* above = here - words.columns;
      // Counters as wide as words, so that they share vectors, and so few that none overflows.
      for (size_t i = 0; i < words.columns;) {
        const size_t end = std::min(words.columns, i + std::numeric_limits<uint8_t>::max());
        T some = 0;
        for (; i < end; ++i) some = static_cast<T>(some + (here[i] == above[i] ? 1 : 0));
        equal += some;
      }
      compared += words.columns;
    }
    return 2 * equal >= compared;
  });
}

advice consider(const word_view& words, bool differences, workspace& space) {
  auto& state = space.get();
  const word_view sample = state.take_sample(words);
  const size_t planes = sample.word_bytes;
  const size_t count = sample.bytes.size() / planes;
  advice out;
  out.how.differences = differences;
  const auto packed = state.packed.get(vdpfor::max_bytes(planes, count));
  const size_t vdpfor_bytes = vdpfor::encode(planes, sample.bytes, sample.columns, packed);
  const size_t others = std::min(sample.bytes.size(), vdpfor_bytes);
  const auto shuffled = state.split(sample, differences);
  size_t total = 0;
  for (size_t p = 0; p < planes; ++p) {
    auto& kind = out.how.kinds[p];
    const auto plane = shuffled.subspan(p * count, count);
    kind = is_constant(plane) ? plane_kind::constant
           : is_noise(plane)  ? plane_kind::raw
                              : plane_kind::lz4;
    if (kind == plane_kind::raw) total += count;
  }
  if (!worthwhile(total, others)) return out;
  const auto room = state.compressed.get(count);
  for (size_t p = 0; p < planes; ++p) {
    auto& kind = out.how.kinds[p];
    if (kind != plane_kind::lz4) continue;
    const size_t bytes = state.compress_lz4(shuffled.subspan(p * count, count), room);
    if (bytes == 0 || !worthwhile(bytes, count)) {
      kind = plane_kind::raw;
      total += count;
    } else {
      total += bytes;
      if (bytes <= count / zstd_share && bytes > count / lz4_share) kind = plane_kind::zstd;
    }
  }
  out.better = worthwhile(total, others);
  return out;
}

std::span<const std::byte> encode(const word_view& words, const plan& how, size_t limit,
                                  workspace& space) {
  auto& state = space.get();
  const size_t planes = words.word_bytes;
  const size_t count = words.bytes.size() / planes;
  const auto shuffled = state.split(words, how.differences);
  const auto out = state.compressed.get(planes * (plane_header_bytes + count));
  size_t at = 0;
  for (size_t p = 0; p < planes; ++p) {
    const auto plane = shuffled.subspan(p * count, count);
    const auto room = out.subspan(at + plane_header_bytes, count);
    plane_kind kind = how.kinds[p];
    size_t bytes = 0;
    // A constant plane of the sample may have other values elsewhere, and the other way round.
    if (is_constant(plane)) {
      kind = plane_kind::constant;
      room[0] = plane[0];
      bytes = 1;
    } else if (kind == plane_kind::zstd) {
      bytes = state.compress_zstd(plane, room.first(count - 1));
    } else if (kind != plane_kind::raw) {
      kind = plane_kind::lz4;
      bytes = state.compress_lz4(plane, room.first(count - 1));
    }
    if (bytes == 0) {
      kind = plane_kind::raw;
      std::memcpy(room.data(), plane.data(), count);
      bytes = count;
    }
    out[at] = static_cast<std::byte>(kind);
    const auto length = static_cast<uint32_t>(bytes);
    std::memcpy(out.data() + at + 1, &length, sizeof length);
    at += plane_header_bytes + bytes;
    if (at > limit) return {};
  }
  return out.first(at);
}

bool decode(std::span<const std::byte> payload, size_t word_bytes, size_t columns, bool differences,
            workspace& space, std::span<std::byte> words) {
  auto& state = space.get();
  const size_t count = words.size() / word_bytes;
  const auto shuffled = state.shuffled.get(words.size());
  for (size_t p = 0; p < word_bytes; ++p) {
    if (payload.size() < plane_header_bytes) return false;
    const auto kind = static_cast<plane_kind>(payload[0]);
    uint32_t bytes;
    std::memcpy(&bytes, payload.data() + 1, sizeof bytes);
    payload = payload.subspan(plane_header_bytes);
    if (bytes > payload.size()) return false;
    const auto in = payload.first(bytes);
    payload = payload.subspan(bytes);
    const auto plane = shuffled.subspan(p * count, count);
    switch (kind) {
      case plane_kind::raw:
        if (bytes != count) return false;
        std::memcpy(plane.data(), in.data(), count);
        break;
      case plane_kind::constant:
        if (bytes != 1) return false;
        std::memset(plane.data(), std::to_integer<int>(in[0]), count);
        break;
      case plane_kind::lz4:
        if (!state.decompress_lz4(in, plane)) return false;
        break;
      case plane_kind::zstd:
        if (!state.decompress_zstd(in, plane)) return false;
        break;
      default:
        return false;
    }
  }
  if (!payload.empty()) return false;
  if (differences)
    shuffle::join_differences(word_bytes, shuffled, columns, words);
  else
    shuffle::join(word_bytes, shuffled, words);
  return true;
}

}  // namespace stip::planes

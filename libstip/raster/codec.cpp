#include "libstip/raster/codec.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "libstip/raster/codec_buffer.hpp"
#include "libstip/raster/codec_classes.hpp"
#include "libstip/raster/codec_planes.hpp"
#include "libstip/raster/codec_vdpfor.hpp"

namespace stip {

namespace {

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

}  // namespace

struct codec_scratch::state {
  buffer bits;
  buffer packed;
  planes::workspace planes;
  classes::workspace classes;
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
  if (codec == codec_id::classes)
    return is_known(type) && size_of(type) <= classes::max_word_bytes && type != pixel_type::bit;
  const auto value = static_cast<uint8_t>(codec);
  return is_known(type) && value >= static_cast<uint8_t>(codec_id::raw) &&
         value <= static_cast<uint8_t>(codec_id::up_planes);
}

std::string_view to_string(codec_id codec) noexcept {
  switch (codec) {
    case codec_id::raw:
      return "raw";
    case codec_id::constant:
      return "constant";
    case codec_id::vdpfor:
      return "vdpfor";
    case codec_id::planes:
      return "planes";
    case codec_id::up_planes:
      return "up+planes";
    case codec_id::classes:
      return "classes";
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
  planes::word_view words{pixel, shape.columns, pixels};
  if (shape.type == pixel_type::bit) {
    const auto packed = state.bits.get(shape.raw_bytes());
    pack_bits(shape, pixels.data(), packed.data());
    words = {1, packed_columns(shape.columns), packed};
  }
  const size_t count = words.bytes.size() / words.word_bytes;
  const bool rarely = planes::changes_rarely(words);
  if (rarely && is_known(codec_id::classes, shape.type)) {
    const auto payload = classes::encode(pixel, pixels, shape.columns, state.classes);
    if (!payload.empty() && payload.size() < pixels.size())
      return append({codec_id::classes, payload});
  }
  // Measurements in integers are for vdpfor; trying the planes would only cost time.
  if (rarely || is_float(shape.type) || shape.type == pixel_type::bit) {
    const auto advice = planes::consider(words, !rarely, state.planes);
    if (advice.better) {
      const auto payload = planes::encode(words, advice.how, words.bytes.size() - 1, state.planes);
      if (!payload.empty())
        return append({advice.how.differences ? codec_id::up_planes : codec_id::planes, payload});
    }
  }
  const auto packed = state.packed.get(vdpfor::max_bytes(words.word_bytes, count));
  const size_t bytes = vdpfor::encode(words.word_bytes, words.bytes, words.columns, packed);
  if (bytes < words.bytes.size()) return append({codec_id::vdpfor, packed.first(bytes)});
  return append({codec_id::raw, words.bytes});
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
    case codec_id::planes:
    case codec_id::up_planes:
      return planes::decode(payload, word_bytes, columns, codec == codec_id::up_planes,
                            scratch.get().planes, words);
    case codec_id::classes:
      return classes::decode(word_bytes, payload, columns, scratch.get().classes, words);
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

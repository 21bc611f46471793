#include "libstip/core/packed.hpp"

#include <bit>
#include <utility>

namespace stip {

namespace {

constexpr int bits_a_varint_byte = 7;
constexpr uint8_t more_follows = 0x80;

template <class Integer>
void append(std::string& out, Integer value) {
  for (size_t i = 0; i < sizeof(Integer); ++i)
    out += static_cast<char>(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace

packed_writer& packed_writer::u8(uint8_t value) {
  bytes_ += static_cast<char>(value);
  return *this;
}

packed_writer& packed_writer::u16(uint16_t value) {
  append(bytes_, value);
  return *this;
}

packed_writer& packed_writer::u32(uint32_t value) {
  append(bytes_, value);
  return *this;
}

packed_writer& packed_writer::u64(uint64_t value) {
  append(bytes_, value);
  return *this;
}

packed_writer& packed_writer::i64(int64_t value) {
  return u64(static_cast<uint64_t>(value));
}

packed_writer& packed_writer::f32(float value) {
  return u32(std::bit_cast<uint32_t>(value));
}

packed_writer& packed_writer::f64(double value) {
  return u64(std::bit_cast<uint64_t>(value));
}

packed_writer& packed_writer::flag(bool value) {
  return u8(value ? 1 : 0);
}

packed_writer& packed_writer::varint(uint64_t value) {
  while (value >= more_follows) {
    u8(static_cast<uint8_t>(value) | more_follows);
    value >>= bits_a_varint_byte;
  }
  return u8(static_cast<uint8_t>(value));
}

packed_writer& packed_writer::signed_varint(int64_t value) {
  return varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}

packed_writer& packed_writer::text(std::string_view value) {
  varint(value.size());
  bytes_ += value;
  return *this;
}

packed_writer& packed_writer::hash(const hash128& value) {
  return u64(value.low).u64(value.high);
}

packed_writer& packed_writer::stamp(const version& value) {
  return i64(value.wall_ms).u32(value.logical).u64(value.node);
}

std::string packed_writer::take() {
  return std::exchange(bytes_, {});
}

const unsigned char* packed_reader::take(size_t n) {
  expect(n <= remaining(), "the bytes end too early");
  if (!ok()) return nullptr;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes_.data()) + at_;
  at_ += n;
  return p;
}

template <class Integer>
Integer packed_reader::integer() {
  Integer value = 0;
  if (const auto* p = take(sizeof(Integer)))
    for (size_t i = 0; i < sizeof(Integer); ++i)
      value = static_cast<Integer>(value | (static_cast<Integer>(p[i]) << (8 * i)));
  return value;
}

uint8_t packed_reader::u8() {
  return integer<uint8_t>();
}

uint16_t packed_reader::u16() {
  return integer<uint16_t>();
}

uint32_t packed_reader::u32() {
  return integer<uint32_t>();
}

uint64_t packed_reader::u64() {
  return integer<uint64_t>();
}

int64_t packed_reader::i64() {
  return static_cast<int64_t>(u64());
}

float packed_reader::f32() {
  return std::bit_cast<float>(u32());
}

double packed_reader::f64() {
  return std::bit_cast<double>(u64());
}

bool packed_reader::flag() {
  const auto value = u8();
  expect(value <= 1, "a flag is neither 0 nor 1");
  return ok() && value == 1;
}

uint64_t packed_reader::varint(uint64_t most) {
  // Of the last byte that a number can have, one bit counts.
  constexpr int last_shift = 63;
  if (!ok()) return 0;
  uint64_t value = 0;
  int shift = 0;
  for (; at_ < bytes_.size(); shift += bits_a_varint_byte) {
    const auto byte = static_cast<uint8_t>(bytes_[at_++]);
    if (shift == last_shift && byte > 1) {
      expect(false, "a number has more than 64 bits");
      return 0;
    }
    value |= uint64_t{byte & (more_follows - 1u)} << shift;
    if (byte >= more_follows) continue;
    if (byte == 0 && shift > 0) expect(false, "a number is written longer than necessary");
    if (value > most) expect(false, "a number is above its bound");
    return ok() ? value : 0;
  }
  expect(false, "the bytes end too early");
  return 0;
}

int64_t packed_reader::signed_varint() {
  const auto value = varint();
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

std::string_view packed_reader::text(size_t most_bytes) {
  const auto n = static_cast<size_t>(varint(most_bytes));
  const auto* p = take(n);
  return p ? std::string_view(reinterpret_cast<const char*>(p), n) : std::string_view{};
}

hash128 packed_reader::hash() {
  hash128 value;
  value.low = u64();
  value.high = u64();
  return value;
}

version packed_reader::stamp() {
  version value;
  value.wall_ms = i64();
  value.logical = u32();
  value.node = u64();
  return value;
}

size_t packed_reader::count(size_t most, size_t least_bytes_each) {
  const auto n = varint(most);
  expect(n <= remaining() / least_bytes_each, "a count promises more than the bytes hold");
  return ok() ? static_cast<size_t>(n) : 0;
}

void packed_reader::expect_version(uint8_t known) {
  const auto found = u8();
  if (ok() && found != known)
    expect(false,
           "it has version " + std::to_string(found) + ", known is " + std::to_string(known));
}

uint8_t packed_reader::expect_version_up_to(uint8_t newest) {
  const auto found = u8();
  if (ok() && (found == 0 || found > newest))
    expect(false,
           "it has version " + std::to_string(found) + ", known is 1 to " + std::to_string(newest));
  return found;
}

void packed_reader::expect(bool holds, std::string_view why) {
  if (holds || !ok()) return;
  why_ = std::string(why) + " (byte " + std::to_string(at_) + " of " +
         std::to_string(bytes_.size()) + ")";
}

result<void> packed_reader::finish() {
  expect(remaining() == 0, "bytes are left over");
  if (!ok()) return fail(ec::malformed, "read " + std::string(what_), why_);
  return {};
}

}  // namespace stip

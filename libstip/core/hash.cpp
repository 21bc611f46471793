#include "libstip/core/hash.hpp"

#include <xxhash.h>
#if defined(__x86_64__)
// Names the variants of XXH3 that pick AVX2 or AVX-512 when they run; the values are the same.
#include <xxh_x86dispatch.h>
#endif

#include <new>

namespace stip {

namespace {

constexpr size_t hex_digits_a_word = 16;

void append_hex(uint64_t word, std::string& out) {
  for (size_t i = hex_digits_a_word; i-- > 0;) out += "0123456789abcdef"[(word >> (4 * i)) & 15];
}

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

hash128 from_xxh(XXH128_hash_t value) noexcept {
  return {value.high64, value.low64};
}

}  // namespace

std::string to_string(const hash128& value) {
  std::string out;
  out.reserve(2 * hex_digits_a_word);
  append_hex(value.high, out);
  append_hex(value.low, out);
  return out;
}

result<hash128> parse_hash128(std::string_view text) {
  const auto refuse = [](std::string why) {
    return fail(ec::invalid_argument, "parse hash", std::move(why),
                "give the 32 hexadecimal digits that stip printed");
  };
  if (text.size() != 2 * hex_digits_a_word)
    return refuse("it has " + std::to_string(text.size()) + " characters");
  hash128 out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int digit = digit_value(text[i]);
    if (digit < 0) return refuse("character " + std::to_string(i + 1) + " is not a digit");
    auto& word = i < hex_digits_a_word ? out.high : out.low;
    word = (word << 4) | static_cast<uint64_t>(digit);
  }
  return out;
}

uint64_t hash64(std::span<const std::byte> bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

uint64_t hash64(std::string_view text) noexcept {
  return XXH3_64bits(text.data(), text.size());
}

hash128 hash128_of(std::span<const std::byte> bytes) noexcept {
  return from_xxh(XXH3_128bits(bytes.data(), bytes.size()));
}

hash128 hash128_of(std::string_view text) noexcept {
  return from_xxh(XXH3_128bits(text.data(), text.size()));
}

void hasher::deleter::operator()(XXH3_state_s* state) const noexcept {
  XXH3_freeState(state);
}

hasher::hasher() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc();
  reset();
}

hasher::~hasher() = default;
hasher::hasher(hasher&&) noexcept = default;
hasher& hasher::operator=(hasher&&) noexcept = default;

void hasher::update(std::span<const std::byte> bytes) noexcept {
  // One state serves both digests: XXH3's 64-bit and 128-bit updates are the same function.
  XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
}

void hasher::update(std::string_view text) noexcept {
  update(std::as_bytes(std::span(text.data(), text.size())));
}

uint64_t hasher::digest64() const noexcept {
  return XXH3_64bits_digest(state_.get());
}

hash128 hasher::digest128() const noexcept {
  return from_xxh(XXH3_128bits_digest(state_.get()));
}

void hasher::reset() noexcept {
  XXH3_128bits_reset(state_.get());
}

}  // namespace stip

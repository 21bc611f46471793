#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "libstip/core/error.hpp"

struct XXH3_state_s;

namespace stip {

/// A 128-bit hash; orders as the number high * 2^64 + low, which is the order of its hex text.
struct hash128 {
  uint64_t high = 0;
  uint64_t low = 0;

  auto operator<=>(const hash128&) const = default;
};

/// 32 lower-case hexadecimal digits, the highest first (XXH128's canonical form).
std::string to_string(const hash128& value);

/// Reads what to_string writes (either case); ec::invalid_argument for anything else.
result<hash128> parse_hash128(std::string_view text);

/// XXH3-64 with seed 0. The value is stable: it stands in files and decides placement.
uint64_t hash64(std::span<const std::byte> bytes) noexcept;

/// XXH3-64 of a text's bytes.
uint64_t hash64(std::string_view text) noexcept;

/// XXH3-128 with seed 0. The value is stable: image ids are made of it.
hash128 hash128_of(std::span<const std::byte> bytes) noexcept;

/// XXH3-128 of a text's bytes.
hash128 hash128_of(std::string_view text) noexcept;

/// XXH3 over bytes that arrive in pieces: the digests equal those of the pieces joined.
class hasher {
 public:
  hasher();
  ~hasher();
  hasher(hasher&&) noexcept;
  hasher& operator=(hasher&&) noexcept;

  void update(std::span<const std::byte> bytes) noexcept;
  void update(std::string_view text) noexcept;

  /// The digests of what was given so far; more may follow.
  uint64_t digest64() const noexcept;
  hash128 digest128() const noexcept;

  /// Starts over with nothing.
  void reset() noexcept;

 private:
  struct deleter {
    void operator()(XXH3_state_s* state) const noexcept;
  };

  std::unique_ptr<XXH3_state_s, deleter> state_;
};

}  // namespace stip

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// Vertical difference and patched frame of reference: the codec of integer pixels. The bytes are
// defined in docs/data-format.md, section "Blocks, vdpfor". They do not depend on the machine: the
// code is compiled for several sets of vector instructions and picks the best that the processor
// has when it runs (Highway); the scalar twin gives the same bytes.

namespace stip::vdpfor {

/// Pixels of a group, which share one width in bits.
inline constexpr size_t group_values = 256;

/// No payload of `count` pixels of `word_bytes` each is longer (raw may be shorter).
size_t max_bytes(size_t word_bytes, size_t count) noexcept;

/// Encodes pixels of 1, 2, 4 or 8 bytes, dense rows of `columns` pixels, at any alignment.
/// `out` has max_bytes() bytes; returns how many were written.
size_t encode(size_t word_bytes, std::span<const std::byte> pixels, size_t columns,
              std::span<std::byte> out) noexcept;

/// Fills `pixels` from a payload. Any payload is safe; false when it is not well-formed or does not
/// end with the last pixel.
[[nodiscard]] bool decode(size_t word_bytes, std::span<const std::byte> payload, size_t columns,
                          std::span<std::byte> pixels) noexcept;

/// The same of ranks of classes, bytes that are compared with those above bit by bit: where pixels
/// are names, not amounts. `word_bytes` are those of a pixel. `out` has max_bytes(1, ranks.size())
/// bytes.
size_t encode_changes(size_t word_bytes, std::span<const std::byte> ranks, size_t columns,
                      std::span<std::byte> out) noexcept;

/// Fills `ranks` from such a payload, as decode does.
[[nodiscard]] bool decode_changes(std::span<const std::byte> payload, size_t columns,
                                  std::span<std::byte> ranks) noexcept;

/// All of these without vectors: what runs where no target is supported, and what the vector
/// code is compared with.
namespace scalar {

size_t encode(size_t word_bytes, std::span<const std::byte> pixels, size_t columns,
              std::span<std::byte> out) noexcept;

[[nodiscard]] bool decode(size_t word_bytes, std::span<const std::byte> payload, size_t columns,
                          std::span<std::byte> pixels) noexcept;

size_t encode_changes(size_t word_bytes, std::span<const std::byte> ranks, size_t columns,
                      std::span<std::byte> out) noexcept;

[[nodiscard]] bool decode_changes(std::span<const std::byte> payload, size_t columns,
                                  std::span<std::byte> ranks) noexcept;

}  // namespace scalar

}  // namespace stip::vdpfor

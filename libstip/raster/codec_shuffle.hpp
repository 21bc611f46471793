#pragma once

#include <cstddef>
#include <span>

// Bytes shuffled by significance, with or without the difference with the word above: what makes
// words compressible for LZ4 and Zstandard. The bytes are defined in docs/data-format.md.

namespace stip::shuffle {

/// Writes all lowest bytes of the words, then all second bytes, and so on. Words of 1, 2, 4 or 8
/// bytes at any alignment; `out` has as many bytes as `words`.
void split(size_t word_bytes, std::span<const std::byte> words, std::span<std::byte> out) noexcept;

/// Undoes split.
void join(size_t word_bytes, std::span<const std::byte> bytes, std::span<std::byte> words) noexcept;

/// split of the zig-zagged differences with the word above (dense rows of `columns` words).
void split_differences(size_t word_bytes, std::span<const std::byte> words, size_t columns,
                       std::span<std::byte> out) noexcept;

/// Undoes split_differences.
void join_differences(size_t word_bytes, std::span<const std::byte> bytes, size_t columns,
                      std::span<std::byte> words) noexcept;

}  // namespace stip::shuffle

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

// What the codecs share: pixels as unsigned words of 1, 2, 4 or 8 bytes, and their differences.
// Internal to the codec.

namespace stip {

static_assert(std::endian::native == std::endian::little, "blocks are little-endian in memory");

/// A word at any address inside a byte buffer. A struct, because templates drop the attributes of
/// mere type names.
template <class T>
struct [[gnu::packed, gnu::may_alias]] word_at {
  T value;

  [[gnu::always_inline]] operator T() const noexcept {
    return value;
  }
  [[gnu::always_inline]] word_at& operator=(T next) noexcept {
    value = next;
    return *this;
  }
};

template <class T>
const word_at<T>* words_at(const void* address) noexcept {
  return static_cast<const word_at<T>*>(address);
}

template <class T>
word_at<T>* words_at(void* address) noexcept {
  return static_cast<word_at<T>*>(address);
}

template <class T>
constexpr size_t bits_of = 8 * sizeof(T);

/// Calls f with the type of words of 1, 2, 4 or 8 bytes.
template <class F>
decltype(auto) with_word(size_t word_bytes, F&& f) {
  switch (word_bytes) {
    case 1:
      return f(std::type_identity<uint8_t>{});
    case 2:
      return f(std::type_identity<uint16_t>{});
    case 4:
      return f(std::type_identity<uint32_t>{});
    default:
      return f(std::type_identity<uint64_t>{});
  }
}

/// 0, -1, 1, -2, 2 ... (modulo the word) become 0, 1, 2, 3, 4 ...
template <class T>
[[gnu::always_inline]] inline T zigzag(T difference) noexcept {
  return static_cast<T>(static_cast<T>(difference << 1) ^
                        static_cast<T>(T{0} - static_cast<T>(difference >> (bits_of<T> - 1))));
}

template <class T>
[[gnu::always_inline]] inline T unzigzag(T value) noexcept {
  return static_cast<T>(static_cast<T>(value >> 1) ^
                        static_cast<T>(T{0} - static_cast<T>(value & 1)));
}

/// The zig-zagged differences of the words [begin, begin + count) with the word above; in the first
/// row with the word to the left, and of the very first with 0.
template <class T>
void take_differences(const word_at<T>* words, size_t begin, size_t count, size_t columns,
                      T* __restrict out) noexcept {
  const auto* current = words + begin;
  const size_t first_row = begin < columns ? std::min(count, columns - begin) : 0;
  size_t i = 0;
  if (begin == 0 && count > 0) {
    out[0] = zigzag<T>(current[0]);
    i = 1;
  }
  for (; i < first_row; ++i) out[i] = zigzag<T>(static_cast<T>(current[i] - words[begin + i - 1]));
  if (i < count) {
    const auto* above = words + (begin + i - columns);
    for (size_t k = i; k < count; ++k)
      out[k] = zigzag<T>(static_cast<T>(current[k] - above[k - i]));
  }
}

/// Undoes take_differences; the words before `begin` are there already.
template <class T>
void put_differences(const T* __restrict in, size_t begin, size_t count, size_t columns,
                     word_at<T>* words) noexcept {
  auto* current = words + begin;
  const size_t first_row = begin < columns ? std::min(count, columns - begin) : 0;
  T left = begin == 0 ? T{0} : words[begin - 1].value;
  for (size_t i = 0; i < first_row; ++i) {
    left = static_cast<T>(left + unzigzag<T>(in[i]));
    current[i] = left;
  }
  // Within a run as long as a row no word depends on another, so the loop has no order.
  for (size_t i = first_row; i < count;) {
    const size_t end = std::min(count, i + columns);
    const auto* above = words + (begin + i - columns);
#pragma GCC ivdep
    for (size_t k = i; k < end; ++k) current[k] = static_cast<T>(above[k - i] + unzigzag<T>(in[k]));
    i = end;
  }
}

}  // namespace stip

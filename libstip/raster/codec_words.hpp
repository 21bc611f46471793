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

/// What a word is to the one above: the arithmetic difference, zig-zagged, of measurements.
template <class T>
struct difference {
  [[gnu::always_inline]] static T take(T word, T other) noexcept {
    return zigzag<T>(static_cast<T>(word - other));
  }
  [[gnu::always_inline]] static T put(T value, T other) noexcept {
    return static_cast<T>(other + unzigzag<T>(value));
  }
};

/// The same of ranks of classes, which have no distance: the bits that change.
template <class T>
struct change {
  [[gnu::always_inline]] static T take(T word, T other) noexcept {
    return static_cast<T>(word ^ other);
  }
  [[gnu::always_inline]] static T put(T value, T other) noexcept {
    return static_cast<T>(other ^ value);
  }
};

/// The relations (zig-zagged differences or changes) of the words [begin, begin + count) to the
/// word above; in the first row to the word to the left, and of the very first to 0.
template <class T, class Relation = difference<T>>
void take_differences(const word_at<T>* words, size_t begin, size_t count, size_t columns,
                      T* __restrict out) noexcept {
  const auto* current = words + begin;
  const size_t first_row = begin < columns ? std::min(count, columns - begin) : 0;
  size_t i = 0;
  if (begin == 0 && count > 0) {
    out[0] = Relation::take(current[0], T{0});
    i = 1;
  }
  for (; i < first_row; ++i) out[i] = Relation::take(current[i], words[begin + i - 1]);
  if (i < count) {
    const auto* above = words + (begin + i - columns);
    for (size_t k = i; k < count; ++k) out[k] = Relation::take(current[k], above[k - i]);
  }
}

/// Undoes take_differences; the words before `begin` are there already.
template <class T, class Relation = difference<T>>
void put_differences(const T* __restrict in, size_t begin, size_t count, size_t columns,
                     word_at<T>* words) noexcept {
  auto* current = words + begin;
  const size_t first_row = begin < columns ? std::min(count, columns - begin) : 0;
  T left = begin == 0 ? T{0} : words[begin - 1].value;
  for (size_t i = 0; i < first_row; ++i) {
    left = Relation::put(in[i], left);
    current[i] = left;
  }
  // Within a run as long as a row no word depends on another, so the loop has no order.
  for (size_t i = first_row; i < count;) {
    const size_t end = std::min(count, i + columns);
    const auto* above = words + (begin + i - columns);
#pragma GCC ivdep
    for (size_t k = i; k < end; ++k) current[k] = Relation::put(in[k], above[k - i]);
    i = end;
  }
}

}  // namespace stip

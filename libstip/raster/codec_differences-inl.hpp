// Differences of words with the word above, by vectors. Compiled once for each target: include it
// after hwy/foreach_target.h and hwy/highway.h. The scalar twin is in codec_words.hpp.

#if defined(STIP_CODEC_DIFFERENCES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STIP_CODEC_DIFFERENCES_INL
#undef STIP_CODEC_DIFFERENCES_INL
#else
#define STIP_CODEC_DIFFERENCES_INL
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <hwy/highway.h>

#include "libstip/raster/codec_words.hpp"

HWY_BEFORE_NAMESPACE();
namespace stip::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR

/// Vectors of at most 32 bytes, a packed row of vdpfor.
template <class T>
using row_tag = hn::CappedTag<T, 32 / sizeof(T)>;

template <class T>
constexpr size_t vector_words = hn::MaxLanes(row_tag<T>{});

template <class T>
using row_vector = hn::Vec<row_tag<T>>;

/// Vectors at addresses of any alignment.
template <class T>
HWY_INLINE row_vector<T> load(const word_at<T>* from) {
  return hn::LoadU(row_tag<T>{}, reinterpret_cast<const T*>(from));
}

template <class T>
HWY_INLINE void store(row_vector<T> words, word_at<T>* to) {
  hn::StoreU(words, row_tag<T>{}, reinterpret_cast<T*>(to));
}

/// Vectors of up to 64 bytes, where nothing is packed.
template <class T>
using wide_tag = hn::CappedTag<T, 64 / sizeof(T)>;

template <class T>
constexpr size_t wide_words = hn::MaxLanes(wide_tag<T>{});

/// Relation::take of vectors.
template <class T, class Relation>
HWY_INLINE hn::Vec<wide_tag<T>> take_vector(hn::Vec<wide_tag<T>> word, hn::Vec<wide_tag<T>> other) {
  if constexpr (std::is_same_v<Relation, change<T>>) {
    return hn::Xor(word, other);
  } else {
    const hn::RebindToSigned<wide_tag<T>> as_signed;
    const auto difference = hn::Sub(word, other);
    const auto sign = hn::BroadcastSignBit(hn::BitCast(as_signed, difference));
    return hn::Xor(hn::Add(difference, difference), hn::BitCast(wide_tag<T>{}, sign));
  }
}

/// Relation::put of vectors.
template <class T, class Relation, class D>
HWY_INLINE hn::Vec<D> put_vector(D d, hn::Vec<D> value, hn::Vec<D> other) {
  if constexpr (std::is_same_v<Relation, change<T>>) {
    return hn::Xor(value, other);
  } else {
    const auto sign = hn::Sub(hn::Zero(d), hn::And(value, hn::Set(d, T{1})));
    return hn::Add(other, hn::Xor(hn::ShiftRight<1>(value), sign));
  }
}

/// take_differences of the words [begin, begin + count); `out` is aligned to 32 bytes.
template <class T, class Relation>
void take_differences_by_vector(const word_at<T>* words, size_t begin, size_t count, size_t columns,
                                T* out) {
  const wide_tag<T> d;
  constexpr size_t step = wide_words<T>;
  const auto* current = words + begin;
  const auto run = [&](size_t from, size_t to, const word_at<T>* other) HWY_ATTR {
    size_t i = from;
    for (; i + step <= to; i += step)
      hn::StoreU(take_vector<T, Relation>(hn::LoadU(d, reinterpret_cast<const T*>(current + i)),
                                          hn::LoadU(d, reinterpret_cast<const T*>(other + i))),
                 d, out + i);
    for (; i < to; ++i) out[i] = Relation::take(current[i], other[i]);
  };
  const size_t first_row = begin < columns ? std::min(count, columns - begin) : 0;
  size_t at = 0;
  if (begin == 0 && count > 0) {
    out[0] = Relation::take(current[0], T{0});
    at = 1;
  }
  if (at < first_row) run(at, first_row, current - 1);
  if (first_row < count) run(first_row, count, current - columns);
}

/// `Words` columns of words from their zig-zagged differences: those at `from`, from + columns, and
/// so on, while they begin at most at `last`.
template <class T, class Relation, size_t Words>
HWY_INLINE void put_strip(const T* in, ptrdiff_t from, ptrdiff_t last, size_t columns,
                          word_at<T>* words) {
  const hn::CappedTag<T, Words> d;
  const auto row = static_cast<ptrdiff_t>(columns);
  if (from > last) return;
  // The words above stay in a register: from memory they would come only when they are stored.
  auto word = hn::LoadU(d, reinterpret_cast<const T*>(words + from - row));
  for (; from <= last; from += row) {
    word = put_vector<T, Relation>(d, hn::LoadU(d, in + from), word);
    hn::StoreU(word, d, reinterpret_cast<T*>(words + from));
  }
}

/// put_strip of rows of fewer than 2 * Words columns, by ever narrower strips.
template <class T, class Relation, size_t Words>
HWY_INLINE void put_narrow(size_t wide, const T* in, ptrdiff_t from, ptrdiff_t last, size_t columns,
                           word_at<T>* words) {
  if constexpr (Words > 0) {
    size_t done = 0;
    if ((wide & Words) != 0) {
      put_strip<T, Relation, Words>(in, from, last, columns, words);
      done = Words;
    }
    const auto next = static_cast<ptrdiff_t>(done);
    put_narrow<T, Relation, Words / 2>(wide, in, from + next, last + next, columns, words);
  }
}

/// put_differences of words from `begin` on, of which there are `count`. Returns how many it has
/// put: what is less than a vector, or than what a row has after its last vector, is left for the
/// next time, which then begins with it. In front of `in` is as much of the values before as makes
/// a vector with these.
template <class T, class Relation>
size_t put_differences_by_vector(const T* in, size_t begin, size_t count, size_t columns,
                                 word_at<T>* words) {
  constexpr size_t step = wide_words<T>;
  if (begin < columns) {
    const size_t first_row = std::min(count, columns - begin);
    T left = begin == 0 ? T{0} : words[begin - 1].value;
    for (size_t i = 0; i < first_row; ++i) {
      left = Relation::put(in[i], left);
      words[begin + i] = left;
    }
    if (first_row == count) return count;
    return first_row + put_differences_by_vector<T, Relation>(in + first_row, begin + first_row,
                                                              count - first_row, columns, words);
  }
  words += begin;
  const size_t tail = columns % step;
  const size_t first = begin % columns;
  // Where the next word of a column is.
  const auto next = [&](size_t column) HWY_ATTR {
    return static_cast<ptrdiff_t>(column >= first ? column - first : column + columns - first);
  };
  constexpr auto vector = static_cast<ptrdiff_t>(step);
  const auto all = static_cast<ptrdiff_t>(count);
  const auto rest = static_cast<ptrdiff_t>(tail);
  for (size_t column = 0; column + step <= columns; column += step)
    put_strip<T, Relation, step>(in, next(column), all - vector, columns, words);
  if (columns < step)
    put_narrow<T, Relation, step / 2>(tail, in, next(0), all - rest, columns, words);
  else if (tail > 0)
    // A whole vector that ends with the row: what it shares with the one before becomes the same.
    put_strip<T, Relation, step>(in, next(columns - tail) - (vector - rest), all - vector, columns,
                                 words);
  const size_t end = (first + count) % columns;
  return count - (end < columns - tail ? end % step : end - (columns - tail));
}

#endif

}  // namespace stip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

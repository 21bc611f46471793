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

template <class T>
HWY_INLINE row_vector<T> zigzag_vector(row_vector<T> difference) {
  const hn::RebindToSigned<row_tag<T>> as_signed;
  const auto sign = hn::BroadcastSignBit(hn::BitCast(as_signed, difference));
  return hn::Xor(hn::Add(difference, difference), hn::BitCast(row_tag<T>{}, sign));
}

template <class T>
HWY_INLINE row_vector<T> unzigzag_vector(row_vector<T> value) {
  const row_tag<T> d;
  const auto sign = hn::Sub(hn::Zero(d), hn::And(value, hn::Set(d, T{1})));
  return hn::Xor(hn::ShiftRight<1>(value), sign);
}

/// take_differences of the words [begin, begin + count); `out` is aligned to 32 bytes.
template <class T>
void take_differences_by_vector(const word_at<T>* words, size_t begin, size_t count, size_t columns,
                                T* out) {
  constexpr size_t step = vector_words<T>;
  const auto* current = words + begin;
  const auto run = [&](size_t from, size_t to, const word_at<T>* other) HWY_ATTR {
    size_t i = from;
    for (; i + step <= to; i += step)
      hn::StoreU(zigzag_vector<T>(hn::Sub(load(current + i), load(other + i))), row_tag<T>{},
                 out + i);
    for (; i < to; ++i) out[i] = zigzag<T>(static_cast<T>(current[i] - other[i]));
  };
  const size_t first_row = begin < columns ? std::min(count, columns - begin) : 0;
  size_t at = 0;
  if (begin == 0 && count > 0) {
    out[0] = zigzag<T>(current[0]);
    at = 1;
  }
  if (at < first_row) run(at, first_row, current - 1);
  if (first_row < count) run(first_row, count, current - columns);
}

/// put_differences of the words [begin, begin + count).
template <class T>
void put_differences_by_vector(const T* in, size_t begin, size_t count, size_t columns,
                               word_at<T>* words) {
  constexpr size_t step = vector_words<T>;
  auto* current = words + begin;
  const size_t first_row = begin < columns ? std::min(count, columns - begin) : 0;
  T left = begin == 0 ? T{0} : words[begin - 1].value;
  size_t i = 0;
  for (; i < first_row; ++i) {
    left = static_cast<T>(left + unzigzag<T>(in[i]));
    current[i] = left;
  }
  if (i >= count) return;
  const auto* above = current - columns;
  // In order of the words, so that a vector finds the words above it whole when a row has at least
  // as many.
  if (columns >= step)
    for (; i + step <= count; i += step)
      store(hn::Add(load(above + i), unzigzag_vector<T>(hn::LoadU(row_tag<T>{}, in + i))),
            current + i);
  for (; i < count; ++i) current[i] = static_cast<T>(above[i] + unzigzag<T>(in[i]));
}

#endif

}  // namespace stip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

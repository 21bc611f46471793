#include "libstip/raster/codec_classes.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "libstip/raster/codec_buffer.hpp"
#include "libstip/raster/codec_vdpfor.hpp"
#include "libstip/raster/codec_words.hpp"
#include "libstip/raster/simd_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "libstip/raster/codec_classes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef STIP_CODEC_CLASSES_ONCE
#define STIP_CODEC_CLASSES_ONCE

namespace stip::classes {

/// Values of a table that one lookup finds.
constexpr size_t lookup_values = 16;

/// A block's values by rank, the bytes of each significance together. Ranks beyond are 0.
struct table {
  size_t count = 0;
  std::array<std::array<uint8_t, max_values>, max_word_bytes> bytes{};
};

/// The ranks of bytes, for lookups: of the parts of 16 bytes that have a value, by the lowest.
struct byte_ranks {
  struct part {
    uint8_t first;
    /// Rank + 1; 0 without.
    std::array<uint8_t, lookup_values> next;
  };
  size_t count = 0;
  std::array<part, 256 / lookup_values> parts;
};

}  // namespace stip::classes

#endif

HWY_BEFORE_NAMESPACE();
namespace stip::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR

using lookup_tag = hn::CappedTag<uint8_t, 2 * classes::lookup_values>;
using lookup_vector = hn::Vec<lookup_tag>;

/// One byte of the values of ranks.
template <size_t Lookups>
HWY_INLINE lookup_vector look_up(const std::array<uint8_t, classes::max_values>& bytes,
                                 lookup_vector ranks) {
  const lookup_tag d;
  auto out = hn::TableLookupBytesOr0(hn::LoadDup128(d, bytes.data()), ranks);
  if constexpr (Lookups > 1) {
    // A lookup is 0 where the highest bit is set: everywhere but in the ranks of its part.
    const auto others = hn::Set(d, 0x80 - classes::lookup_values);
    out = hn::TableLookupBytesOr0(hn::LoadDup128(d, bytes.data()), hn::SaturatedAdd(ranks, others));
    for (size_t part = 1; part < Lookups; ++part) {
      const size_t first = part * classes::lookup_values;
      const auto rank = hn::Sub(ranks, hn::Set(d, static_cast<uint8_t>(first)));
      out = hn::Or(out, hn::TableLookupBytesOr0(hn::LoadDup128(d, bytes.data() + first),
                                                hn::SaturatedAdd(rank, others)));
    }
  }
  return out;
}

/// Writes the words of whole vectors of ranks; returns how many. `highest` is raised to the highest
/// rank.
template <size_t WordBytes, size_t Lookups>
size_t look_up_all(const classes::table& values, const uint8_t* ranks, size_t count, uint8_t* words,
                   uint8_t& highest) {
  const lookup_tag d;
  constexpr size_t step = hn::MaxLanes(d);
  auto most = hn::Zero(d);
  size_t i = 0;
  for (; i + step <= count; i += step) {
    const auto rank = hn::LoadU(d, ranks + i);
    most = hn::Max(most, rank);
    const auto low = look_up<Lookups>(values.bytes[0], rank);
    if constexpr (WordBytes == 1) {
      hn::StoreU(low, d, words + i);
    } else {
      const auto high = look_up<Lookups>(values.bytes[1], rank);
      auto first = hn::InterleaveLower(low, high);
      auto second = hn::InterleaveUpper(d, low, high);
      if constexpr (step > classes::lookup_values) {
        // Both halves of a vector are interleaved by themselves.
        const auto upper = hn::ConcatUpperUpper(d, second, first);
        first = hn::ConcatLowerLower(d, second, first);
        second = upper;
      }
      hn::StoreU(first, d, words + 2 * i);
      hn::StoreU(second, d, words + 2 * i + step);
    }
  }
  alignas(32) uint8_t lanes[step];
  hn::Store(most, d, lanes);
  for (const uint8_t lane : lanes) highest = std::max(highest, lane);
  return i;
}

/// Writes the ranks of whole vectors of bytes, all bits of which are set where there is none;
/// returns how many. Sets the bits in `all` that one of them has.
size_t rank_vectors(const classes::byte_ranks& ranks, const uint8_t* bytes, size_t count,
                    uint8_t* out, uint8_t& all) {
  const hn::CappedTag<uint8_t, 64> d;
  const size_t step = hn::Lanes(d);
  const auto others = hn::Set(d, 0x80 - classes::lookup_values);
  const auto one = hn::Set(d, uint8_t{1});
  auto any = hn::Zero(d);
  size_t i = 0;
  for (; i + step <= count; i += step) {
    const auto value = hn::LoadU(d, bytes + i);
    auto next = hn::Zero(d);
    for (size_t p = 0; p < ranks.count; ++p) {
      const auto& part = ranks.parts[p];
      const auto index = hn::SaturatedAdd(hn::Sub(value, hn::Set(d, part.first)), others);
      next = hn::Or(next, hn::TableLookupBytesOr0(hn::LoadDup128(d, part.next.data()), index));
    }
    const auto rank = hn::Sub(next, one);
    any = hn::Or(any, rank);
    hn::StoreU(rank, d, out + i);
  }
  alignas(64) uint8_t lanes[64];
  hn::Store(any, d, lanes);
  for (size_t k = 0; k < step; ++k) all = static_cast<uint8_t>(all | lanes[k]);
  return i;
}

template <size_t WordBytes>
size_t look_up_words(const classes::table& values, const uint8_t* ranks, size_t count,
                     uint8_t* words, uint8_t& highest) {
  switch ((values.count + classes::lookup_values - 1) / classes::lookup_values) {
    case 1:
      return look_up_all<WordBytes, 1>(values, ranks, count, words, highest);
    case 2:
      return look_up_all<WordBytes, 2>(values, ranks, count, words, highest);
    default:
      return look_up_all<WordBytes, 4>(values, ranks, count, words, highest);
  }
}

#endif

size_t rank_bytes([[maybe_unused]] const classes::byte_ranks& ranks,
                  [[maybe_unused]] const uint8_t* bytes, [[maybe_unused]] size_t count,
                  [[maybe_unused]] uint8_t* out, [[maybe_unused]] uint8_t& all) {
#if HWY_TARGET == HWY_SCALAR
  return 0;
#else
  return rank_vectors(ranks, bytes, count, out, all);
#endif
}

/// Replaces ranks by words; false when a rank is not in the table.
bool apply_table(const classes::table& values, size_t word_bytes, const uint8_t* ranks,
                 size_t count, uint8_t* words) {
  uint8_t highest = 0;
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  i = word_bytes == 1 ? look_up_words<1>(values, ranks, count, words, highest)
                      : look_up_words<2>(values, ranks, count, words, highest);
#endif
  for (; i < count; ++i) {
    highest = std::max(highest, ranks[i]);
    for (size_t byte = 0; byte < word_bytes; ++byte)
      words[i * word_bytes + byte] = values.bytes[byte][ranks[i] % classes::max_values];
  }
  return highest < values.count;
}

}  // namespace stip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace stip {

HWY_EXPORT(rank_bytes);
HWY_EXPORT(apply_table);

}  // namespace stip

namespace stip::classes {

namespace {

/// No value has this rank.
constexpr uint8_t unranked = 0xff;

/// Rows of which every few pixels are counted to rank the values.
constexpr size_t counted_rows = 8;
constexpr size_t counted_stride = 3;

/// Pixels that are ranked before it is seen whether all of them had a rank.
constexpr size_t ranked_at_once = 2048;

}  // namespace

struct workspace::state {
  buffer ranks;
  buffer payload;
  /// By value; all unranked between calls.
  std::vector<uint8_t> rank_of;
  std::array<uint16_t, max_values> values;
  std::array<uint32_t, max_values> counts;
  size_t used = 0;

  void start(size_t word_bytes) {
    const size_t all = size_t{1} << (8 * word_bytes);
    if (rank_of.size() < all) rank_of.resize(all, unranked);
    used = 0;
  }

  void forget() {
    for (size_t i = 0; i < used; ++i) rank_of[values[i]] = unranked;
  }

  bool add(uint16_t value) {
    if (used == max_values) return false;
    rank_of[value] = static_cast<uint8_t>(used);
    counts[used] = 0;
    values[used++] = value;
    return true;
  }

  /// Ranks the values of some rows, the most frequent first.
  template <class T>
  bool count_some(const word_at<T>* words, size_t rows, size_t columns) {
    const size_t stride = std::max<size_t>(1, rows / counted_rows);
    for (size_t row = 0; row < rows; row += stride)
      for (size_t i = row * columns; i < (row + 1) * columns; i += counted_stride) {
        if (rank_of[words[i]] == unranked && !add(words[i])) return false;
        ++counts[rank_of[words[i]]];
      }
    std::array<size_t, max_values> order;
    for (size_t i = 0; i < used; ++i) order[i] = i;
    std::sort(order.begin(), order.begin() + used, [&](size_t a, size_t b) {
      return counts[a] != counts[b] ? counts[a] > counts[b] : values[a] < values[b];
    });
    const auto found = values;
    for (size_t i = 0; i < used; ++i) {
      values[i] = found[order[i]];
      rank_of[values[i]] = static_cast<uint8_t>(i);
    }
    return true;
  }

  byte_ranks ranks_of_bytes() const {
    byte_ranks out;
    for (size_t first = 0; first < 256; first += lookup_values) {
      auto& part = out.parts[out.count];
      part.first = static_cast<uint8_t>(first);
      bool any = false;
      for (size_t i = 0; i < lookup_values; ++i) {
        part.next[i] = static_cast<uint8_t>(rank_of[first + i] + 1);
        any = any || part.next[i] != 0;
      }
      if (any) ++out.count;
    }
    return out;
  }

  /// Values that the counted rows do not have follow in the order of the pixels.
  template <class T>
  bool rank(const word_at<T>* words, size_t count, uint8_t* out) {
    byte_ranks of_bytes;
    if constexpr (sizeof(T) == 1) of_bytes = ranks_of_bytes();
    for (size_t at = 0; at < count; at += ranked_at_once) {
      const size_t end = std::min(count, at + ranked_at_once);
      uint8_t all = 0;
      size_t i = at;
      if constexpr (sizeof(T) == 1)
        i += HWY_DYNAMIC_DISPATCH(stip::rank_bytes)(
            of_bytes, reinterpret_cast<const uint8_t*>(words + at), end - at, out + at, all);
      for (; i < end; ++i) {
        out[i] = rank_of[words[i]];
        all = static_cast<uint8_t>(all | out[i]);
      }
      if (all < max_values) continue;
      for (i = at; i < end; ++i) {
        if (rank_of[words[i]] == unranked && !add(words[i])) return false;
        out[i] = rank_of[words[i]];
      }
      if constexpr (sizeof(T) == 1) of_bytes = ranks_of_bytes();
    }
    return true;
  }

  template <class T>
  std::span<const std::byte> encode(std::span<const std::byte> pixels, size_t columns) {
    const auto* words = words_at<T>(pixels.data());
    const size_t count = pixels.size() / sizeof(T);
    const auto ranked = ranks.get(count);
    if (!count_some<T>(words, count / columns, columns) ||
        !rank<T>(words, count, reinterpret_cast<uint8_t*>(ranked.data())))
      return {};
    const auto out = payload.get(1 + max_values * sizeof(T) + vdpfor::max_bytes(1, count));
    out[0] = static_cast<std::byte>(used);
    for (size_t i = 0; i < used; ++i) words_at<T>(out.data() + 1)[i] = static_cast<T>(values[i]);
    const size_t table_bytes = 1 + used * sizeof(T);
    return out.first(table_bytes +
                     vdpfor::encode_changes(sizeof(T), ranked, columns, out.subspan(table_bytes)));
  }
};

workspace::workspace() = default;
workspace::~workspace() = default;
workspace::workspace(workspace&&) noexcept = default;
workspace& workspace::operator=(workspace&&) noexcept = default;

workspace::state& workspace::get() {
  if (!state_) state_ = std::make_unique<state>();
  return *state_;
}

std::span<const std::byte> encode(size_t word_bytes, std::span<const std::byte> pixels,
                                  size_t columns, workspace& space) {
  auto& state = space.get();
  state.start(word_bytes);
  const auto payload = word_bytes == 1 ? state.encode<uint8_t>(pixels, columns)
                                       : state.encode<uint16_t>(pixels, columns);
  state.forget();
  return payload;
}

bool decode(size_t word_bytes, std::span<const std::byte> payload, size_t columns, workspace& space,
            std::span<std::byte> pixels) {
  if (word_bytes > max_word_bytes || payload.empty()) return false;
  table values;
  values.count = std::to_integer<size_t>(payload[0]);
  const size_t table_bytes = 1 + values.count * word_bytes;
  if (values.count == 0 || values.count > max_values || payload.size() < table_bytes) return false;
  for (size_t i = 0; i < values.count; ++i)
    for (size_t byte = 0; byte < word_bytes; ++byte)
      values.bytes[byte][i] = std::to_integer<uint8_t>(payload[1 + i * word_bytes + byte]);
  const size_t count = pixels.size() / word_bytes;
  const auto ranks = space.get().ranks.get(count);
  return vdpfor::decode_changes(payload.subspan(table_bytes), columns, ranks) &&
         HWY_DYNAMIC_DISPATCH(stip::apply_table)(values, word_bytes,
                                                 reinterpret_cast<const uint8_t*>(ranks.data()),
                                                 count, reinterpret_cast<uint8_t*>(pixels.data()));
}

}  // namespace stip::classes

#endif

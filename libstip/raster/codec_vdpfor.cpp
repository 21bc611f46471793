#include "libstip/raster/codec_vdpfor.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "libstip/raster/simd_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "libstip/raster/codec_vdpfor.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "libstip/raster/codec_pack-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace stip::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

size_t encode(size_t word_bytes, std::span<const std::byte> pixels, size_t columns,
              std::span<std::byte> out) {
  return vdpfor::scalar::encode(word_bytes, pixels, columns, out);
}

bool decode(size_t word_bytes, std::span<const std::byte> payload, size_t columns,
            std::span<std::byte> pixels) {
  return vdpfor::scalar::decode(word_bytes, payload, columns, pixels);
}

size_t encode_changes(size_t word_bytes, std::span<const std::byte> ranks, size_t columns,
                      std::span<std::byte> out) {
  return vdpfor::scalar::encode_changes(word_bytes, ranks, columns, out);
}

bool decode_changes(std::span<const std::byte> payload, size_t columns,
                    std::span<std::byte> ranks) {
  return vdpfor::scalar::decode_changes(payload, columns, ranks);
}

#else

/// The sum of counters of one byte each, whatever the words that they stand in: at most 255 a word.
template <class T>
HWY_INLINE size_t sum_of_counters(hn::Vec<wide_tag<T>> counters) {
  const hn::Repartition<uint8_t, wide_tag<T>> as_bytes;
  const hn::Repartition<uint64_t, wide_tag<T>> as_words;
  const auto sums = hn::SumsOf8(hn::BitCast(as_bytes, counters));
  return static_cast<size_t>(hn::GetLane(hn::SumOfLanes(as_words, sums)));
}

/// The kernels of one target that encode_groups and decode_groups ask for.
template <class T, class Relation, vd::charge Charge>
struct vector_kernels {
  using relation = Relation;
  static constexpr size_t step = vector_words<T>;

  static void take_differences(const word_at<T>* words, size_t begin, size_t count, size_t columns,
                               T* out) {
    take_differences_by_vector<T, Relation>(words, begin, count, columns, out);
  }

  static size_t put_differences(const T* in, size_t begin, size_t count, size_t columns,
                                word_at<T>* words) {
    return put_differences_by_vector<T, Relation>(in, begin, count, columns, words);
  }

  /// How many values have one of the bits of `mask`.
  static HWY_INLINE size_t count_with(const T* values, T mask) {
    const wide_tag<T> d;
    static_assert(vd::group_values % wide_words<T> == 0);
    const auto bits = hn::Set(d, mask);
    const auto one = hn::Set(d, T{1});
    auto counters = hn::Zero(d);
    for (size_t i = 0; i < vd::group_values; i += wide_words<T>)
      counters = hn::Add(counters, hn::Min(hn::And(hn::Load(d, values + i), bits), one));
    return sum_of_counters<T>(counters);
  }

  static size_t nonzero(const T* values) { return count_with(values, static_cast<T>(~T{0})); }

  static vd::slice_mask<T> slices(const T* values) {
    const row_tag<T> d;
    vd::slice_mask<T> mask = 0;
    for (size_t slice = 0; slice < bits_of<T>; ++slice) {
      auto bits = hn::Zero(d);
      for (size_t lane = 0; lane < vd::lanes<T>; lane += step)
        bits = hn::Or(bits, hn::Load(d, values + slice * vd::lanes<T> + lane));
      const bool any = !hn::AllTrue(d, hn::Eq(bits, hn::Zero(d)));
      mask = static_cast<T>(mask | static_cast<T>(any) << slice);
    }
    return mask;
  }

  /// Passes of count_with before the widths of all values are counted one by one.
  static constexpr size_t max_passes = sizeof(T) < 4 ? bits_of<T> : 64 / sizeof(T);

  /// For each width, how many values need more bits.
  using widths = std::array<uint16_t, bits_of<T> + 1>;

  static widths widths_of(const T* values, size_t widest) {
    // Counters in turn, so that equal widths do not wait for each other.
    constexpr size_t turns = 4;
    uint16_t of_width[turns][bits_of<T> + 1] = {};
    for (size_t i = 0; i < vd::group_values; i += turns)
      for (size_t turn = 0; turn < turns; ++turn)
        ++of_width[turn][std::bit_width(values[i + turn])];
    widths out{};
    for (size_t width = widest; width-- > 0;) {
      out[width] = out[width + 1];
      for (const auto& counts : of_width)
        out[width] = static_cast<uint16_t>(out[width] + counts[width + 1]);
    }
    return out;
  }

  static vd::layout choose(const T* values, size_t count) {
    const wide_tag<T> d;
    auto bits = hn::Zero(d);
    for (size_t i = 0; i < vd::group_values; i += wide_words<T>)
      bits = hn::Or(bits, hn::Load(d, values + i));
    alignas(64) T all[wide_words<T>];
    hn::Store(bits, d, all);
    T any = 0;
    for (const T b : all) any = static_cast<T>(any | b);
    const auto widest = static_cast<size_t>(std::bit_width(any));
    vd::layout best{widest, 0, 0};
    size_t best_cost = vd::group_cost<T, Charge>(best, count);
    widths of_width;
    for (size_t width = widest; width-- > 0;) {
      // A pass over the vectors counts what one width leaves out; many passes cost more than to
      // look at each value once.
      const bool counted = widest - width > max_passes;
      if (widest - width == max_passes + 1) of_width = widths_of(values, widest);
      const size_t exceptions =
          counted ? of_width[width] : count_with(values, static_cast<T>(~vd::low_mask<T>(width)));
      const vd::layout how{width, exceptions, (widest - width + 7) / 8};
      // Narrower layouts have at least these exceptions, so nothing better can follow.
      if (exceptions > vd::max_sought_exceptions || vd::exceptions_cost<Charge>(how) >= best_cost)
        break;
      const size_t cost = vd::group_cost<T, Charge>(how, count);
      if (cost < best_cost) {
        best = how;
        best_cost = cost;
      }
    }
    return best;
  }

  static void wider(const T* values, size_t width, uint64_t* out) {
    const row_tag<T> d;
    const auto mask = hn::Set(d, static_cast<T>(~vd::low_mask<T>(width)));
    // StoreMaskBits may touch 8 bytes wherever it writes.
    uint8_t bits[vd::group_values / 8 + 8] = {};
    for (size_t i = 0; i < vd::group_values; i += step) {
      const auto wide = hn::Ne(hn::And(hn::Load(d, values + i), mask), hn::Zero(d));
      if constexpr (step >= 8) {
        hn::StoreMaskBits(d, wide, bits + i / 8);
      } else {
        uint8_t few[8];
        hn::StoreMaskBits(d, wide, few);
        bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | few[0] << (i % 8));
      }
    }
    std::memcpy(out, bits, vd::group_values / 8);
  }

  static void pack(const T* values, size_t width, std::byte* out) {
    pack_group<T>(values, width, out);
  }

  static void unpack(const std::byte* in, size_t width, T* values) {
    unpack_group<T>(in, width, values);
  }

  // Here the compiler may use the instruction for it.
  static size_t count_slices(vd::slice_mask<T> mask) {
    return static_cast<size_t>(std::popcount(mask));
  }

  static void expand(const T* in, vd::slice_mask<T> mask, T* values) {
    expand_slices<T>(in, mask, values);
  }
};

size_t encode(size_t word_bytes, std::span<const std::byte> pixels, size_t columns,
              std::span<std::byte> out) {
  return with_word(word_bytes, [&]<class T>(std::type_identity<T>) {
    return vd::encode_groups<T, vector_kernels<T, difference<T>, vd::charge_of<T>>>(pixels, columns,
                                                                                    out.data());
  });
}

bool decode(size_t word_bytes, std::span<const std::byte> payload, size_t columns,
            std::span<std::byte> pixels) {
  return with_word(word_bytes, [&]<class T>(std::type_identity<T>) {
    return vd::decode_groups<T, vector_kernels<T, difference<T>, vd::charge_of<T>>>(
        payload, columns, pixels);
  });
}

template <vd::charge Charge>
using change_kernels = vector_kernels<uint8_t, change<uint8_t>, Charge>;

size_t encode_changes(size_t word_bytes, std::span<const std::byte> ranks, size_t columns,
                      std::span<std::byte> out) {
  return word_bytes == 1
             ? vd::encode_groups<uint8_t, change_kernels<vd::of_bytes>>(ranks, columns, out.data())
             : vd::encode_groups<uint8_t, change_kernels<vd::of_ranks_of_words>>(ranks, columns,
                                                                                 out.data());
}

bool decode_changes(std::span<const std::byte> payload, size_t columns,
                    std::span<std::byte> ranks) {
  return vd::decode_groups<uint8_t, change_kernels<vd::of_bytes>>(payload, columns, ranks);
}

#endif

}  // namespace stip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace stip {

HWY_EXPORT(encode);
HWY_EXPORT(decode);
HWY_EXPORT(encode_changes);
HWY_EXPORT(decode_changes);

}  // namespace stip

namespace stip::vdpfor {

size_t max_bytes(size_t word_bytes, size_t count) noexcept {
  const size_t groups = (count + group_values - 1) / group_values;
  return 1 + groups * (max_control_bytes + word_bytes + group_values * word_bytes);
}

size_t encode(size_t word_bytes, std::span<const std::byte> pixels, size_t columns,
              std::span<std::byte> out) noexcept {
  return HWY_DYNAMIC_DISPATCH(stip::encode)(word_bytes, pixels, columns, out);
}

bool decode(size_t word_bytes, std::span<const std::byte> payload, size_t columns,
            std::span<std::byte> pixels) noexcept {
  return HWY_DYNAMIC_DISPATCH(stip::decode)(word_bytes, payload, columns, pixels);
}

size_t encode_changes(size_t word_bytes, std::span<const std::byte> ranks, size_t columns,
                      std::span<std::byte> out) noexcept {
  return HWY_DYNAMIC_DISPATCH(stip::encode_changes)(word_bytes, ranks, columns, out);
}

bool decode_changes(std::span<const std::byte> payload, size_t columns,
                    std::span<std::byte> ranks) noexcept {
  return HWY_DYNAMIC_DISPATCH(stip::decode_changes)(payload, columns, ranks);
}

}  // namespace stip::vdpfor

#endif
